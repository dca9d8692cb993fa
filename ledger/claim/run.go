package claim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// How much the keeper does by itself.
const (
	// roundEvery is how often it looks what is due.
	roundEvery = time.Minute
	// roundClaims, roundOptOuts and roundLooks bound a round: strangers can make
	// things, and nobody may use a ledger to flood a site.
	roundClaims, roundOptOuts, roundLooks = 60, 20, 60
	// hostLooks is how many pages of one host are looked at in a round.
	hostLooks = 2
	// roundAtOnce leaves half of all turns to members who wait for an answer.
	roundAtOnce = maxChecks / 2
	// lease is how long another process leaves alone what this one took.
	lease = 10 * time.Minute
)

// Run checks what is due until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		if err := k.Round(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("check claims", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Round checks once what is due: claims, opt-outs, and pages of things whose
// owner was asserted.
func (k *Keeper) Round(ctx context.Context) error {
	claims, err := k.store.DueClaims(ctx, k.now(), lease, roundClaims)
	if err != nil {
		return fmt.Errorf("take due claims: %w", err)
	}
	few(claims, func(c flattr.Claim) {
		after, err := k.Check(ctx, c)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			k.log.Warn("check claim", "key", string(c.Key), "error", err)
		case after.State != c.State:
			k.log.Info("claim changed", "key", string(c.Key), "member", c.Name, "from", string(c.State), "to", string(after.State))
		}
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := k.optOuts(ctx); err != nil {
		return err
	}
	return k.looks(ctx)
}

// few does work for all, for at most roundAtOnce at the same time, and waits for
// it: one slow site holds no other up.
func few[T any](all []T, work func(T)) {
	var running sync.WaitGroup
	free := make(chan struct{}, roundAtOnce)
	for _, one := range all {
		free <- struct{}{}
		running.Go(func() {
			defer func() { <-free }()
			work(one)
		})
	}
	running.Wait()
}

// optOuts looks whether what wanted no money still wants none. What cannot be
// read has not changed its mind.
func (k *Keeper) optOuts(ctx context.Context) error {
	urls, err := k.store.DueOptOuts(ctx, k.now(), roundOptOuts)
	if err != nil {
		return fmt.Errorf("take due opt-outs: %w", err)
	}
	for _, raw := range urls {
		said, err := k.ask(ctx, raw)
		if err != nil || said.pageErr != nil || said.fileErr != nil || said.recordsErr != nil {
			continue
		}
		if u, err := target(raw); err == nil && optOut(raw, u.EscapedPath(), said) == "" {
			if err := k.store.OptIn(ctx, k.now(), raw); err != nil {
				return fmt.Errorf("end opt-out: %w", err)
			}
		}
	}
	return nil
}

// looks reads pages of things whose owner was asserted (product rule 11).
func (k *Keeper) looks(ctx context.Context) error {
	due, err := k.store.DueLooks(ctx, k.now(), lease, roundLooks)
	if err != nil {
		return fmt.Errorf("take things to look at: %w", err)
	}
	asked := map[string]int{}
	due = slices.DeleteFunc(due, func(l store.Look) bool {
		name := hostOf(l.URL)
		asked[name]++
		return name != "" && asked[name] > hostLooks // the lease brings it back
	})
	few(due, func(l store.Look) {
		if err := k.look(ctx, l); err != nil && ctx.Err() == nil {
			k.log.Warn("look at a page", "thing", int64(l.Thing), "error", err)
		}
	})
	return ctx.Err()
}

// hostOf is the name of a URL's host, or "" where nothing is to be looked at.
func hostOf(raw string) string {
	u, err := target(raw)
	if err != nil {
		return ""
	}
	return host(u)
}

// look reads the page of one thing and books the owner whom it names.
func (k *Keeper) look(ctx context.Context, l store.Look) error {
	var owner flattr.MemberID
	if hostOf(l.URL) != "" {
		u, err := target(l.URL)
		if err != nil {
			return err
		}
		page, err := k.page(ctx, u)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && page.id == none {
			if err := k.store.OptOut(ctx, k.now(), l.URL); err != nil {
				return fmt.Errorf("book opt-out: %w", err)
			}
		} else if err == nil {
			if owner, err = k.ownerOf(ctx, page); err != nil {
				return err
			}
		}
	}
	if err := k.store.Looked(ctx, k.now(), l.Thing, owner); err != nil {
		return fmt.Errorf("book a look: %w", err)
	}
	return nil
}

// ownerOf is the one member whom a page names, 0 where it names nobody, somebody
// who is no member, or several. The head's word goes before buttons, which on many
// pages visitors can write too.
func (k *Keeper) ownerOf(ctx context.Context, page names) (flattr.MemberID, error) {
	if page.id != "" {
		owner, err := k.store.MemberByFlattrID(ctx, page.id)
		if flattr.CodeOf(err) == flattr.NotFound {
			return 0, nil
		}
		return owner, err
	}
	for _, named := range [][]string{page.payment, page.buttons} {
		if len(named) == 0 {
			continue
		}
		if len(named) > 1 || page.crowded {
			return 0, nil
		}
		return k.store.Named(ctx, named[0])
	}
	return 0, nil
}
