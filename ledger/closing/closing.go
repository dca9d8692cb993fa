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
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// ErrDone is what a step answers that was done before.
var ErrDone = errors.New("nothing was changed")

// Settlement is the work on one month.
type Settlement struct {
	Store *store.Store
	Month flattr.Month
	Now   time.Time
	Say   func(format string, args ...any) // progress, for the operator

	Limits Limits
}

// step brings a month from one state to the next.
type step struct {
	from, to flattr.State
	verb     string // as the command that does it
	do       func(Settlement, context.Context) error
}

// steps is the way of a month.
var steps = []step{
	{flattr.Open, flattr.Frozen, "freeze", Settlement.freeze},
	{flattr.Frozen, flattr.Computed, "compute", Settlement.compute},
	{flattr.Computed, flattr.Posted, "post", Settlement.post},
	{flattr.Posted, flattr.Closed, "close", Settlement.close},
}

// Settle brings the month from wherever it stands to closed, after freezing
// the open months before it. It refuses with month_open before the month's
// grace is over, and answers ErrDone when it was closed before.
func (s Settlement) Settle(ctx context.Context) error {
	return s.reach(ctx, flattr.Closed, len(steps))
}

// Freeze ends the month, and the open months before it, for clicks and undos.
// It refuses with month_open before the month's grace is over. Freeze,
// Compute, Post and Close answer ErrDone when the month has come so far before.
func (s Settlement) Freeze(ctx context.Context) error { return s.reach(ctx, flattr.Frozen, 1) }

// Compute divides the budgets of the frozen month and sums what authors earn.
// It refuses with month_open a month that is not frozen.
func (s Settlement) Compute(ctx context.Context) error { return s.reach(ctx, flattr.Computed, 1) }

// Post books what was computed. It answers with the step that comes first
// where the month is not computed.
func (s Settlement) Post(ctx context.Context) error { return s.reach(ctx, flattr.Posted, 1) }

// Close ends the posted month for good. It answers with the step that comes
// first where the month is not posted.
func (s Settlement) Close(ctx context.Context) error { return s.reach(ctx, flattr.Closed, 1) }

// place is how far along steps a month with this state is.
func place(state flattr.State) (int, error) {
	if state == flattr.Closed {
		return len(steps), nil
	}
	i := slices.IndexFunc(steps, func(st step) bool { return st.from == state })
	if i < 0 {
		return 0, fmt.Errorf("a month has the unknown state %q: the database is damaged", state)
	}
	return i, nil
}

// reach brings the month to a state, in at most so many steps.
func (s Settlement) reach(ctx context.Context, goal flattr.State, most int) error {
	p, err := s.progress(ctx)
	if err != nil {
		return err
	}
	at, err := place(p.State)
	if err != nil {
		return err
	}
	end, err := place(goal)
	if err != nil {
		return err
	}
	if at >= end {
		return fmt.Errorf("%s is %s already; %w", s.Month, p.State, ErrDone)
	}
	if end-at > most {
		return s.tooEarly(p.State, steps[at].verb)
	}
	for at < end {
		if err := steps[at].do(s, ctx); err != nil {
			return s.brokenOff(ctx, at, err)
		}
		if p, err = s.progress(ctx); err != nil {
			return s.brokenOff(ctx, at, err)
		}
		before := at
		if at, err = place(p.State); err != nil {
			return err
		}
		if at == before {
			return fmt.Errorf("month %s stays %s", s.Month, p.State)
		}
		s.Say("%s: %s", s.Month, p.State)
	}
	return nil
}

// tooEarly says which step comes first.
func (s Settlement) tooEarly(state flattr.State, verb string) error {
	sentence := fmt.Sprintf("%s is %s. Run first: flattr-ledger month %s --month %s", s.Month, state, verb, s.Month)
	if state == flattr.Open {
		return flattr.Refuse(flattr.MonthOpen, sentence)
	}
	return errors.New(sentence)
}

// brokenOff adds to an error what is done, what is left, and, where the database
// is sound, that it can be done later. at is the step that failed, which is all that is known where the
// database is away.
func (s Settlement) brokenOff(ctx context.Context, at int, err error) error {
	if flattr.CodeOf(err) != "" {
		return err
	}
	done := fmt.Sprintf("it was %s before", steps[at].from)
	if p, failed := s.progress(context.WithoutCancel(ctx)); failed == nil {
		done = fmt.Sprintf("it is %s", p.State)
		if p.State == flattr.Frozen && p.NextBucket > 0 {
			done += fmt.Sprintf(", computed %d of %d buckets", p.NextBucket, flattr.Buckets)
		}
		if now, known := place(p.State); known == nil {
			at = min(now, len(steps)-1)
		}
	}
	next := "; the same command goes on from there"
	if errors.Is(err, store.ErrDamaged) {
		next = ""
	}
	var left []string
	for _, st := range steps[at:] {
		left = append(left, st.verb)
	}
	return fmt.Errorf("%s was broken off: %s, left: %s%s: %w", s.Month, done, strings.Join(left, ", "), next, err)
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
	return s.Store.WriteGated(ctx, func(tx *store.Tx) error { return tx.FreezeThrough(s.Now, s.Month) })
}

func (s Settlement) advance(ctx context.Context, from, to flattr.State) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Advance(s.Month, from, to) })
}

// close ends the month for good.
func (s Settlement) close(ctx context.Context) error {
	return s.advance(ctx, flattr.Posted, flattr.Closed)
}
