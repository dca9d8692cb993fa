package report

import (
	"context"
	"errors"
	"fmt"
	"io"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// ErrDamaged is what Audit answers when something is not as it must be.
var ErrDamaged = errors.New("the ledger is damaged")

// maxFindings is how many findings are written out; the rest is counted.
const maxFindings = 100

// Audit proves the ledger on one unchanging view of it: that balances are the
// sums of their transfers, that what counts follows from the log, that what is
// held covers the budgets, and that every closed month comes out of the log and
// its snapshot unit by unit. It writes what it finds and a summary, and answers
// ErrDamaged when one unit is off.
func Audit(ctx context.Context, s *store.Store, to io.Writer, say func(format string, args ...any)) error {
	return s.View(ctx, func(tx *store.Tx) error {
		a := &audit{tx: tx, to: to, say: say, states: make(map[flattr.Month]store.Progress)}
		steps := []func() error{a.months, a.balances, a.log, a.accounts, a.topups, a.openMonths, a.closedMonths}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		if a.found > 0 {
			return fmt.Errorf("audit: %d findings: %w", a.found, ErrDamaged)
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
	list     []flattr.Month
	states   map[flattr.Month]store.Progress
	postings map[string]int
	counted  map[flattr.Month]int
}

// finding reports something that is not as it must be.
func (a *audit) finding(format string, args ...any) {
	a.found++
	if a.found <= maxFindings {
		fmt.Fprintf(a.to, "damaged: "+format+"\n", args...)
	}
}

// months reads how far each month has come.
func (a *audit) months() (err error) {
	if a.list, err = a.tx.Months(); err != nil {
		return err
	}
	for _, m := range a.list {
		if a.states[m], err = a.tx.Progress(m); err != nil {
			return err
		}
	}
	unknown, err := a.tx.UnknownMonths()
	if err == nil && unknown > 0 {
		a.finding("%d months have clicks or sums, and nothing says how far they have come", unknown)
	}
	return err
}

// balances proves each balance from the transfers.
func (a *audit) balances() error {
	orphans, err := a.tx.EachWrongAccount(func(id string, kind book.Kind, kept, proved book.Balance) {
		a.finding("account %s (%s) has debits %d and credits %d, its transfers sum to %d and %d",
			id, kind, kept.Debits, kept.Credits, proved.Debits, proved.Credits)
	})
	if err != nil {
		return err
	}
	if orphans > 0 {
		a.finding("%d transfers name an account that is not there", orphans)
	}
	err = a.tx.EachStrangeTransfer(func(id string, code book.Code, debit, credit book.Kind) {
		a.finding("transfer %s (%s) goes from %s to %s, which are not the accounts for it", id, code, debit, credit)
	})
	if err != nil {
		return err
	}
	doubles, err := a.tx.DoubleOpenings()
	if err != nil {
		return err
	}
	if doubles > 0 {
		a.finding("%d members were given the means they began with more than once", doubles)
	}
	all, moved, postings, credits, err := a.tx.Transfers()
	if err != nil {
		return err
	}
	a.postings = postings
	a.say("audit: %d transfers moved %s EUR, %d of them top-ups", all, moved, credits)
	return nil
}

// log proves that what counts follows from the log (product rule 7), and that
// each click is in the month it belongs to (rule 5).
func (a *audit) log() error {
	var err error
	if a.counted, err = a.tx.CountedRows(); err != nil {
		return err
	}
	proved := make(map[flattr.Month]int)
	var spot store.LoggedClick
	var events []flattr.Logged
	clicks := 0
	end := func() {
		counting, counts := flattr.Counting(events)
		if counts {
			proved[spot.Month]++
		}
		if counting.ID != spot.Counted || counts && counting.Late != spot.Late {
			a.finding("%s, reader %d, thing %d: click %s is kept as the one that counts, by the log it is %s",
				spot.Month, spot.Reader, spot.Thing, spot.Counted, counting.ID)
		}
		events = events[:0]
	}
	err = a.tx.EachLogged(func(c store.LoggedClick) error {
		if clicks > 0 && (c.Month != spot.Month || c.Reader != spot.Reader || c.Thing != spot.Thing) {
			end()
		}
		if len(events) == 0 || c.Click.ID != spot.Click.ID {
			clicks++
			events = append(events, c.Click)
			a.place(c)
		}
		if c.Undo.Kind != "" {
			events = append(events, c.Undo)
		}
		spot = c
		return nil
	})
	if err != nil {
		return err
	}
	if clicks > 0 {
		end()
	}
	for month, n := range a.counted {
		if n != proved[month] {
			a.finding("%s: %d clicks are kept as counting, by the log %d count", month, n, proved[month])
		}
	}
	a.say("audit: %d clicks in the log", clicks)
	return nil
}

// place proves the month of a click.
func (a *audit) place(c store.LoggedClick) {
	at := micro(c.Click.At)
	own := flattr.MonthOf(at)
	wrong := at.After(c.Arrived) || c.Bucket != c.Reader.Bucket()
	if c.Click.Late {
		wrong = wrong || c.Month <= own || c.Month < flattr.MonthOf(c.Arrived)
	} else {
		wrong = wrong || c.Month != own || !c.Arrived.Before(own.FreezeAt())
	}
	if wrong {
		a.finding("click %s of %s that arrived %s does not belong into %s", c.Click.ID, at, c.Arrived, c.Month)
	}
}

// accounts proves what must hold for each account by itself.
func (a *audit) accounts() error {
	var after book.AccountID
	total, n := book.Balance{}, 0
	for {
		page, err := a.tx.Accounts(after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, acc := range page {
			n++
			total.Debits += acc.Debits
			total.Credits += acc.Credits
			if acc.ID != acc.Account.ID() {
				a.finding("account %s is not the %s of %d for month %d that it says it is", acc.ID, acc.Kind, acc.Owner, acc.Month)
			}
			if err := a.account(acc); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
	if total.Net() != 0 {
		a.finding("debits of all accounts are %d, credits %d", total.Debits, total.Credits)
	}
	a.say("audit: %d accounts", n)
	nobodys, err := a.tx.Nobodys()
	if err == nil && nobodys > 0 {
		a.finding("%d owners of accounts are no members", nobodys)
	}
	return err
}

// account proves that nobody is below zero and that held and clearing are what
// the state of their month says.
func (a *audit) account(acc store.KeptAccount) error {
	net := acc.Net()
	switch acc.Kind {
	case book.Bank, book.Gift:
		return nil
	case book.Means, book.Revenue, book.Fee:
		if net < 0 {
			a.finding("account %s (%s of %d) is at %d", acc.ID, acc.Kind, acc.Owner, net)
		}
		return nil
	case book.Clearing:
		if st := a.states[flattr.Month(acc.Month)].State; net != 0 && st != flattr.Computed {
			a.finding("the clearing of %s, which is %s, is at %d", flattr.Month(acc.Month), st, net)
		}
		return nil
	case book.Held:
		return a.held(flattr.MemberID(acc.Owner), flattr.Month(acc.Month), net)
	}
	a.finding("account %s has the unknown kind %q", acc.ID, acc.Kind)
	return nil
}

// held proves what is held for a reader in a month.
func (a *audit) held(reader flattr.MemberID, month flattr.Month, net money.Micro) error {
	want := money.Micro(0)
	st := a.states[month].State
	switch st {
	case flattr.Open:
		some, err := a.tx.HasCounted(reader, month)
		if err == nil && some {
			want, err = a.tx.BudgetOf(reader, month)
		}
		if err != nil {
			return err
		}
	case flattr.Frozen, flattr.Computed:
		var err error
		if want, err = a.tx.SnapshotBudget(reader, month); err != nil {
			return err
		}
		if net == 0 && st == flattr.Computed {
			return nil // given already: the month is being posted
		}
	case flattr.Posted, flattr.Closed:
	}
	if net != want {
		a.finding("for reader %d %d is held in %s, which is %s: it must be %d", reader, net, month, st, want)
	}
	return nil
}

// topups proves that each top-up is booked and no other credit is.
func (a *audit) topups() error {
	after, n := "", 0
	for {
		page, err := a.tx.Topups(after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, t := range page {
			n++
			booked, err := a.tx.Booked(t.Transfer())
			if err != nil {
				return err
			}
			if !booked {
				a.finding("top-up %q of %s EUR is not booked so", t.Ref, t.Amount)
			}
		}
		after = page[len(page)-1].Ref
	}
	_, _, _, credits, err := a.tx.Transfers()
	if err == nil && credits != n {
		a.finding("%d credits are booked for %d top-ups", credits, n)
	}
	return err
}

// openMonths proves that something is held for each reader whose clicks count.
func (a *audit) openMonths() error {
	for _, month := range a.list {
		if a.states[month].State != flattr.Open {
			continue
		}
		var after flattr.MemberID
		for {
			readers, err := a.tx.CountingReaders(month, after)
			if err != nil {
				return err
			}
			if len(readers) == 0 {
				break
			}
			for _, r := range readers {
				net, err := a.tx.Held(r, month)
				if err != nil {
					return err
				}
				if net <= 0 {
					a.finding("reader %d has clicks in %s and nothing held", r, month)
				}
			}
			after = readers[len(readers)-1]
		}
	}
	return nil
}
