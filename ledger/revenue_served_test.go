package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
)

// An author takes the monthly report home: the same file as the command writes.
func TestAnAuthorDownloadsTheMonthlyReport(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 2*money.Euro), s.join("bob", 0)
	things := filepath.Join(t.TempDir(), "things.ndjson")
	line := `{"type":"thing","url":"https://bob.example/","owner":"bob","title":"=1+1; \"Größe\""}`
	if err := os.WriteFile(things, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ledger(t, "load", "--db", s.db, things)
	if got := send(t, s.link(ann), click(s.clock(), api.Thing{URL: "https://bob.example/"})).Results[0]; got.Outcome != api.OutcomeAccepted || got.Promise {
		t.Fatalf("click = %+v", got)
	}
	bob.get("/revenue.csv?month=2026-11")
	if bob.status != http.StatusNotFound {
		t.Errorf("the report of an open month is answered with %d", bob.status)
	}
	bob.wants("That month is not settled.")

	s.setClock(s.clock().AddDate(0, 0, 20))
	ledger(t, "clock", "forget", "--db", s.db) // the served clock is ahead of the machine's
	ledger(t, "settle", "--db", s.db, "--month", "2026-11", "--now", "2026-12-12T00:00:00Z")
	bob = s.enter("bob") // who is away for so long is signed out
	bob.get("/revenue")
	link := bob.find(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/revenue.csv") })
	if link == nil {
		t.Fatalf("no link to the report on\n%s", bob.text)
	}
	response := bob.get(attr(link, "href"))
	for header, want := range map[string]string{
		"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="flattr-revenue-202611.csv"`,
		"Cache-Control": "no-store",
	} {
		if got := response.Header.Get(header); got != want {
			t.Errorf("%s of the report is %q, want %q", header, got, want)
		}
	}
	if want := ledger(t, "revenue", "bob", "--db", s.db, "--month", "2026-11", "--public-url", s.origin); bob.text != want {
		t.Errorf("the page hands out\n%s\nthe command writes\n%s", bob.text, want)
	}
	if row := strings.Split(bob.text, "\n")[1]; !strings.HasPrefix(row, "2026-11;") || !strings.HasSuffix(row, `;"https://bob.example/";"'=1+1; ""Größe""";1;2,00;1`) {
		t.Errorf("the row of the thing is %s", row)
	}
	bob.get("/revenue.json?month=2026-11")
	if want := ledger(t, "statement", "--author", "bob", "--db", s.db, "--month", "2026-11", "--format", "json", "--public-url", s.origin); bob.text != want {
		t.Errorf("the page hands out\n%s\nthe command writes\n%s", bob.text, want)
	}
	for _, month := range []string{"", "2026-13", "x"} {
		if bob.get("/revenue.csv?month=" + month); bob.status != http.StatusBadRequest {
			t.Errorf("month %q is answered with %d", month, bob.status)
		}
	}
	// Whoever is not signed in is not told anything.
	stranger := newBrowser(t, s.origin)
	if stranger.get("/revenue.csv?month=2026-11"); stranger.at.Path != "/signin" {
		t.Errorf("a stranger sees %s", stranger.at)
	}
}
