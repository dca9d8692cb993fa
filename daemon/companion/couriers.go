package companion

import (
	"context"
	"errors"
	"sync"

	"flattr/daemon/accounts"
	"flattr/daemon/courier"
	"flattr/daemon/network"
	"flattr/ledger/api"

	"golang.org/x/oauth2"
)

// couriers has one courier for each account with a token.
type couriers struct {
	companion *Companion
	mu        sync.Mutex
	ctx       context.Context // of all couriers; set by start
	running   map[accounts.AccountID]*courier.Courier
}

func newCouriers(c *Companion) *couriers {
	return &couriers{companion: c, running: map[accounts.AccountID]*courier.Courier{}}
}

// start starts the couriers of all accounts.
func (cs *couriers) start(ctx context.Context) error {
	cs.mu.Lock()
	cs.ctx = ctx
	cs.mu.Unlock()
	all, err := cs.companion.accounts.All(ctx)
	if err != nil {
		return err
	}
	for _, account := range all {
		cs.hire(account)
	}
	return nil
}

// hire starts the courier of an account, or wakes the one it has: there is a
// new token.
func (cs *couriers) hire(account accounts.Account) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if running, ok := cs.running[account.ID]; ok {
		running.Wake()
		return
	}
	c := cs.companion
	id, uid := account.ID, account.UID
	hired := courier.New(courier.Config{
		Account: int64(id), Ledger: account.Ledger, Log: c.clicks, Now: c.config.Now, Logger: c.config.Log,
		Token: func(ctx context.Context, refused string) (string, error) { return cs.token(ctx, id, refused) },
		Changed: func(ids []string) {
			c.answered(id, ids)
			c.hub.touch(uid)
		},
	})
	cs.running[id] = hired
	ctx := cs.ctx
	c.tasks.Go(func() { hired.Run(ctx) })
}

// wake asks the account's courier for a sync now.
func (cs *couriers) wake(id accounts.AccountID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if running, ok := cs.running[id]; ok {
		running.Wake()
	}
}

// doubt tells the account's courier that something may have been taken back at the
// ledger.
func (cs *couriers) doubt(id accounts.AccountID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if running, ok := cs.running[id]; ok {
		running.Doubt()
	}
}

// newClick tells the account's courier of a click that waits.
func (cs *couriers) newClick(id accounts.AccountID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if running, ok := cs.running[id]; ok {
		running.NewClick()
	}
}

// watchNetwork tells all couriers of new networks until ctx ends. Where the
// system cannot tell, the couriers go by the clock.
func (cs *couriers) watchNetwork(ctx context.Context) {
	err := network.Watch(ctx, func() {
		cs.companion.config.Log.Info("new network")
		cs.mu.Lock()
		defer cs.mu.Unlock()
		for _, running := range cs.running {
			running.NewNetwork()
		}
	})
	if err != nil {
		cs.companion.config.Log.Warn("new networks are not noticed; what waits is tried again by the clock", "error", err)
	}
}

// state gives how the account's courier stands.
func (cs *couriers) state(id accounts.AccountID) courier.State {
	cs.mu.Lock()
	running, ok := cs.running[id]
	cs.mu.Unlock()
	if !ok {
		return courier.State{}
	}
	return running.State()
}

// token gives the account's access token. One that the ledger has refused is
// renewed if there is something to renew it with. Only the account's courier
// asks, so that there is one renewal at a time: a refresh token is good once.
func (cs *couriers) token(ctx context.Context, id accounts.AccountID, refused string) (string, error) {
	account, err := cs.companion.accounts.Account(ctx, id)
	if err != nil {
		return "", err
	}
	token := account.Token
	switch {
	case token.Access == "":
		return "", courier.ErrSignIn
	case token.Access != refused:
		return token.Access, nil
	case token.Refresh == "":
		return "", courier.ErrSignIn
	}
	config, err := api.CompanionOAuth(account.Ledger, "")
	if err != nil {
		return "", err
	}
	fresh, err := config.TokenSource(api.LinkContext(ctx), &oauth2.Token{RefreshToken: token.Refresh}).Token()
	if err != nil {
		if err = api.TokenError(err); errors.Is(err, api.ErrUnauthorized) {
			return "", courier.ErrSignIn
		}
		return "", err
	}
	kept := accounts.Token{Access: fresh.AccessToken, Refresh: fresh.RefreshToken, Expires: fresh.Expiry}
	if kept.Refresh == "" {
		kept.Refresh = token.Refresh
	}
	return kept.Access, cs.companion.accounts.RenewToken(ctx, id, refused, kept)
}

// answered pushes the clicks that the ledger's answers changed, and ends an
// account that waited for them only.
func (c *Companion) answered(id accounts.AccountID, ids []string) {
	c.counts.answered.Add(int64(len(ids)))
	ctx := c.couriers.context()
	to := c.hub.ofAccount(id)
	if len(to) == 0 {
		c.acting.Lock()
		defer c.acting.Unlock()
		if err := c.leave(ctx, id); err != nil && ctx.Err() == nil {
			c.config.Log.Error("sign out", "account", id, "error", err)
		}
		return
	}
	if len(ids) == 0 {
		return
	}
	rows, err := c.clicks.Touched(ctx, int64(id), ids)
	if err != nil {
		if ctx.Err() == nil {
			c.config.Log.Error("tell of the ledger's answers", "error", err)
		}
		return
	}
	c.tell(ctx, to, id, rows)
}

func (cs *couriers) context() context.Context {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.ctx
}
