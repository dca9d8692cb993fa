package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/chart"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// What the pages of a reader's past show at once. A page stays under 100 kB
// also where every title and address is as long as it may be.
const (
	pageClicks   = 40
	pageOwners   = 50
	pageMonths   = 12
	chartMonths  = 12
	sheetClicks  = 150     // of a statement for the printer, whose rows are short
	maxPage      = 100_000 // beyond any list
	maxQuery     = 200     // characters of a search
	maxShownText = 300     // bytes of a title in a list, as they are sent
	maxLinked    = 500     // bytes of an address that a list links to; a longer one is behind the thing's page
	maxSaid      = 150     // bytes of a title in the label of a button
)

// historyPath are the addresses of months of one's own.
var historyPath = regexp.MustCompile(`^/history/\d{4}-\d{2}(?:/statement)?$`)

// past adds the pages about what a reader has given.
func (s *Server) past(mux *http.ServeMux) {
	mux.HandleFunc("GET /history", s.member(s.history))
	mux.HandleFunc("GET /history/{month}", s.member(s.historyMonth))
	mux.HandleFunc("GET /history/{month}/statement", s.member(s.statement))
	mux.HandleFunc("GET /history/authors", s.member(s.historyAuthors))
	mux.HandleFunc("GET /history/clicks", s.member(s.historyClicks))
	mux.HandleFunc("GET /history/promises", s.member(s.promises))
	mux.HandleFunc("GET /subscriptions", s.member(s.subscriptions))
	mux.HandleFunc("POST /subscriptions/pause", s.member(s.pauseSubscription))
	mux.HandleFunc("POST /subscriptions/stop", s.member(s.stopSubscription))
	s.exports(mux)
	s.data(mux)
}

// historyPage is what a reader gave, month by month.
type historyPage struct {
	Months []store.GivenMonth
	Held   bool // something is still set aside for one of them
	Budget chart.Bars
	Clicks chart.Lines
	Drawn  bool // the charts are shown: with the newest months only
	Before flattr.Month
}

// history shows the reader's months that are over, the newest first.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	t, now := s.tongues.of(r), s.now()
	before := flattr.MonthOf(now).Next()
	if raw := r.URL.Query().Get("before"); raw != "" {
		month, err := flattr.ParseMonth(raw)
		if err != nil {
			s.notFound(w, r)
			return
		}
		before = month
	}
	months, err := s.store.GivenMonths(r.Context(), memberOf(r.Context()).ID, before, 0, pageMonths+1)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := historyPage{Drawn: len(months) > 0 && before > flattr.MonthOf(now)}
	if len(months) > pageMonths {
		months = months[:pageMonths]
		page.Before = months[pageMonths-1].Month
	}
	page.Months = months
	for _, m := range months {
		page.Held = page.Held || m.Held > 0
	}
	if page.Drawn {
		page.Budget, page.Clicks = drawMonths(t, now, months)
	}
	s.render(w, r, http.StatusOK, "history", t.say("history.title"), page)
}

// drawMonths draws the last twelve months: those without a click too, but not
// one that is still open for changes.
func drawMonths(t *tongue, now time.Time, months []store.GivenMonth) (chart.Bars, chart.Lines) {
	end := flattr.MonthOf(now).Prev()
	if now.Before(end.FreezeAt()) && months[0].Month < end {
		end = end.Prev()
	}
	end = max(end, months[0].Month) // a ledger whose clock was ahead
	of := make(map[flattr.Month]store.GivenMonth, len(months))
	for _, m := range months {
		of[m.Month] = m
	}
	first := end.Add(1 - chartMonths)
	var budgets, clicks []chart.Point
	for month := first; month <= end; month = month.Next() {
		label := t.shortMonth(month)
		budgets = append(budgets, chart.Point{Label: label, Value: int64(of[month].Budget), Text: t.euro(of[month].Budget)})
		clicks = append(clicks, chart.Point{Label: label, Value: int64(of[month].Clicks), Text: fmt.Sprint(of[month].Clicks)})
	}
	return chart.NewBars("budgets", t.say("history.chart.budgets", t.month(first), t.month(end)), budgets),
		chart.NewLines("clicks", t.say("history.chart.clicks", t.month(first), t.month(end)), clicks)
}

// shortMonth is "Nov".
func (t *tongue) shortMonth(m flattr.Month) string {
	name := []rune(t.say(fmt.Sprintf("date.%d", m.Start().Month())))
	return string(name[:min(3, len(name))])
}

// date is "4 November 2026" or "4. November 2026", as t shows times.
func (t *tongue) date(at time.Time) string {
	return fmt.Sprintf("%s %d", t.day(at), at.In(t.zone).Year())
}

// historyMonthPage is one month of a reader: an open one as it stands, another
// as it was divided.
type historyMonthPage struct {
	Month    flattr.Month
	Open     bool
	Over     bool // open, but its grace is over: it waits for its settlement
	Sum      store.GivenMonth
	FreezeAt time.Time
	Table    clickTable
	Pages    pages
	Thanks   thanks
}

// clickTable is a list of clicks on a page.
type clickTable struct {
	Month   flattr.Month // of all of them; 0: of several
	Clicks  []clickLine
	Next    string // where an undo comes back to; "": to the month's page
	Review  bool   // the month is over and is looked over
	Settled bool   // nothing in it can be undone
	Dated   bool   // of several months: the day names the year
}

// Undoable reports whether any of the clicks can be undone.
func (t clickTable) Undoable() bool {
	return slices.ContainsFunc(t.Clicks, func(c clickLine) bool { return c.CanUndo })
}

// historyMonth shows one month, click by click.
func (s *Server) historyMonth(w http.ResponseWriter, r *http.Request) {
	m, now := memberOf(r.Context()), s.now()
	month, err := flattr.ParseMonth(r.PathValue("month"))
	if err != nil {
		s.notFound(w, r)
		return
	}
	number := pageNumber(r)
	page := historyMonthPage{Month: month, FreezeAt: month.FreezeAt()}
	found, err := s.store.FindClicks(r.Context(), now, m.ID, store.ClickSearch{Month: month, Limit: pageClicks, Offset: (number - 1) * pageClicks})
	if err == nil {
		page.Sum, err = s.store.Given(r.Context(), now, m.ID, month)
	}
	if err == nil {
		page.Thanks, err = s.thanksFor(r, m.ID, month)
	}
	if err != nil {
		s.fail(w, r, fmt.Errorf("read %s: %w", month, err))
		return
	}
	page.Open = page.Sum.State == flattr.Open
	page.Over = page.Open && !now.Before(page.FreezeAt)
	page.Table = clickTable{
		Month: month, Clicks: clickLines(found.Clicks, now), Next: r.URL.RequestURI(),
		Review: page.Open && !now.Before(month.End()), Settled: !page.Open || page.Over,
	}
	page.Pages = newPages(r, number, pageClicks, found.Total)
	t := s.tongues.of(r)
	s.render(w, r, http.StatusOK, "history_month", t.say("history.month.title", t.month(month)), page)
}

// clickLines are clicks as pages show them; those can be undone whose month is
// open and not over for good.
func clickLines(clicks []store.FoundClick, now time.Time) []clickLine {
	lines := make([]clickLine, len(clicks))
	for i, c := range clicks {
		lines[i] = newClickLine(c.ClickView)
		lines[i].Month = c.Month
		lines[i].Settled = c.State != flattr.Open
		lines[i].CanUndo = lines[i].CanUndo && !lines[i].Settled && now.Before(c.Month.FreezeAt())
	}
	return lines
}

// authorsPage is what a reader gave in a year, by author.
type authorsPage struct {
	Year  int
	Years []int
	List  store.GivenList
	Rows  []authorRow
	Pages pages
}

type authorRow struct {
	store.GivenTo
	Bar  chart.Row
	Gone bool // deleted by now: there is no page to lead to
}

// historyAuthors shows where the money of a year went.
func (s *Server) historyAuthors(w http.ResponseWriter, r *http.Request) {
	m := memberOf(r.Context())
	years, err := s.store.GivenYears(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := authorsPage{Years: years, Year: s.now().UTC().Year()}
	if len(years) > 0 {
		page.Year = years[0]
	}
	if raw := r.URL.Query().Get("year"); raw != "" {
		year, err := strconv.Atoi(raw)
		if err != nil || year < 1 || year > 9998 {
			s.notFound(w, r)
			return
		}
		page.Year = year
	}
	number := pageNumber(r)
	if page.List, err = s.store.GivenTo(r.Context(), m.ID, page.Year, pageOwners, (number-1)*pageOwners); err != nil {
		s.fail(w, r, err)
		return
	}
	for _, to := range page.List.Owners {
		gone := strings.HasPrefix(to.Name, flattr.DeletedPrefix)
		page.Rows = append(page.Rows, authorRow{to, chart.NewRow(int64(to.Amount), int64(page.List.Most)), gone})
	}
	page.Pages = newPages(r, number, pageOwners, page.List.Total)
	s.render(w, r, http.StatusOK, "history_authors", s.tongues.of(r).say("history.authors.title"), page)
}

// clicksPage is what a search of the reader's own clicks found.
type clicksPage struct {
	Query string
	Total int
	// The months that were looked at are those from Since on and before Before;
	// 0 is no bound.
	Since, Before flattr.Month
	Older         string // address of the same search in the months before; "": there are no clicks
	Table         clickTable
	Pages         pages
}

// historyClicks searches everything the reader has ever flattred.
func (s *Server) historyClicks(w http.ResponseWriter, r *http.Request) {
	now, number := s.now(), pageNumber(r)
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	if runes := []rune(query); len(runes) > maxQuery {
		query = string(runes[:maxQuery])
	}
	search := store.ClickSearch{Words: query, Limit: pageClicks, Offset: (number - 1) * pageClicks}
	if raw := r.URL.Query().Get("before"); raw != "" {
		month, err := flattr.ParseMonth(raw)
		if err != nil {
			s.notFound(w, r)
			return
		}
		search.Before = month
	}
	found, err := s.store.FindClicks(r.Context(), now, memberOf(r.Context()).ID, search)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := clicksPage{
		Query: query, Total: found.Total, Before: search.Before, Since: found.Before,
		Table: clickTable{Clicks: clickLines(found.Clicks, now), Next: r.URL.RequestURI(), Dated: true},
		Pages: newPages(r, number, pageClicks, found.Total),
	}
	if found.Before != 0 {
		page.Older = "/history/clicks?" + url.Values{"q": {query}, "before": {found.Before.String()}}.Encode()
	}
	s.render(w, r, http.StatusOK, "history_clicks", s.tongues.of(r).say("history.clicks.title"), page)
}

// pages leads through a list that is longer than a page.
type pages struct {
	Number, Last   int
	Newer, Further string // addresses; "" where there is none
}

// pageNumber is the page of a list that a request asks for; 1 is the first.
func pageNumber(r *http.Request) int {
	number, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		return 1
	}
	return min(max(number, 1), maxPage)
}

// newPages leads from a page of a list with so many rows in all to its others,
// with the rest of the query kept.
func newPages(r *http.Request, number, size, total int) pages {
	p := pages{Number: number, Last: max(1, (total+size-1)/size)}
	to := func(number int) string {
		query := url.Values{}
		for _, name := range []string{"q", "year", "before"} {
			if value := r.URL.Query().Get(name); value != "" {
				query.Set(name, value)
			}
		}
		if number > 1 {
			query.Set("page", strconv.Itoa(number))
		}
		return (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String()
	}
	if number > 1 {
		p.Newer = to(min(number-1, p.Last))
	}
	if number < p.Last {
		p.Further = to(number + 1)
	}
	return p
}
