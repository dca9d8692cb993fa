package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// Members see each device they have linked and end it alone.
func TestAMemberEndsOneDevice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		ann, bob := s.join("ann", 50*money.Euro), s.join("bob", 50*money.Euro)
		ann.agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
		desk := s.link(ann)
		s.setClock(s.clock().Add(26 * time.Hour))
		ann.agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 <script>"
		laptop, others := s.link(ann), s.link(bob)
		send(t, desk, click(s.clock(), api.Thing{URL: "https://a.example/"}))
		ann.get("/grants")
		ann.wants("Flattr companion", "flattr and undo for you", "Firefox, Linux", "Since 22 November, 12:00, last used 23 November, 14:00", "Chrome, macOS", "Since 23 November, 14:00, not used yet")
		ids := ann.all("data-grant")
		if len(ids) != 2 {
			t.Fatalf("the page lists the devices %v:\n%s", ids, words(ann.page))
		}
		// Nobody ends another member's.
		for _, id := range append(ids, "", "\x00", "nothing") {
			bob.do(http.MethodPost, "/grants/end", url.Values{"grant": {id}})
		}
		if !works(t, desk) || !works(t, laptop) || !works(t, others) {
			t.Fatal("bob has ended a device of ann's, or his own")
		}
		ann.get("/grants")
		ann.submit("end-"+ids[0], nil) // the laptop, linked last
		ann.wants("It has no access any more; all others go on.")
		if _, _, err := laptop.Send(t.Context(), api.Batch{Events: []api.Event{click(s.clock(), api.Thing{URL: "https://b.example/"})}}); !errors.Is(err, api.ErrUnauthorized) {
			t.Errorf("the device that was ended = %v, want the refusal on which a companion says that it is to be linked anew", err)
		}
		if !works(t, desk) || !works(t, others) {
			t.Error("another device has no access any more")
		}
		ann.get("/grants")
		if left := ann.all("data-grant"); len(left) != 1 || left[0] != ids[1] {
			t.Errorf("the page lists %v, want %s alone", left, ids[1])
		}
		ann.submit("revoke-"+api.CompanionClient, nil)
		if works(t, desk) {
			t.Error("the last device has access after all was revoked")
		}
	})
}

// An application that is allowed again and again hides no other, and nothing of what
// it may.
func TestManyConsentsHideNoOther(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	m, err := s.store.MemberByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	save := func(name, client, scope string, at time.Time) {
		t.Helper()
		token := store.OAuthToken{Signature: name, Grant: name, Client: client, Member: m.ID, Scope: scope, Issued: at}
		if err := s.store.SaveToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	now := s.clock()
	save("first", api.CompanionClient, api.CompanionScope, now.Add(-time.Hour))
	save("broad", "chatty", "email", now.Add(-time.Minute))
	for i := range 120 {
		save(fmt.Sprint("again ", i), "chatty", "flattr", now.Add(time.Duration(i)*time.Second))
	}
	ann.get("/grants")
	ann.wants("Flattr companion", "And 101 older ones")
	shown := len(ann.all("data-grant"))
	if shown != 21 || len(ann.text) > 30_000 || strings.Count(ann.text, "<tr data-client") != 2 {
		t.Errorf("the page shows %d devices in %d bytes", shown, len(ann.text))
	}
	ann.wants("see your e-mail address")
}
