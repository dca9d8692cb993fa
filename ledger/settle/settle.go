// Package settle is the month's end as a pure function: from budgets, clicks
// and policy to shares, sums and postings.
package settle

import (
	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Divider divides the budgets of readers one after the other: it uses its memory
// again. The zero Divider is ready.
type Divider struct{ splitter flattr.Splitter }

// Shares divides a reader's budget over the clicks that are no promises (product
// rule 12). Things and ids of the clicks stand side by side; a promise has the
// thing 0. It answers the other things with what each click gives, puts them to
// the front of things, and ids likewise. The shares hold until the next call.
func (d *Divider) Shares(month flattr.Month, budget money.Micro, things []flattr.ThingID, ids []flattr.EventID) ([]flattr.ThingID, []money.Micro) {
	paid := 0
	for i, thing := range things {
		if thing != 0 {
			things[paid], ids[paid] = thing, ids[i]
			paid++
		}
	}
	return things[:paid], d.splitter.Shares(month, budget, ids[:paid])
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
