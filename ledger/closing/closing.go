// Package closing drives a month through its states: open, frozen, computed,
// posted, closed.
//
// Each step can be done twice and goes on where it was broken off: what it
// writes has keys made from the month, and a row that is there stays.
package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// ErrClosed is what Settle answers to a month that was closed before.
var ErrClosed = errors.New("closed already")

// Settlement is the work on one month.
type Settlement struct {
	Store *store.Store
	Month flattr.Month
	Now   time.Time
	Say   func(format string, args ...any) // progress, for the operator

	Limits Limits
}

// Settle brings the month from wherever it stands to closed, after freezing
// the open months before it. It refuses with month_open before the month's
// grace is over.
func (s Settlement) Settle(ctx context.Context) error {
	p, err := s.progress(ctx)
	if err != nil {
		return err
	}
	if p.State == flattr.Closed {
		return fmt.Errorf("%s is %w; nothing was changed", s.Month, ErrClosed)
	}
	for p.State != flattr.Closed {
		before := p.State
		var step func(context.Context) error
		switch p.State {
		case flattr.Open:
			step = s.freeze
		case flattr.Frozen:
			step = s.compute
		case flattr.Computed:
			step = s.post
		case flattr.Posted:
			step = s.close
		case flattr.Closed:
			return nil
		default:
			return fmt.Errorf("month %s has the unknown state %q", s.Month, p.State)
		}
		if err := step(ctx); err != nil {
			return err
		}
		if p, err = s.progress(ctx); err != nil {
			return err
		}
		if p.State == before {
			return fmt.Errorf("month %s stays %s", s.Month, before)
		}
		s.Say("%s: %s", s.Month, p.State)
	}
	return nil
}

func (s Settlement) progress(ctx context.Context) (p store.Progress, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		p, err = tx.Progress(s.Month)
		return err
	})
	return p, err
}

// freeze freezes the month and the open ones before it, whose grace is over
// all the more.
func (s Settlement) freeze(ctx context.Context) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.FreezeThrough(s.Now, s.Month) })
}

func (s Settlement) advance(ctx context.Context, from, to flattr.State) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Advance(s.Month, from, to) })
}

// close ends the month for good.
func (s Settlement) close(ctx context.Context) error {
	return s.advance(ctx, flattr.Posted, flattr.Closed)
}
