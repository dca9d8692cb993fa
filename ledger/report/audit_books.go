package report

import (
	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// books proves the books: each balance by its transfers, each transfer by what
// brought it about, and what is held by the state of its month.
func (a *audit) books() error {
	n, err := a.tx.ProveBalances(a.finding)
	if err != nil {
		return err
	}
	a.say("audit: %s", counted(n, "transfer"))
	for _, step := range []func() error{a.accounts, a.transfers, a.postingsOfMonths} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, m := range a.months {
		if m.State == flattr.Posted || m.State == flattr.Closed {
			continue
		}
		if err := a.tx.ProveHeld(m.Month, m.State, a.finding); err != nil {
			return err
		}
	}
	return a.tx.ProveBooks(a.finding)
}

// accounts proves what must hold for each account by itself: that it is the one
// its id says, that nobody is below zero, and that held and clearing are empty
// when their month is posted.
func (a *audit) accounts() error {
	total := book.Balance{}
	err := a.tx.EachAccount(func(acc store.KeptAccount) {
		total.Debits += acc.Debits
		total.Credits += acc.Credits
		if acc.ID != acc.Account.ID() {
			a.findingf("account %s is not the %s of %d for month %d that it says it is", acc.ID, acc.Kind, acc.Owner, acc.Month)
		}
		net, state := acc.Net(), a.states[flattr.Month(acc.Month)]
		wrong := false
		switch acc.Kind {
		case book.Bank, book.Gift, book.Revenue:
		case book.Means, book.Fee:
			wrong = net < 0
		case book.Receivable:
			wrong = net > 0
		case book.Clearing:
			wrong = net < 0 || net > 0 && state != flattr.Computed
		case book.Held:
			wrong = net < 0 || net > 0 && (state == flattr.Posted || state == flattr.Closed)
		default:
			wrong = true
		}
		if wrong {
			a.findingf("account %s (%s of %d, month %d %s) is at %d", acc.ID, acc.Kind, acc.Owner, acc.Month, state, net)
		}
	})
	if err == nil && total.Net() != 0 {
		a.findingf("debits of all accounts are %d, credits %d", total.Debits, total.Credits)
	}
	return err
}

// way is between what accounts a code moves money.
type way struct {
	debit, credit []book.Kind
	sameOwner     bool
	sameMonth     bool
}

// ways are what each code moves money between.
var ways = map[book.Code]way{
	book.Credit:  {debit: []book.Kind{book.Bank}, credit: []book.Kind{book.Means}},
	book.Opening: {debit: []book.Kind{book.Bank}, credit: []book.Kind{book.Means}},
	book.Welcome: {debit: []book.Kind{book.Gift}, credit: []book.Kind{book.Means}},
	book.Hold:    {debit: []book.Kind{book.Means}, credit: []book.Kind{book.Held}, sameOwner: true},
	book.Raise:   {debit: []book.Kind{book.Means}, credit: []book.Kind{book.Held}, sameOwner: true},
	book.Release: {debit: []book.Kind{book.Held}, credit: []book.Kind{book.Means}, sameOwner: true},
	book.Lower:   {debit: []book.Kind{book.Held}, credit: []book.Kind{book.Means}, sameOwner: true},
	book.Give:    {debit: []book.Kind{book.Held}, credit: []book.Kind{book.Clearing}, sameMonth: true},
	book.Earn:    {debit: []book.Kind{book.Clearing}, credit: []book.Kind{book.Revenue}},
	book.Charge:  {debit: []book.Kind{book.Clearing}, credit: []book.Kind{book.Fee}},
	book.Return:  {debit: []book.Kind{book.Means, book.Receivable}, credit: []book.Kind{book.Bank}},
	book.Repay:   {debit: []book.Kind{book.Means}, credit: []book.Kind{book.Receivable}, sameOwner: true},
	book.Refund:  {debit: []book.Kind{book.Means}, credit: []book.Kind{book.Bank}},
	book.Present: {debit: []book.Kind{book.Means, book.Revenue}, credit: []book.Kind{book.Means}},
	book.Use:     {debit: []book.Kind{book.Revenue}, credit: []book.Kind{book.Means}, sameOwner: true},
	book.Reverse: {
		debit:  []book.Kind{book.Means, book.Bank, book.Revenue},
		credit: []book.Kind{book.Bank, book.Gift, book.Means, book.Clearing},
	},
	book.Reclaim: {debit: []book.Kind{book.Clearing}, credit: []book.Kind{book.Gift}},
}

// transfers proves of each transfer that its id follows from its cause, its
// code and one of its accounts, and that its code moves money between the two.
func (a *audit) transfers() error {
	return a.tx.EachTransfer(func(t *store.BookedTransfer) {
		w, known := ways[t.Code]
		if !known || !among(t.Debit.Kind, w.debit) || !among(t.Credit.Kind, w.credit) ||
			w.sameOwner && t.Debit.Owner != t.Credit.Owner || w.sameMonth && t.Debit.Month != t.Credit.Month {
			a.findingf("transfer %s (%s) goes from %s of %d to %s of %d, which are not the accounts for it",
				t.ID, t.Code, t.Debit.Kind, t.Debit.Owner, t.Credit.Kind, t.Credit.Owner)
		}
		switch t.Code {
		case book.Give, book.Earn, book.Charge:
			a.postings[t.Batch]++
			if t.Code == book.Charge {
				return // its id is that of the author, who is on neither side
			}
		default:
		}
		t.Debit.Bucket, t.Credit.Bucket = bucketOf(t.DebitID), bucketOf(t.CreditID)
		if t.ID != book.TransferID(t.Batch, t.Code, t.Debit) && t.ID != book.TransferID(t.Batch, t.Code, t.Credit) {
			a.findingf("transfer %s is not the %s for %s that it says it is", t.ID, t.Code, t.Batch)
		}
	})
}

func among(kind book.Kind, kinds []book.Kind) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// bucketOf is the bucket of an account's owner, with which its id begins.
func bucketOf(id book.AccountID) int { return int(id[0])<<8 | int(id[1]) }
