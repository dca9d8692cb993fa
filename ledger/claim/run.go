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
	// roundClaims and its like bound a round: strangers can make things, and nobody
	// may use a ledger to flood a site.
	roundClaims, roundOptOuts, roundLooks, roundPages = 60, 20, 60, 60
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
// owner was asserted, or hangs on the page.
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
	for _, work := range []func(context.Context) error{k.optOuts, k.looks, k.pages} {
		if err := work(ctx); err != nil {
			return err
		}
	}
	return nil
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
		if err := k.reconsider(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

// reconsider ends an opt-out where the site says nothing of it any more.
func (k *Keeper) reconsider(ctx context.Context, raw string) error {
	said, err := k.ask(ctx, raw)
	if err != nil || said.pageErr != nil || said.fileErr != nil || said.recordsErr != nil {
		return ctx.Err()
	}
	if u, err := target(raw); err == nil && optOut(raw, u.EscapedPath(), said) == "" {
		if err := k.store.OptIn(ctx, k.now(), raw); err != nil {
			return fmt.Errorf("end opt-out: %w", err)
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
	few(sparing(due, func(l store.Look) string { return l.URL }), func(l store.Look) {
		if err := k.look(ctx, l); err != nil && ctx.Err() == nil {
			k.log.Warn("look at a page", "thing", int64(l.Thing), "error", err)
		}
	})
	return ctx.Err()
}

// pages looks whether pages on which the owner of a thing hangs still name them.
func (k *Keeper) pages(ctx context.Context) error {
	due, err := k.store.DuePageOwners(ctx, k.now(), lease, roundPages)
	if err != nil {
		return fmt.Errorf("take pages to look at again: %w", err)
	}
	few(sparing(due, func(p store.PageOwner) string { return p.URL }), func(p store.PageOwner) {
		if err := k.lookAgain(ctx, p); err != nil && ctx.Err() == nil {
			k.log.Warn("look at a page again", "thing", int64(p.Thing), "error", err)
		}
	})
	return ctx.Err()
}

// sparing leaves out what would ask one host too often; the lease brings it back.
func sparing[T any](due []T, urlOf func(T) string) []T {
	asked := map[string]int{}
	return slices.DeleteFunc(due, func(one T) bool {
		name := hostOf(urlOf(one))
		asked[name]++
		return name != "" && asked[name] > hostLooks
	})
}

// hostOf is the name of a URL's host, or "" where nothing is to be looked at.
func hostOf(raw string) string {
	u, err := target(raw)
	if err != nil {
		return ""
	}
	return host(u)
}
