package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// A visitor works out what a click is worth, and is told what is wrong.
func TestTheFrontPageWorksOutWhatAClickIsWorth(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	b.get("/")
	b.wants("€0.20", "€0.10", "How the money flows", "What is known of you")
	b.get("/?budget=7,50&clicks=40")
	b.wants("What one click is worth with €7.50", "€7.50 in 40 equal parts", "40 €0.188")
	b.get("/?budget=2&clicks=61")
	if strings.Contains(b.text, "<rect") {
		t.Error("a budget is drawn in more parts than can be told apart")
	}
	b.wants("61 €0.033")
	for query, want := range map[string]string{
		"budget=1.99&clicks=10": "from €2.00 to €100.00", "budget=&clicks=": "from €2.00 to €100.00",
		"budget=2&clicks=0": "from 1 to 10000", "budget=2&clicks=1e3": "from 1 to 10000",
		"budget=%3Cscript%3E&clicks=" + strings.Repeat("9", 1000): "from €2.00 to €100.00",
	} {
		b.get("/?" + query)
		if b.status != http.StatusUnprocessableEntity {
			t.Errorf("/?%s = %d, want %d", query, b.status, http.StatusUnprocessableEntity)
		}
		b.wants(want, "10 €0.20") // the example stays
	}
}

// Everybody sees what the last closed month came to, unless somebody could be
// picked out.
func TestHowTheMoneyFlows(t *testing.T) {
	const sums = "€12.00 given = €10.80 for authors + €1.20 fee, exactly."
	for readers, want := range map[int]string{4: "Fewer than five readers", 6: sums} {
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, where string) {
				s := startLedgerOn(t, where)
				b := newBrowser(t, s.origin)
				b.get("/money")
				b.wants("No month has been settled on this ledger yet.", "72 hours", "less the fee of this ledger: 0%")
				var world strings.Builder
				world.WriteString(`{"type":"policy","fee_bp":1000,"at":"2026-09-01T00:00:00Z"}` + "\n" + `{"type":"member","name":"bob"}` + "\n")
				for i := range readers {
					fmt.Fprintf(&world, `{"type":"member","name":"r%d","means":"9.00"}`+"\n", i)
				}
				world.WriteString(`{"type":"thing","url":"https://bob.example/","owner":"bob"}` + "\n")
				for i := range readers {
					fmt.Fprintf(&world, `{"type":"click","id":"a0000000-0000-4000-8000-00000000000%d","reader":"r%d","url":"https://bob.example/","at":"2026-10-03T12:00:00Z"}`+"\n", i, i)
				}
				file := filepath.Join(t.TempDir(), "world.ndjson")
				if err := os.WriteFile(file, []byte(world.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				ledger(t, "load", "--db", where, file)
				ledger(t, "settle", "--db", where, "--month", "2026-10", "--now", "2026-11-04T00:00:00Z")
				for range 2 { // summed, then remembered
					b.get("/money")
					b.wants(want, "less the fee of this ledger: 10%")
					if want != sums && strings.Contains(b.text, "October 2026") {
						t.Errorf("the sums of %d readers are shown:\n%s", readers, b.text)
					}
				}
			})
		})
	}
}

// The privacy page says all its sentences in both languages, and links nowhere
// else.
func TestThePrivacyPage(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	b.get("/privacy")
	b.wants("What you only read", "Never who.")
	b.get("/language?to=de&next=/privacy")
	b.get("/privacy")
	b.wants("Was du nur liest", "Nie, wer.")
	if strings.Contains(words(b.page), "privacy.") {
		t.Errorf("a sentence is missing:\n%s", words(b.page))
	}
}
