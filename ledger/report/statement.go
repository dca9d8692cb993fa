// Package report writes what the ledger knows for people and programs:
// statements of closed months and the audit.
package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// The lines of a statement, in their order. Amounts are micro-EUR.
type (
	shareLine struct {
		Type   string      `json:"type"`
		Reader string      `json:"reader"`
		URL    string      `json:"url"`
		Owner  *string     `json:"owner"` // null: a promise
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
		Clicks int         `json:"clicks"`
		Gross  money.Micro `json:"gross_micro"`
		Fee    money.Micro `json:"fee_micro"`
		Net    money.Micro `json:"net_micro"`
	}
	totalLine struct {
		Type     string      `json:"type"`
		Budget   money.Micro `json:"budget_micro"`
		Net      money.Micro `json:"net_micro"`
		Fee      money.Micro `json:"fee_micro"`
		Promised int         `json:"promised_clicks"`
	}
)

// Statement writes the statement of a closed month as one JSON object a line:
// shares by reader and click, readers, authors, total. Names are ordered by
// their UTF-8 bytes. It refuses with month_open when the month is not closed.
func Statement(ctx context.Context, s *store.Store, month flattr.Month, to io.Writer) error {
	out := bufio.NewWriter(to)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	w := statement{month: month, write: enc.Encode, total: totalLine{Type: "total"}}
	err := s.View(ctx, func(tx *store.Tx) error {
		p, err := tx.Progress(month)
		if err != nil {
			return err
		}
		if p.State != flattr.Closed {
			return flattr.Refuse(flattr.MonthOpen, fmt.Sprintf(
				"%s is %s, and only a closed month has a statement. Run: flattr-ledger settle --month %s", month, p.State, month))
		}
		if err := w.shares(tx); err != nil {
			return err
		}
		if err := w.readers(tx); err != nil {
			return err
		}
		if err := w.authors(tx); err != nil {
			return err
		}
		return w.write(w.total)
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// statement is a statement being written.
type statement struct {
	month flattr.Month
	write func(any) error
	total totalLine
}

// eachReader hands over the month's readers by name, with their clicks.
func (w *statement) eachReader(tx *store.Tx, use func(store.ReaderBudget, []store.StatementClick) error) error {
	after := ""
	for {
		readers, err := tx.ReadersByName(w.month, after)
		if err != nil || len(readers) == 0 {
			return err
		}
		for _, r := range readers {
			clicks, err := tx.StatementClicks(w.month, r.Reader)
			if err != nil {
				return err
			}
			if err := use(r, clicks); err != nil {
				return err
			}
		}
		after = readers[len(readers)-1].Name
	}
}

// ofSettlement is how the settlement sees a reader's clicks.
func ofSettlement(clicks []store.StatementClick) []settle.Click {
	out := make([]settle.Click, len(clicks))
	for i, c := range clicks {
		out[i] = settle.Click{ID: c.ID, Thing: c.Thing, Owner: c.Owner, Late: c.Late}
	}
	return out
}

func (w *statement) shares(tx *store.Tx) error {
	return w.eachReader(tx, func(r store.ReaderBudget, clicks []store.StatementClick) error {
		shares, _ := settle.Shares(w.month, r.Budget, ofSettlement(clicks))
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

func (w *statement) readers(tx *store.Tx) error {
	return w.eachReader(tx, func(r store.ReaderBudget, clicks []store.StatementClick) error {
		_, divisor := settle.Shares(w.month, r.Budget, ofSettlement(clicks))
		w.total.Budget += r.Budget
		return w.write(readerLine{Type: "reader", Name: r.Name, Budget: r.Budget, Clicks: divisor})
	})
}

func (w *statement) authors(tx *store.Tx) error {
	after := ""
	for {
		authors, err := tx.AuthorsByName(w.month, after)
		if err != nil || len(authors) == 0 {
			return err
		}
		for _, a := range authors {
			w.total.Net += a.Net
			w.total.Fee += a.Fee
			err := w.write(authorLine{Type: "author", Name: a.Name, Clicks: a.Clicks, Gross: a.Gross, Fee: a.Fee, Net: a.Net})
			if err != nil {
				return err
			}
		}
		after = authors[len(authors)-1].Name
	}
}
