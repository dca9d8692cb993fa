package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// statementPage is a settled month as one keeps it on paper: the clicks that
// counted, in the order of time, each with its share.
type statementPage struct {
	Name   string
	Ledger string // the ledger's address
	Month  flattr.Month
	Sum    store.GivenMonth
	Rows   []statementRow // of this sheet
	Total  money.Micro    // of all sheets
	Pages  pages
}

type statementRow struct {
	store.StatementClick
	Label  string // of the rows that are shown
	Owner  string // "": a promise
	Others int    // who share it with the owner
	Share  money.Micro
}

// statement shows a settled month as sheets for the printer.
func (s *Server) statement(w http.ResponseWriter, r *http.Request) {
	m := memberOf(r.Context())
	month, err := flattr.ParseMonth(r.PathValue("month"))
	if err != nil {
		s.notFound(w, r)
		return
	}
	page := statementPage{Name: m.Name, Ledger: s.public.Host, Month: month}
	if page.Sum, err = s.store.Given(r.Context(), s.now(), m.ID, month); err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Sum.State != flattr.Closed {
		s.problem(w, r, http.StatusNotFound, "problem.title", "wrong.month", "")
		return
	}
	var clicks []store.StatementClick
	err = s.store.View(r.Context(), func(tx *store.Tx) error {
		clicks, err = tx.StatementClicks(month, m.ID)
		return err
	})
	if err != nil {
		s.fail(w, r, fmt.Errorf("read statement: %w", err))
		return
	}
	number := pageNumber(r)
	page.Pages = newPages(r, number, sheetClicks, len(clicks))
	page.Rows, page.Total = statementRows(month, page.Sum.Budget, clicks)
	page.Rows = page.Rows[min((number-1)*sheetClicks, len(clicks)):]
	page.Rows = page.Rows[:min(sheetClicks, len(page.Rows))]
	for i := range page.Rows {
		row := &page.Rows[i]
		_, row.Label, _ = listed(row.Thing, row.URL, row.Title)
	}
	s.render(w, r, http.StatusOK, "statement", s.tongues.of(r).say("statement.title", s.tongues.of(r).month(month)), page)
}

// statementRows are clicks of a month in the order of time, with their shares,
// and the sum of these.
func statementRows(month flattr.Month, budget money.Micro, clicks []store.StatementClick) (rows []statementRow, total money.Micro) {
	slices.SortFunc(clicks, func(a, b store.StatementClick) int {
		return cmp.Or(a.At.Compare(b.At), bytes.Compare(a.ID[:], b.ID[:]))
	})
	var paid []flattr.EventID
	for _, c := range clicks {
		if c.Owner != 0 {
			paid = append(paid, c.ID)
		}
	}
	shares := flattr.Shares(month, budget, paid)
	for _, c := range clicks {
		row := statementRow{StatementClick: c, Owner: c.OwnerName, Others: max(0, c.Authors-1)}
		if c.Owner != 0 {
			row.Share, shares = shares[0], shares[1:]
			total += row.Share
		}
		rows = append(rows, row)
	}
	return rows, total
}
