package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"flattr/ledger/chart"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// What the pages of authors show at once.
const (
	pageThings  = 30
	thingMonths = 36 // in the table of one thing
)

// authorPath are the addresses of single pages of authors.
var authorPath = regexp.MustCompile(`^/things/\d{1,16}$`)

// authors adds the pages about what is an author's own.
func (s *Server) authors(mux *http.ServeMux) {
	mux.HandleFunc("GET /things", s.member(s.ownThings))
	mux.HandleFunc("GET /things/{id}", s.member(s.ownThing))
	mux.HandleFunc("GET /parts", s.member(s.shared))
	mux.HandleFunc("GET /parts/edit", s.member(s.share))
	mux.HandleFunc("POST /parts/edit", s.member(s.changeShare))
	mux.HandleFunc("POST /parts/end", s.member(s.endShare))
	mux.HandleFunc("POST /parts/back", s.member(s.giveBack))
	mux.HandleFunc("GET /payout", s.member(s.payout))
	mux.HandleFunc("POST /payout", s.member(s.changePayout))
	mux.HandleFunc("POST /payout/use", s.member(s.useRevenue))
	mux.HandleFunc("GET /notes", s.member(s.notes))
	mux.HandleFunc("POST /notes", s.member(s.writeNote))
	mux.HandleFunc("POST /notes/mute", s.member(s.muteNotes))
}

// ownThingsPage is the list of an author's things.
type ownThingsPage struct {
	Query string
	store.AuthorThings
	Lines []ownThingLine
	Pages pages
	Old   bool // what the running month brings was summed a while ago
}

type ownThingLine struct {
	store.AuthorThing
	Path, Label string
	Claim       string // address of the page that says how to prove it
}

// ownThings lists the author's things, those that bring most first.
func (s *Server) ownThings(w http.ResponseWriter, r *http.Request) {
	number := pageNumber(r)
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	if runes := []rune(query); len(runes) > maxQuery {
		query = string(runes[:maxQuery])
	}
	list, err := s.store.AuthorThings(r.Context(), s.now(), memberOf(r.Context()).ID,
		store.ThingSearch{Words: query, Limit: pageThings, Offset: (number - 1) * pageThings})
	if err != nil {
		s.fail(w, r, fmt.Errorf("read things: %w", err))
		return
	}
	page := ownThingsPage{Query: query, AuthorThings: list, Pages: newPages(r, number, pageThings, list.Total)}
	page.Old = s.now().Sub(list.AsOf) >= justNow
	for _, t := range list.Things {
		line := ownThingLine{AuthorThing: t, Path: "/things/" + strconv.FormatInt(int64(t.ID), 10)}
		_, line.Label, _ = listed(t.ID, t.URL, t.Title)
		page.Lines = append(page.Lines, line)
	}
	s.render(w, r, http.StatusOK, "things", s.tongues.of(r).say("things.title"), page)
}

// ownThingPage is one thing as its author sees it.
type ownThingPage struct {
	store.AuthoredThing
	Link, Label string
	Public      string // path of the page that everybody sees
	Edit        string // address of the page where the parts of this very thing are set; "": not the owner's
	Sum         money.Micro
	More        int // older months than are shown
	Drawn       bool
	Revenue     chart.Bars
	Counts      chart.Lines
	Daily       chart.Bars
	Running     flattr.Month
	Old         bool // the running month was summed a while ago
}

// ownThing shows what one thing brings the author.
func (s *Server) ownThing(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 || id > flattr.MaxID {
		s.notFound(w, r)
		return
	}
	thing, err := s.store.AuthorThing(r.Context(), s.now(), memberOf(r.Context()).ID, flattr.ThingID(id))
	switch {
	case flattr.CodeOf(err) == flattr.NotFound:
		s.problem(w, r, http.StatusNotFound, "problem.title", "things.unknown", "")
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("read thing: %w", err))
		return
	}
	t := s.tongues.of(r)
	page := ownThingPage{AuthoredThing: thing, Public: "/thing/" + strconv.FormatInt(int64(thing.ID), 10)}
	page.Link, page.Label, _ = listed(thing.ID, thing.URL, thing.Title)
	if thing.As == store.Owned && len(thing.URL) <= store.MaxSharedURL {
		page.Edit = editPath(thing.URL)
	}
	page.Old = s.now().Sub(thing.AsOf) >= justNow
	for _, m := range thing.Months {
		page.Sum += m.Gross
	}
	page.More = max(0, len(page.Months)-thingMonths)
	page.Months = page.Months[:len(page.Months)-page.More]
	if len(page.Months) > 0 {
		page.Running = page.Months[0].Month
		page.Drawn = thing.As != store.Asserted
		page.Revenue, page.Counts = t.thingCharts(page.Months)
	}
	page.Daily = t.dayChart(page.Running, thing.Days)
	s.render(w, r, http.StatusOK, "own_thing", page.Label, page)
}

// thingCharts draws the last twelve months of a thing, up to the running one.
func (t *tongue) thingCharts(months []store.ThingMonth) (chart.Bars, chart.Lines) {
	of := make(map[flattr.Month]store.ThingMonth, len(months))
	for _, m := range months {
		of[m.Month] = m
	}
	end := months[0].Month
	first := end.Add(1 - chartMonths)
	var gross, clicks []chart.Point
	for month := first; month <= end; month = month.Next() {
		label := t.shortMonth(month)
		gross = append(gross, chart.Point{Label: label, Value: int64(of[month].Gross), Text: t.euro(of[month].Gross)})
		clicks = append(clicks, chart.Point{Label: label, Value: int64(of[month].Clicks), Text: fmt.Sprint(of[month].Clicks)})
	}
	return chart.NewBars("revenue", t.say("things.chart.revenue", t.month(first), t.month(end)), gross),
		chart.NewLines("clicks", t.say("things.chart.clicks", t.month(first), t.month(end)), clicks)
}

// dayChart draws the days of the running month that are told of.
func (t *tongue) dayChart(month flattr.Month, days []store.ThingDays) chart.Bars {
	points := make([]chart.Point, len(days))
	for i, d := range days {
		label := fmt.Sprint(d.From)
		if d.To > d.From {
			label = fmt.Sprintf("%d–%d", d.From, d.To)
		}
		points[i] = chart.Point{Label: label, Value: int64(d.Readers), Text: fmt.Sprint(d.Readers)}
	}
	if len(days) == 0 {
		return chart.Bars{}
	}
	return chart.NewBars("days", t.say("things.chart.days", t.month(month)), points)
}
