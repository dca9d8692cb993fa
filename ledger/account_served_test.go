package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// Who is deleted is out at once: in the browser, in the companion and at the door.
func TestADeletedMemberIsOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann, bob := s.join("ann", 2*money.Euro), s.join("bob", 0)
		client := s.link(ann)
		page := api.Thing{URL: "https://bob.example/"}
		if got := send(t, client, click(s.clock(), page)).Results[0]; got.Outcome != api.OutcomeAccepted {
			t.Fatalf("click = %+v", got)
		}
		ledger(t, "member", "delete", "ann", "--confirm", "ann", "--db", s.db)
		if results, _, err := client.Send(t.Context(), api.Batch{Events: []api.Event{click(s.clock(), page)}}); err == nil || !strings.Contains(err.Error(), "401 unauthorized") {
			t.Errorf("the companion's Send = %+v, %v, want it refused", results, err)
		}
		ann.get("/month")
		if ann.at.Path != "/signin" {
			t.Errorf("the browser sees %s, want /signin", ann.at.Path)
		}
		for name, password := range map[string]string{"ann": "correct horse", "ANN": "correct horse", "deleted-00000000": ""} {
			ann.get("/signin")
			ann.submit("signin", map[string]string{"name": name, "password": password})
			if ann.at.Path != "/signin" {
				t.Errorf("%s signs in after the deletion and sees %s", name, ann.at.Path)
			}
		}
		eve := newBrowser(t, s.origin)
		eve.get("/signup?invite=" + s.invite(0))
		eve.submit("signup", map[string]string{"name": "Ann", "password": "correct horse"})
		eve.wants("This name is taken.")
		bob.get("/month")
		if bob.status != http.StatusOK || bob.at.Path != "/month" {
			t.Errorf("bob sees %s with %d", bob.at, bob.status)
		}
		ledger(t, "audit", "--db", s.db)
	})
}

// What an author earned by mistake goes to the account gift; the month stays as
// it was, and what comes later sets the revenue off.
func TestWhatWasEarnedIsReversed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		var world strings.Builder
		for _, line := range storyLines(`
			member ann 8.00
			member bob
			thing a bob
			2026-10-02T12:00:00Z subscribe 1 ann a 3`) {
			world.WriteString(storyLine(t, line))
		}
		loadParts(t, db, world.String(), false)
		statement := func(month string) string {
			ledger(t, "settle", "--db", db, "--month", month, "--now", "2029-01-01T00:00:00Z")
			return ledger(t, "statement", "--db", db, "--month", month)
		}
		october := statement("2026-10")
		ledger(t, "member", "gift", "bob", "ann", "--db", db) // it is spent by now
		shown := regexp.MustCompile(`(\S{36})  earn +2\.00 EUR  clearing -> revenue`).FindStringSubmatch(ledger(t, "member", "show", "bob", "--db", db))
		if shown == nil {
			t.Fatalf("no transfer to reverse in\n%s", ledger(t, "member", "show", "bob", "--db", db))
		}
		got := ledger(t, "reverse", shown[1], "--db", db)
		if !strings.HasPrefix(got, "earn of 2.00 EUR (bob) is reversed by ") {
			t.Errorf("reverse = %s", got)
		}
		if again := statement("2026-10"); again != october {
			t.Errorf("the statement of October after the reversal\n%s, want\n%s", again, october)
		}
		stands := func(revenue string) {
			t.Helper()
			got, _, _ := strings.Cut(ledger(t, "member", "show", "bob", "--db", db), "\n")
			if want := "bob: means 0.00 EUR, held 0.00 EUR, revenue " + revenue + " EUR, owes 0.00 EUR"; got != want {
				t.Errorf("bob stands at\n%s, want\n%s", got, want)
			}
		}
		stands("-2.00")
		statement("2026-11")
		stands("0.00")
		ledger(t, "audit", "--db", db)
	})
}
