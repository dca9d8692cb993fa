// Package report writes what the ledger knows for people and programs:
// statements of closed months, revenue, and the audit.
package report

import (
	"context"
	"fmt"
	"io"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// The lines of a statement, in their order. Amounts are micro-EUR.
type (
	shareLine struct {
		Type   string      `json:"type"`
		Reader string      `json:"reader"`
		URL    string      `json:"url"`   // of the thing after aliases, as first given
		Owner  *string     `json:"owner"` // of that thing; null: a promise
		Click  string      `json:"click"`
		Micro  money.Micro `json:"micro"`
		Late   bool        `json:"late,omitempty"`
	}
	readerLine struct {
		Type   string      `json:"type"`
		Name   string      `json:"name"`
		Budget money.Micro `json:"budget_micro"` // what was taken
		Clicks int         `json:"clicks"`       // the divisor
	}
	authorLine struct {
		Type   string      `json:"type"`
		Name   string      `json:"name"`
		Clicks int         `json:"clicks"` // paid ones on things the author has a part in
		Gross  money.Micro `json:"gross_micro"`
		Fee    money.Micro `json:"fee_micro"`
		Net    money.Micro `json:"net_micro"`
	}
	partLine struct {
		Type   string      `json:"type"`
		URL    string      `json:"url"`
		Author string      `json:"author"`
		BP     int         `json:"bp"`
		Micro  money.Micro `json:"micro"`
	}
	totalLine struct {
		Type     string      `json:"type"`
		Budget   money.Micro `json:"budget_micro"`
		Net      money.Micro `json:"net_micro"`
		Fee      money.Micro `json:"fee_micro"`
		Promised int         `json:"promised_clicks"`
	}
)

// Statement writes the statement of a closed month: shares by reader and click,
// readers, authors, parts by URL and author, total; names and URLs in the order
// of their UTF-8 bytes. It is written as it is read, so that its length does not
// matter. As Text it is a summary without the shares. It refuses with month_open
// when the month is not closed.
func Statement(ctx context.Context, s *store.Store, month flattr.Month, format Format, to io.Writer) error {
	return s.View(ctx, func(tx *store.Tx) error {
		if err := closed(tx, month); err != nil {
			return err
		}
		switch format {
		case NDJSON, JSON:
			out := newObjects(to, format)
			w := statement{tx: tx, month: month, write: out.write, total: totalLine{Type: "total"}}
			for _, section := range []func() error{w.shares, w.readers, w.authors, w.parts} {
				if err := section(); err != nil {
					return err
				}
			}
			if err := out.write(w.total); err != nil {
				return err
			}
			return out.end()
		case Text:
			return summary(tx, month, to)
		case CSV:
		}
		return fmt.Errorf("a statement of the whole month is written as ndjson, json or text; add --reader, --author or --operator for %s", format)
	})
}

// closed refuses a month that has no statement.
func closed(tx *store.Tx, month flattr.Month) error {
	p, err := tx.Progress(month)
	if err != nil || p.State == flattr.Closed {
		return err
	}
	return flattr.Refuse(flattr.MonthOpen, fmt.Sprintf(
		"%s is %s, and only a closed month has a statement. Run: flattr-ledger settle --month %s", month, p.State, month))
}

// statement is a statement being written.
type statement struct {
	tx    *store.Tx
	month flattr.Month
	write func(any) error
	total totalLine
	split flattr.Splitter
	paid  []flattr.EventID
}

// eachReader hands over the month's readers by name, with their clicks, what
// each click is worth, and over how many the budget was divided.
func (w *statement) eachReader(use func(r store.ReaderBudget, clicks []store.StatementClick, shares []money.Micro, divisor int) error) error {
	return eachPage(func(after string) ([]store.ReaderBudget, error) { return w.tx.ReadersByName(w.month, after) },
		func(r store.ReaderBudget) (string, error) {
			clicks, err := w.tx.StatementClicks(w.month, r.Reader)
			if err != nil {
				return "", err
			}
			shares, divisor := w.divide(r.Budget, clicks)
			return r.Name, use(r, clicks, shares, divisor)
		})
}

// divide divides a reader's budget over the clicks that are no promises.
func (w *statement) divide(budget money.Micro, clicks []store.StatementClick) (shares []money.Micro, divisor int) {
	w.paid = w.paid[:0]
	for _, c := range clicks {
		if c.Owner != 0 {
			w.paid = append(w.paid, c.ID)
		}
	}
	split := w.split.Shares(w.month, budget, w.paid)
	shares = make([]money.Micro, len(clicks))
	next := 0
	for i, c := range clicks {
		if c.Owner != 0 {
			shares[i] = split[next]
			next++
		}
	}
	return shares, len(w.paid)
}

func (w *statement) shares() error {
	return w.eachReader(func(r store.ReaderBudget, clicks []store.StatementClick, shares []money.Micro, _ int) error {
		for i, c := range clicks {
			line := shareLine{Type: "share", Reader: r.Name, URL: c.URL, Click: c.ID.String(), Micro: shares[i], Late: c.Late}
			if c.Owner == 0 {
				w.total.Promised++
			} else {
				line.Owner = &c.OwnerName
			}
			if err := w.write(line); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *statement) readers() error {
	return w.eachReader(func(r store.ReaderBudget, _ []store.StatementClick, _ []money.Micro, divisor int) error {
		w.total.Budget += r.Budget
		return w.write(readerLine{Type: "reader", Name: r.Name, Budget: r.Budget, Clicks: divisor})
	})
}

func (w *statement) authors() error {
	return eachPage(func(after string) ([]store.AuthorSum, error) { return w.tx.AuthorsByName(w.month, after) },
		func(a store.AuthorSum) (string, error) {
			w.total.Net += a.Net
			w.total.Fee += a.Fee
			return a.Name, w.write(authorLineOf(a))
		})
}

func authorLineOf(a store.AuthorSum) authorLine {
	return authorLine{Type: "author", Name: a.Name, Clicks: a.Clicks, Gross: a.Gross, Fee: a.Fee, Net: a.Net}
}

func (w *statement) parts() error {
	return w.tx.EachPart(w.month, func(p store.Part) error {
		return w.write(partLine{Type: "part", URL: p.URL, Author: p.Author, BP: p.BP, Micro: p.Gross})
	})
}

// summary writes the month for people: who gave, who got, and the sums.
func summary(tx *store.Tx, month flattr.Month, to io.Writer) error {
	out := newTable(to)
	out.line("Statement of %s", month)
	out.line("")
	out.row("reader", ">clicks", ">gave", ">a click")
	w := statement{tx: tx, month: month, write: func(any) error { return nil }}
	err := w.eachReader(func(r store.ReaderBudget, _ []store.StatementClick, _ []money.Micro, divisor int) error {
		share := money.Micro(0)
		if divisor > 0 {
			share, _ = money.Split(r.Budget, divisor)
		}
		out.row(r.Name, divisor, r.Budget, share)
		return nil
	})
	if err != nil {
		return err
	}
	out.line("")
	out.row("author", ">clicks", ">gross", ">fee", ">net")
	err = eachPage(func(after string) ([]store.AuthorSum, error) { return tx.AuthorsByName(month, after) },
		func(a store.AuthorSum) (string, error) {
			out.row(a.Name, a.Clicks, a.Gross, a.Fee, a.Net)
			return a.Name, nil
		})
	if err != nil {
		return err
	}
	sums, err := tx.MonthSums(month)
	if err != nil {
		return err
	}
	out.line("")
	out.line("%s EUR given: %s EUR to %s, %s EUR fee. %s, %s.", sums.Budget, sums.Net, counted(sums.Authors, "author"), sums.Fee,
		counted(sums.Clicks, "click"), counted(sums.Promises, "promise"))
	return out.end()
}
