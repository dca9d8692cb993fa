package report

import (
	"context"
	"errors"
	"fmt"
	"io"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// ErrDamaged is what Audit answers when something is not as it must be.
var ErrDamaged = errors.New("the ledger is damaged")

// maxFindings is how many findings are written out; the rest is counted.
const maxFindings = 100

// Audit proves the ledger on one unchanging view of it, and changes nothing:
// the pages of a file are sound, what counts follows from the raw log, every
// frozen month from what counts and its snapshot, down to what each thing and
// author gets, all postings from that, every balance from its transfers, and
// what is held from all of it. It writes what it finds, unit by unit, and
// answers ErrDamaged when one is off.
//
// The rules are written a second time for it, in SQL; nothing of the settlement
// is used. It trusts three things, of which the ledger has one copy only: the
// raw log itself, the history of budgets and policies, and the snapshot's owners
// and parts. So an event whose time was moved is found where that changes what
// counts, the month, or a promise, and nowhere else: nothing else depends on
// it. In the same way a closed month that is set back to posted is a month whose
// settlement waits for its last step, which changes no money; it is proved like a
// closed one.
func Audit(ctx context.Context, s *store.Store, to io.Writer, say func(format string, args ...any)) error {
	return s.View(ctx, func(tx *store.Tx) error {
		a := &audit{tx: tx, to: to, say: say, states: make(map[flattr.Month]flattr.State), postings: make(map[string]int)}
		for _, step := range []func() error{tx.Integrity, a.readMonths, a.log, a.counting, a.settled, a.books} {
			if err := step(); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
		}
		if a.found > maxFindings {
			fmt.Fprintf(to, "damaged: and %d more\n", a.found-maxFindings)
		}
		if a.found > 0 {
			return fmt.Errorf("audit: %s: %w", counted(a.found, "finding"), ErrDamaged)
		}
		fmt.Fprintln(to, "audit: clean")
		return nil
	})
}

// audit is one audit under way.
type audit struct {
	tx       *store.Tx
	to       io.Writer
	say      func(format string, args ...any)
	found    int
	months   []store.MonthRow
	states   map[flattr.Month]flattr.State
	postings map[string]int // how many of a month are booked
}

// finding reports something that is not as it must be.
func (a *audit) finding(sentence string) {
	a.found++
	if a.found <= maxFindings {
		fmt.Fprintf(a.to, "damaged: %s\n", sentence)
	}
}

func (a *audit) findingf(format string, args ...any) { a.finding(fmt.Sprintf(format, args...)) }

// readMonths reads how far each month has come.
func (a *audit) readMonths() (err error) {
	if a.months, err = a.tx.MonthRows(); err != nil {
		return err
	}
	for _, m := range a.months {
		a.states[m.Month] = m.State
	}
	return a.tx.ProveStates(a.finding)
}

// counting derives what counts from the log, and compares.
func (a *audit) counting() error {
	for _, m := range a.months {
		for _, r := range store.Ranges(m.Logged) {
			if err := a.tx.ProveCounting(m.Month, r, a.finding); err != nil {
				return err
			}
		}
		a.say("audit: %s is %s, %s in the log", m.Month, m.State, counted(m.Logged, "click"))
	}
	return nil
}

// settled proves the months that are frozen, as far as they have come.
func (a *audit) settled() error {
	for _, m := range a.months {
		if m.State == flattr.Open {
			continue
		}
		if m.FrozenAt.Before(m.Month.FreezeAt()) {
			a.findingf("%s took clicks until %s, and says that it was frozen %s", m.Month, m.Month.FreezeAt(), m.FrozenAt)
		}
		if err := a.tx.ProveSnapshot(m, a.finding); err != nil {
			return err
		}
		for _, r := range store.Ranges(m.Logged) {
			if err := a.tx.ProveReaders(m.Month, r, a.finding); err != nil {
				return err
			}
		}
		computed, err := a.tx.Computed(m)
		if err != nil {
			return err
		}
		for _, r := range computed {
			if err := a.tx.ProveThings(m.Month, r, hashOf, a.finding); err != nil {
				return err
			}
		}
		if m.State == flattr.Frozen {
			continue
		}
		if err := a.tx.ProveAuthors(m, a.finding); err != nil {
			return err
		}
		a.say("audit: %s is divided", m.Month)
	}
	return nil
}
