package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// steps are the states of the first steps on a page, by name.
func (b *browser) steps() (states []string) {
	b.t.Helper()
	b.get("/welcome")
	for n := range b.page.Descendants() {
		if step := attr(n, "data-step"); step != "" {
			states = append(states, step+" "+attr(n, "data-state"))
		}
	}
	return states
}

// stop is where the slider of the page stands.
func (b *browser) stop() string {
	b.t.Helper()
	chosen := b.find(func(n *html.Node) bool { return attr(n, "name") == "stop" && has(n, "checked") })
	if chosen == nil {
		b.t.Fatalf("no slider on %s:\n%s", b.at, b.text)
	}
	return attr(chosen, "value")
}

// Whom the operator gives very many invites still has a small page.
func TestManyInvitesLeaveThePageSmall(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	if _, err := s.store.MintInvitesFor(t.Context(), s.clock(), "ann", 1000, money.Euro); err != nil {
		t.Fatal(err)
	}
	ann.get("/month")
	links := slices.DeleteFunc(ann.all("href"), func(to string) bool { return !strings.HasPrefix(to, "/invites/") })
	if len(links) != 20 {
		t.Errorf("the page shows %d invites, want 20 of 1003", len(links))
	}
	ann.wants("You can let 1003 people in.", "The others follow here when these are used.")
}

// A reader is invited, with means, by an author; the page after joining leads them
// from step to step until they have flattred something of the author's.
func TestANewMemberIsLedToTheFirstClick(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		miriam := s.join("miriam", 0)
		s.known("https://miriam.example/peat", "Peat", "miriam")
		ledger(t, "clock", "forget", "--db", db)
		code := strings.TrimSpace(ledger(t, "invite", "new", "--from", "miriam", "--means", "5.00", "--db", db))
		ledger(t, "clock", "forget", "--db", db)
		miriam.get("/invites/" + code)
		miriam.wants("miriam invites you to Flattr", "€5.00", code)

		ann := newBrowser(t, s.origin)
		ann.get("/signup?invite=" + code)
		ann.wants("miriam invites you.", "This invite carries €5.00 for your first clicks.", "A budget of up to €5.00 is covered at once.")
		if at := ann.stop(); at != "2.00" {
			t.Errorf("the slider stands at %s, want 2.00", at)
		}
		// What is wrong loses nothing that was chosen, and not who invites.
		ann.submit("signup", map[string]string{"name": "ann", "password": "correct horse", "stop": "10.00", "budget": "ten"})
		ann.wants("Write the amount in euros", "miriam invites you.")
		if at := ann.stop(); at != "10.00" || !slices.Contains(ann.all("value"), "ten") {
			t.Errorf("the form has forgotten what was chosen: %s\n%s", at, ann.text)
		}
		ann.submit("signup", map[string]string{"name": "ann", "password": "correct horse", "budget": "1000"})
		ann.wants("The budget is from €2.00 to €100.00 a month.")
		ann.submit("signup", map[string]string{"name": "ann", "password": "correct horse", "budget": ""})
		if ann.at.Path != "/welcome" {
			t.Fatalf("ann is at %s:\n%s", ann.at, words(ann.page))
		}
		ann.wants("Welcome, ann", "You give €10.00 a month, and your means are €5.00.")
		check := func(want ...string) {
			t.Helper()
			if got := ann.steps(); !slices.Equal(got, want) {
				t.Errorf("the steps are %q, want %q\n%s", got, want, words(ann.page))
			}
		}
		check("budget next", "browser open", "first open")
		ann.get("/month")
		ann.submit("budget", map[string]string{"stop": "5.00"})
		ann.wants("Your budget is now €5.00 a month.")
		check("budget done", "browser next", "first open")
		ann.wants(s.origin)
		client := s.link(ann)
		check("budget done", "browser done", "first next")
		ann.wants("These are by miriam, who invited you.", "Peat")
		send(t, client, click(s.clock(), api.Thing{URL: "https://miriam.example/peat"}))
		check("budget done", "browser done", "first done")
		ann.wants("All three steps are done.", "One click is worth €5.00 so far this month.")
		s.setClock(time.Date(2026, 12, 5, 12, 0, 0, 0, time.UTC))
		ann = s.enters("ann", "correct horse")
		check("budget next", "browser done", "first done") // the means are spent
	})
}

// Slider and number never contradict each other unsaid: what is written counts, and
// the slider shows what is in force.
func TestABudgetIsChosenBySliderOrByNumber(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	for _, step := range []struct{ stop, budget, notice, stands string }{
		{"20.00", "", "Your budget is now €20.00 a month.", "20.00"},
		{"3.00", "7.50", "Your budget is now €7.50 a month.", "7.50"},
		{"7.50", "", "Your budget is now €7.50 a month.", "7.50"},
		{"50.00", " ", "Your budget is now €50.00 a month.", "50.00"},
		{"", "4,20 €", "Your budget is now €4.20 a month.", "4.20"},
		{"3.00", "1.00", "The budget is from €2.00 to €100.00 a month.", "3.00"},
		{"", "", "The budget is from €2.00 to €100.00 a month.", "4.20"},
		{"nonsense", "", "Write the amount in euros", "4.20"},
	} {
		ann.get("/month")
		ann.submit("budget", map[string]string{"stop": step.stop, "budget": step.budget})
		ann.wants(step.notice)
		if at := ann.stop(); at != step.stands {
			t.Errorf("after %q and %q the slider stands at %s, want %s", step.stop, step.budget, at, step.stands)
		}
	}
	if got := len(ann.all("checked")); got > 1 {
		t.Errorf("%d stops are chosen", got)
	}
}

// What there is to try is real: what others flattred most, where enough did, else
// what the ledger lists, else it says that there is nothing.
func TestWhatThereIsToTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann := s.join("ann", 0)
		ann.get("/welcome")
		ann.wants("Nobody has registered a thing here yet.")
		s.known("https://ann.example/", "Her own", "ann")
		ann.get("/welcome")
		ann.wants("Nobody has registered a thing here yet.")

		bob := s.join("bob", 0)
		for i := range 5 {
			s.known(fmt.Sprintf("https://bob.example/%d", i), fmt.Sprintf("Song %d</a><script>", i), "bob")
		}
		ann.quiet("/welcome")
		if got := strings.Count(words(ann.page), "</a><script>"); got != 3 {
			t.Errorf("%d things to try, want 3:\n%s", got, words(ann.page))
		}
		bob.get("/welcome")
		bob.wants("Her own")

		for i := range 5 {
			reader := s.link(s.join(fmt.Sprintf("reader%d", i), 5*money.Euro))
			send(t, reader, click(s.clock(), api.Thing{URL: "https://bob.example/4"}))
		}
		if err := s.store.ForgetStamp(t.Context()); err != nil {
			t.Fatal(err)
		}
		ledger(t, "settle", "--db", db, "--month", "2026-11", "--now", "2026-12-05T00:00:00Z")
		s.setClock(time.Date(2026, 12, 5, 12, 0, 0, 0, time.UTC))
		ann.get("/welcome")
		ann.wants("Song 4")
		if text := words(ann.page); strings.Contains(text, "Song 3") {
			t.Errorf("beside what was flattred there is\n%s", text)
		}
		// Flattred from the ledger's own page, where no browser is linked.
		path := ann.find(func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/thing/") })
		ann.get(attr(path, "href"))
		ann.submit("flattr", nil)
		ann.wants("Your means do not reach")
		if _, _, err := s.store.Credit(t.Context(), s.clock(), "ann", 5*money.Euro, "first"); err != nil {
			t.Fatal(err)
		}
		ann.submit("flattr", nil)
		ann.wants("Flattred.")
		if got := ann.steps(); got[2] != "first done" {
			t.Errorf("the steps are %q", got)
		}
		stranger := newBrowser(t, s.origin)
		stranger.get("/welcome")
		if stranger.at.Path != "/signin" || stranger.status != http.StatusOK {
			t.Errorf("a stranger is at %s", stranger.at)
		}
	})
}
