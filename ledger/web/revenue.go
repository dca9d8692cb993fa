package web

import (
	"fmt"
	"net/http"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
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
