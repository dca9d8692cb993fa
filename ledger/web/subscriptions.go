package web

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// shownSubscriptions is how many subscriptions the month's page shows, and
// pageSubscriptions how many their own page.
const (
	shownSubscriptions = 5
	pageSubscriptions  = 40
)

// listed is a thing as lists show it: where its title leads, what is shown, and
// what the label of a button says. Titles and addresses may be very long.
func listed(id flattr.ThingID, address, title string) (link, label, said string) {
	link, label = webLink(address), strings.TrimSpace(title)
	if len(html.EscapeString(link)) > maxLinked {
		link = "/thing/" + strconv.FormatInt(int64(id), 10)
	}
	if label == "" {
		label = address
	}
	return link, short(label, maxShownText), short(label, maxSaid)
}

// subscriptionLine is a subscription as pages show it.
type subscriptionLine struct {
	store.Subscribed
	Link, Label, Said string
}

// subscriptionLines are a page of a reader's subscriptions, and how many there
// are beside them.
func (s *Server) subscriptionLines(ctx context.Context, now time.Time, reader flattr.MemberID, number, size int) (lines []subscriptionLine, others int, err error) {
	list, total, err := s.store.Subscribed(ctx, now, reader, size, (number-1)*size)
	if err != nil {
		return nil, 0, fmt.Errorf("read subscriptions: %w", err)
	}
	for _, v := range list {
		line := subscriptionLine{Subscribed: v}
		line.Link, line.Label, line.Said = listed(v.Thing, v.URL, v.Title)
		lines = append(lines, line)
	}
	return lines, total - len(lines), nil
}

// subscriptionsPage is what the reader repeats every month.
type subscriptionsPage struct {
	Table subscriptionTable
	Pages pages
}

// subscriptionTable is a list of subscriptions on a page.
type subscriptionTable struct {
	Lines []subscriptionLine
	Next  string // where its forms come back to
}

// subscriptions shows what the reader repeats every month.
func (s *Server) subscriptions(w http.ResponseWriter, r *http.Request) {
	number := pageNumber(r)
	lines, others, err := s.subscriptionLines(r.Context(), s.now(), memberOf(r.Context()).ID, number, pageSubscriptions)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := subscriptionsPage{Table: subscriptionTable{lines, r.URL.RequestURI()}, Pages: newPages(r, number, pageSubscriptions, others+len(lines))}
	s.render(w, r, http.StatusOK, "subscriptions", s.tongues.of(r).say("subs.title"), page)
}

// pauseSubscription pauses a subscription or lets it go on.
func (s *Server) pauseSubscription(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	on, notice := r.PostForm.Get("on") == "yes", "subs.resumed.notice"
	if on {
		notice = "subs.paused.notice"
	}
	s.changeSubscription(w, r, notice, func(id flattr.EventID) error {
		return s.store.PauseSubscription(r.Context(), s.now(), memberOf(r.Context()).ID, id, on)
	})
}

// stopSubscription ends a subscription for good.
func (s *Server) stopSubscription(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	s.changeSubscription(w, r, "subs.stopped.notice", func(id flattr.EventID) error {
		return s.store.StopSubscription(r.Context(), s.now(), memberOf(r.Context()).ID, id)
	})
}

// changeSubscription changes the subscription that a form names, says so and
// goes back.
func (s *Server) changeSubscription(w http.ResponseWriter, r *http.Request, notice string, change func(flattr.EventID) error) {
	id, err := flattr.ParseEventID(r.PostForm.Get("subscription"))
	if err == nil {
		err = change(id)
	} else {
		err = flattr.Refuse(flattr.NotFound, "")
	}
	switch {
	case flattr.CodeOf(err) == flattr.NotFound:
		s.problem(w, r, http.StatusNotFound, "problem.title", "subs.unknown", "")
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("change subscription: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say(notice))
	next := safeNext(r.PostForm.Get("next"))
	if next == "" {
		next = "/subscriptions"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// promisesPage is what the reader has promised in months that are settled.
type promisesPage struct {
	Lines []promiseLine
	Pages pages
}

type promiseLine struct {
	store.WaitingPromise
	Link, Label string
}

// promises shows the promises that wait, and for what.
func (s *Server) promises(w http.ResponseWriter, r *http.Request) {
	number := pageNumber(r)
	list, total, err := s.store.WaitingPromises(r.Context(), s.now(), memberOf(r.Context()).ID, pageClicks, (number-1)*pageClicks)
	if err != nil {
		s.fail(w, r, fmt.Errorf("read promises: %w", err))
		return
	}
	page := promisesPage{Pages: newPages(r, number, pageClicks, total)}
	for _, p := range list {
		line := promiseLine{WaitingPromise: p}
		line.Asserted = asserted(p.Asserted)
		line.Link, line.Label, _ = listed(p.Thing, p.URL, p.Title)
		page.Lines = append(page.Lines, line)
	}
	s.render(w, r, http.StatusOK, "promises", s.tongues.of(r).say("promises.title"), page)
}
