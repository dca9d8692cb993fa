package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// fullThings is more than any page lists.
const fullThings = 200

// fullWorld is a reader who has flattred very many things of one author in a
// settled month and in the running one, with titles and addresses as long as they
// may be, of what takes most room in a page.
func fullWorld(t *testing.T) string {
	t.Helper()
	var world strings.Builder
	line := func(fields map[string]any) { world.WriteString(jsonLine(t, fields)) }
	line(map[string]any{"type": "member", "name": "ann", "means": "500.00", "at": "2026-09-01T00:00:00Z"})
	line(map[string]any{"type": "member", "name": "bob", "at": "2026-09-01T00:00:00Z"})
	address := func(i int) string { return fmt.Sprintf("https://bob.example/%d?%s", i, strings.Repeat("a='b'&", 300)) }
	for i := range fullThings {
		title := strings.Repeat(`"<&'題`, 200)
		if i%3 == 0 {
			title = hostileTitles[i%len(hostileTitles)]
		}
		line(map[string]any{"type": "thing", "url": address(i), "title": title, "owner": "bob", "at": "2026-09-01T00:00:00Z"})
	}
	for n, month := range []time.Time{time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)} {
		for i := range fullThings {
			id := fmt.Sprintf("5f000000-0000-4000-8000-%012d", n*fullThings+i)
			at := month.Add(time.Duration(i) * time.Minute).Format(time.RFC3339)
			line(map[string]any{"type": "click", "id": id, "reader": "ann", "url": address(i), "at": at})
		}
	}
	return world.String()
}

// fill adds what else ann and bob have on their pages.
func (s *served) fill(ann, bob flattr.Member) (thing flattr.ThingID) {
	s.t.Helper()
	ctx, now := s.t.Context(), s.clock()
	things, err := s.store.ThingsOf(ctx, bob.ID, false, 100, 0)
	if err != nil || len(things) == 0 {
		s.t.Fatal(things, err)
	}
	for _, t := range things {
		if err := s.store.SubscribeTo(ctx, now, ann.ID, flattr.NewEventID(), t.ID, 0); err != nil {
			s.t.Fatal(err)
		}
	}
	long := strings.Repeat("<&'", 100)
	for _, m := range []flattr.Member{ann, bob} {
		profile := flattr.Profile{FirstName: "Ann & <b>", About: strings.Repeat("<&'題 ", 100), Public: true}
		if err := s.store.SetProfile(ctx, now, m.ID, profile); err != nil {
			s.t.Fatal(err)
		}
		for range 5 {
			if _, err := s.store.AddSignIn(ctx, now, m.ID, store.SignIn{Agent: long[:60]}, now.AddDate(0, 0, 7)); err != nil {
				s.t.Fatal(err)
			}
		}
		for _, month := range []flattr.Month{202610, 202611} {
			if err := s.store.SetNote(ctx, now, m.ID, month, strings.Repeat("<&'\"", 100)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return things[0].ID
}

// No page is larger than 100 kB, whatever is on it.
func TestEveryPageIsSmall(t *testing.T) {
	db := storetest.SQLite(t)
	loadParts(t, db, fullWorld(t), false)
	ledger(t, "settle", "--db", db, "--month", "2026-10", "--now", "2026-11-10T00:00:00Z")
	setPassword(t, db, "ann")
	setPassword(t, db, "bob")
	ledger(t, "clock", "forget", "--db", db) // the machine's clock is not that of the tests
	s := startLedgerOn(t, db)
	members := make(map[string]flattr.Member)
	for _, name := range []string{"ann", "bob"} {
		m, err := s.store.MemberByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		members[name] = m
	}
	thing := s.fill(members["ann"], members["bob"])
	browsers := map[viewer]*browser{visitor: newBrowser(t, s.origin), asReader: s.enter("ann"), asAuthor: s.enter("bob")}
	code := s.invite(5 * money.Euro)
	if own, err := s.store.Invites(t.Context(), members["ann"].ID); err == nil && len(own) > 0 {
		code = own[0].Code
	}
	filled := strings.NewReplacer("{thing}", fmt.Sprint(thing), "{settled}", "2026-10", "{grace}", "2026-11", "{running}", "2026-11", "{invite}", code,
		"{author}", "bob", "{reader}", "ann", "{site}", url.QueryEscape("https://bob.example/"), "{reset}", "none", "{confirm}", "none")
	full := 0
	for _, page := range listedPages {
		if page.file {
			continue
		}
		for _, language := range []string{"en", "de"} {
			b := browsers[page.viewer]
			b.lang = language
			b.get(filled.Replace(page.address))
			if b.status >= http.StatusInternalServerError {
				t.Errorf("%s is answered with %d", page.address, b.status)
			}
			if len(b.text) >= 100_000 {
				t.Errorf("%s has %d bytes in %s", page.address, len(b.text), language)
			}
			if len(b.text) > 20_000 {
				full++
			}
		}
	}
	if full < 16 {
		t.Errorf("only %d pages have much on them: the world is too small to tell", full)
	}
}
