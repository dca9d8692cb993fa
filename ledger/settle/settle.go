// Package settle is the month's end as a pure function: from budgets, clicks
// and policy to shares, sums and postings.
package settle

import (
	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Click is one click that counts in a frozen month.
type Click struct {
	ID    flattr.EventID
	Thing flattr.ThingID
	Owner flattr.MemberID // by the snapshot; 0: the click is a promise
	Late  bool
}

// Shares are what the clicks of one reader get of the budget, in the order of
// clicks, and the divisor. Promises get 0 and are not in the divisor (product
// rule 12).
func Shares(month flattr.Month, budget money.Micro, clicks []Click) (shares []money.Micro, divisor int) {
	paid := make([]flattr.EventID, 0, len(clicks))
	for _, c := range clicks {
		if c.Owner != 0 {
			paid = append(paid, c.ID)
		}
	}
	split := flattr.Shares(month, budget, paid)
	if len(paid) == len(clicks) {
		return split, len(paid)
	}
	shares = make([]money.Micro, len(clicks))
	next := 0
	for i, c := range clicks {
		if c.Owner != 0 {
			shares[i] = split[next]
			next++
		}
	}
	return shares, len(paid)
}

// Parts splits what a thing got in a month among its authors (product rule
// 13): each part is rounded down, and the rest goes to the first one named.
// The parts add up to gross where basis points add up to 10,000.
func Parts(gross money.Micro, authors []flattr.Part) []money.Micro {
	parts := make([]money.Micro, len(authors))
	rest := gross
	for i, a := range authors {
		parts[i] = money.Part(gross, a.BP)
		rest -= parts[i]
	}
	parts[0] += rest
	return parts
}

// Author is what an author earns in a month.
type Author struct {
	ID              flattr.MemberID
	Clicks          int
	Gross, Fee, Net money.Micro
}

// Charge takes the fee, in basis points, off an author's gross: once, rounded
// down, so that the odd unit stays with the author.
func (a *Author) Charge(feeBP int) {
	a.Fee = money.Part(a.Gross, feeBP)
	a.Net = a.Gross - a.Fee
}

// clearing is where a month's budgets meet; it ends at 0.
func clearing(month flattr.Month) book.Account {
	return book.Account{Kind: book.Clearing, Month: int32(month)}
}

// Give is the posting of a reader: what was held goes to the month's clearing.
func Give(month flattr.Month, reader flattr.MemberID, budget money.Micro) book.Transfer {
	held := book.Account{Kind: book.Held, Bucket: reader.Bucket(), Owner: int64(reader), Month: int32(month)}
	return book.New(month.String(), book.Give, held, clearing(month), held, budget)
}

// Earn is the postings of an author: the net to the revenue, the fee, where
// there is one, to the operator.
func Earn(month flattr.Month, a Author) []book.Transfer {
	revenue := book.Account{Kind: book.Revenue, Bucket: a.ID.Bucket(), Owner: int64(a.ID)}
	var postings []book.Transfer
	if a.Net > 0 {
		postings = append(postings, book.New(month.String(), book.Earn, clearing(month), revenue, revenue, a.Net))
	}
	if a.Fee > 0 {
		postings = append(postings, book.New(month.String(), book.Charge, clearing(month), book.Account{Kind: book.Fee}, revenue, a.Fee))
	}
	return postings
}
