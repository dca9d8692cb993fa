package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"flattr/ledger/chart"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
)

// revenuePage is what an author sees: month by month what came, the running one
// and those that wait for their settlement as previews, and the things of one
// settled month.
type revenuePage struct {
	Balance  money.Micro
	Running  flattr.Month
	Previews []revenueMonth
	Months   []flattr.RevenueMonth // settled ones, newest first, a page of them
	Shown    *revenueMonth         // the settled one whose things are shown; nil: none
	Chart    chart.Bars            // net
	Counts   chart.Lines           // clicks
	Years    []revenueYear
	Pages    pages
}

type revenueMonth struct {
	flattr.RevenueMonth
	Things []thingLine
	More   int  // things that are not shown
	Old    bool // of a month as it stands: that was a while ago
}

// justNow is how old sums may be that a page shows without saying so.
const justNow = time.Minute

// revenueYear sums the settled months of a year.
type revenueYear struct {
	Year       int
	Clicks     int
	Gross, Net money.Micro
}

// What one page of revenue shows: it stays under 100 kB with the longest titles.
const (
	pageRevenue   = 12 // settled months
	revenueThings = 15 // of the settled month that is shown, and of the running one
	endedThings   = 3  // of a month that waits for its settlement
)

type thingLine struct {
	flattr.RevenueThing
	Path, Label string
}

// revenue shows what an author has earned.
func (s *Server) revenue(w http.ResponseWriter, r *http.Request) {
	earned, err := s.store.Revenue(r.Context(), s.now(), memberOf(r.Context()).ID, revenueThings)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read revenue: %w", err))
		return
	}
	t, number := s.tongues.of(r), pageNumber(r)
	page := revenuePage{
		Balance: earned.Balance, Running: earned.Preview.Month, Previews: []revenueMonth{newRevenueMonth(earned.Preview, revenueThings)},
		Years: revenueYears(earned.Months), Pages: newPages(r, number, pageRevenue, len(earned.Months)),
	}
	page.Chart, page.Counts = t.revenueCharts(earned)
	for _, month := range earned.Ended {
		page.Previews = append(page.Previews, newRevenueMonth(month, endedThings))
	}
	for i := range page.Previews {
		asOf := page.Previews[i].AsOf
		page.Previews[i].Old = !asOf.IsZero() && s.now().Sub(asOf) >= justNow
	}
	page.Months = earned.Months[min((number-1)*pageRevenue, len(earned.Months)):]
	page.Months = page.Months[:min(pageRevenue, len(page.Months))]
	if len(page.Months) > 0 {
		month := askedMonth(r, page.Months)
		if month.Things, month.Count, err = s.store.EarnedThings(r.Context(), memberOf(r.Context()).ID, month.Month, revenueThings); err != nil {
			s.fail(w, r, err)
			return
		}
		shown := newRevenueMonth(month, revenueThings)
		page.Shown = &shown
	}
	s.render(w, r, http.StatusOK, "revenue", t.say("revenue.title"), page)
}

// askedMonth is the month that the address names, or the first.
func askedMonth(r *http.Request, months []flattr.RevenueMonth) flattr.RevenueMonth {
	asked, err := flattr.ParseMonth(r.URL.Query().Get("month"))
	for _, month := range months {
		if err == nil && month.Month == asked {
			return month
		}
	}
	return months[0]
}

// revenueYears sums settled months, which come newest first, by year.
func revenueYears(months []flattr.RevenueMonth) (years []revenueYear) {
	for _, m := range months {
		year := m.Month.Start().Year()
		if len(years) == 0 || years[len(years)-1].Year != year {
			years = append(years, revenueYear{Year: year})
		}
		sum := &years[len(years)-1]
		sum.Clicks, sum.Gross, sum.Net = sum.Clicks+m.Clicks, sum.Gross+m.Gross, sum.Net+m.Net
	}
	return years
}

// revenueCharts draw the twelve months up to the last settled one.
func (t *tongue) revenueCharts(earned flattr.Revenue) (chart.Bars, chart.Lines) {
	of := make(map[flattr.Month]flattr.RevenueMonth, len(earned.Months))
	for _, m := range earned.Months {
		of[m.Month] = m
	}
	end := earned.Preview.Month.Prev()
	if len(earned.Ended) > 0 {
		end = earned.Ended[len(earned.Ended)-1].Month.Prev()
	}
	first := end.Add(1 - chartMonths)
	var net, clicks []chart.Point
	for month := first; month <= end; month = month.Next() {
		label, m := t.shortMonth(month), of[month]
		net = append(net, chart.Point{Label: label, Value: int64(m.Net), Text: t.euro(m.Net)})
		clicks = append(clicks, chart.Point{Label: label, Value: int64(m.Clicks), Text: fmt.Sprint(m.Clicks)})
	}
	return chart.NewBars("net", t.say("revenue.chart", t.month(first), t.month(end)), net),
		chart.NewLines("clicks", t.say("things.chart.clicks", t.month(first), t.month(end)), clicks)
}

// newRevenueMonth is a month with the things that brought most of it, at most so
// many.
func newRevenueMonth(month flattr.RevenueMonth, most int) revenueMonth {
	things := month.Things[:min(most, len(month.Things))]
	out := revenueMonth{RevenueMonth: month, More: month.Count - len(things)}
	for _, thing := range things {
		line := thingLine{RevenueThing: thing, Path: "/things/" + strconv.FormatInt(int64(thing.ID), 10)}
		_, line.Label, _ = listed(thing.ID, thing.URL, thing.Title)
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
