package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// The 72 hours after a month: it stands first on the page, says what happens when
// nothing is done, and single clicks can be taken out; then it is too late.
func TestTheEndedMonthIsLookedOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann := s.join("ann", 50*money.Euro)
		s.join("bob", 0)
		for _, name := range []string{"1", "2", "3"} {
			s.known("https://bob.example/"+name, "Song "+name+" </text><script>", "bob")
		}
		client := s.link(ann)
		for _, name := range []string{"1", "2", "3"} {
			send(t, client, click(s.clock(), api.Thing{URL: "https://bob.example/" + name}))
		}
		send(t, client, click(s.clock(), api.Thing{URL: "https://nobody.example/", Title: "Nobody's"}))
		ann.quiet("/month")
		if strings.Contains(words(ann.page), "look it over") {
			t.Errorf("the running month is to be looked over:\n%s", words(ann.page))
		}

		s.setClock(time.Date(2026, 12, 2, 12, 0, 0, 0, time.UTC))
		send(t, client, click(s.clock(), api.Thing{URL: "https://bob.example/2"}))
		ann.quiet("/month")
		ann.wants("November 2026: look it over", "If you do nothing, these 3 clicks share your €2.00 equally on 4 December, 00:00 UTC.",
			"One click is worth now €0.667", "Take one out, and each of the others is worth €1.00.", "December 2026 running")
		if text := words(ann.page); strings.Index(text, "November 2026: look it over") > strings.Index(text, "December 2026 running") {
			t.Error("the ended month does not stand first")
		}
		takeOut := func(label string) *html.Node {
			return ann.find(func(n *html.Node) bool {
				if n.Data != "form" || attr(n, "action") != "/undo" {
					return false
				}
				for c := range n.Descendants() {
					if strings.Contains(attr(c, "aria-label"), label) {
						return true
					}
				}
				return false
			})
		}
		form := takeOut("Take out the click on Song 1")
		if form == nil {
			t.Fatalf("Song 1 cannot be taken out:\n%s", ann.text)
		}
		ann.send(form, nil)
		ann.wants("Taken back.", "these 2 clicks share your €2.00", "One click is worth now €1.00", "each of the others is worth €2.00")
		ann.send(takeOut("Take out the click on Song 2"), nil)
		ann.wants("this one click gets your whole €2.00", "It is the only one.")
		ann.speak("de")
		ann.quiet("/month")
		ann.wants("November 2026: sieh alles noch einmal durch", "Wenn du nichts tust", "4. Dezember, 00:00")
		ann.speak("en")

		// An undo from the list of the month comes back to that list.
		ann.quiet("/history/2026-11")
		ann.wants("This is how it stands now. It can change until 4 December, 00:00 UTC.", "Nobody's")
		last := takeOut("Take out the click on Song 3")
		if last == nil {
			t.Fatalf("Song 3 cannot be taken out:\n%s", ann.text)
		}
		stale := ann.page
		ann.send(last, nil)
		if ann.at.Path != "/history/2026-11" {
			t.Errorf("the undo leads to %s", ann.at)
		}
		ann.wants("Taken back.")
		ann.get("/month")
		ann.wants("Nothing in it shares your budget. If that stays so, nothing is taken.")

		s.setClock(flattr.Month(202611).FreezeAt())
		ann.page = stale
		ann.send(takeOut("Nobody"), nil)
		ann.wants("Too late to undo")
		ann.quiet("/history/2026-11")
		ann.wants("The month is over and waits to be settled.")
		if takeOut("") != nil {
			t.Error("after the grace there are forms to undo")
		}
		ann.quiet("/month")
		if strings.Contains(words(ann.page), "look it over") {
			t.Error("after the grace the month is to be looked over")
		}
	})
}

// Where an undo comes back to is never another site.
func TestAnUndoLeadsToNoOtherSite(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	send(t, s.link(ann), click(s.clock(), api.Thing{URL: "https://bob.example/"}))
	ann.get("/history/2026-11")
	form := ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/undo" })
	ann.send(form, map[string]string{"next": "https://evil.example/history/2026-11"})
	if ann.at.Path != "/month" || ann.status != http.StatusOK {
		t.Errorf("the undo leads to %s with %d", ann.at, ann.status)
	}
}

// Subscriptions are paused, go on and stop on the month's page, and say when
// they wait for means.
func TestSubscriptionsAreLookedAfter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann := s.join("ann", 2*money.Euro)
		s.join("bob", 0)
		member, err := s.store.MemberByName(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		for i, title := range hostileTitles {
			thing := s.known("https://bob.example/"+string(rune('a'+i)), title, "bob")
			if err := s.store.SubscribeTo(t.Context(), s.clock(), member.ID, flattr.NewEventID(), thing, i%2*3); err != nil {
				t.Fatal(err)
			}
		}
		ann.quiet("/month")
		ann.wants("Subscriptions", "Since 22 November 2026", "Until you stop it", "January 2027 is its last month", "7 more subscriptions")
		ann.quiet("/subscriptions")
		form := func(action string) *html.Node {
			return ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == action })
		}
		running := func() (paused, running int) {
			list, total, err := s.store.Subscribed(t.Context(), s.clock(), member.ID, 100, 0)
			if err != nil || total != len(list) {
				t.Fatal(total, err)
			}
			for _, v := range list {
				if v.Paused {
					paused++
				}
			}
			return paused, len(list)
		}
		pause := form("/subscriptions/pause")
		ann.send(pause, nil)
		ann.wants("Paused.", "paused", "Go on")
		ann.send(pause, nil) // the same again changes nothing
		if paused, all := running(); paused != 1 || all != len(hostileTitles) {
			t.Errorf("%d of %d are paused, want 1", paused, all)
		}
		ann.send(form("/subscriptions/pause"), nil)
		ann.wants("It goes on with the next month.")
		stop := form("/subscriptions/stop")
		ann.send(stop, nil)
		ann.wants("Stopped for good.")
		if paused, all := running(); paused != 0 || all != len(hostileTitles)-1 {
			t.Errorf("%d are left, %d of them paused", all, paused)
		}
		ann.send(stop, map[string]string{"subscription": "x"})
		if ann.status != http.StatusNotFound {
			t.Errorf("what is no subscription is answered with %d", ann.status)
		}
		ann.send(stop, map[string]string{"subscription": flattr.NewEventID().String()})
		if ann.status != http.StatusNotFound {
			t.Errorf("an unknown subscription is answered with %d", ann.status)
		}
		bob := s.enter("bob")
		bob.do(http.MethodPost, "/subscriptions/stop", map[string][]string{"subscription": {attr(pauseID(pause), "value")}})
		if bob.status != http.StatusNotFound {
			t.Errorf("a subscription of another is answered with %d", bob.status)
		}
		// In December there are no means left.
		s.setClock(time.Date(2026, 12, 10, 12, 0, 0, 0, time.UTC))
		if err := s.store.Write(t.Context(), func(tx *store.Tx) error { return tx.FreezeDue(s.clock()) }); err != nil {
			t.Fatal(err)
		}
		ann = s.enter("ann") // who is away for so long is signed out
		ann.quiet("/subscriptions")
		ann.wants("Its click for December 2026 waits for means.")
		ann.speak("de")
		ann.quiet("/subscriptions")
		ann.wants("wartet auf Guthaben", "läuft")
	})
}

// pauseID is the field of a form that names the subscription.
func pauseID(form *html.Node) *html.Node {
	for n := range form.Descendants() {
		if attr(n, "name") == "subscription" {
			return n
		}
	}
	return nil
}
