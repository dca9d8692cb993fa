package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
)

// revenuePage is what an author sees: the running month and those that wait
// for their settlement as previews, then the settled months, newest first.
type revenuePage struct {
	Balance  money.Micro
	Running  flattr.Month
	Previews []revenueMonth
	Months   []revenueMonth
}

type revenueMonth struct {
	flattr.RevenueMonth
	Things []thingLine
}

type thingLine struct {
	flattr.RevenueThing
	Link, Label string
}

// revenue shows what an author has earned.
func (s *Server) revenue(w http.ResponseWriter, r *http.Request) {
	earned, err := s.store.Revenue(r.Context(), s.now(), memberOf(r.Context()).ID)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read revenue: %w", err))
		return
	}
	page := revenuePage{Balance: earned.Balance, Running: earned.Preview.Month, Previews: []revenueMonth{newRevenueMonth(earned.Preview)}}
	for _, month := range earned.Ended {
		page.Previews = append(page.Previews, newRevenueMonth(month))
	}
	for _, month := range earned.Months {
		page.Months = append(page.Months, newRevenueMonth(month))
	}
	s.render(w, r, http.StatusOK, "revenue", s.tongues.of(r).say("revenue.title"), page)
}

func newRevenueMonth(month flattr.RevenueMonth) revenueMonth {
	out := revenueMonth{RevenueMonth: month}
	for _, thing := range month.Things {
		line := thingLine{RevenueThing: thing, Link: webLink(thing.URL), Label: strings.TrimSpace(thing.Title)}
		if line.Label == "" {
			line.Label = thing.URL
		}
		out.Things = append(out.Things, line)
	}
	return out
}

// download hands an author the monthly revenue report of a closed month, in the
// form that tools for authors read, or as JSON with micro-EUR, fee and net.
func (s *Server) download(format report.Format, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		month, err := flattr.ParseMonth(r.URL.Query().Get("month"))
		if err != nil {
			s.problem(w, r, http.StatusBadRequest, "problem.title", "wrong.month", "")
			return
		}
		var out bytes.Buffer
		revenue := report.Revenue{Author: memberOf(r.Context()).Name, Month: month, Public: s.public.String()}
		err = revenue.Write(r.Context(), s.store, format, &out)
		var refused *flattr.Error
		switch {
		case errors.As(err, &refused):
			s.problem(w, r, http.StatusNotFound, "problem.title", "wrong.month", "")
			return
		case err != nil:
			s.fail(w, r, fmt.Errorf("write revenue: %w", err))
			return
		}
		name := fmt.Sprintf("flattr-revenue-%04d%02d.%s", month/100, month%100, format)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		w.Header().Set("Cache-Control", "no-store")
		if _, err := out.WriteTo(w); err != nil {
			s.log.Debug("write revenue", "error", err)
		}
	}
}
