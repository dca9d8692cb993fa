package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"flattr/daemon/wire"
)

var update = flag.Bool("update", false, "write testdata anew from the values in this file")

const (
	clickID = "019abc00-0000-7000-8000-000000000001"
	undoID  = "019abc00-0000-7000-8000-000000000002"
	ledger  = "https://ledger.example"
	at      = "2026-11-22T08:00:00.123Z"
)

// golden is one message of each kind. The file name begins with the sender.
// The extension's tests read the same files.
var golden = map[string]any{
	"extension-flattr": wire.Flattr{
		Type: wire.TypeFlattr, ID: clickID, Account: "1", Form: "js-a-rev", At: at,
		Thing: wire.Thing{
			URL: "https://example.org/grün?a=1", Owner: "bob", Title: "Grüße ✓", Description: "A line.",
			Category: "text", Language: "de_DE", Tags: []string{"garden", "spring"}, Hidden: true,
		},
	},
	"extension-flattr-smallest": wire.Flattr{Type: wire.TypeFlattr, ID: clickID, Thing: wire.Thing{FID: "ab12cd"}, At: at},
	"extension-undo":            wire.Undo{Type: wire.TypeUndo, ID: undoID, Account: "1", Click: clickID, At: at},
	"extension-status":          wire.StatusAsk{Type: wire.TypeStatus, ID: "1"},
	"extension-status-anew":     wire.StatusAsk{Type: wire.TypeStatus, ID: "1", Anew: true},
	"extension-ping":            wire.Ask{Type: wire.TypePing, ID: "2"},
	"extension-unlink":          wire.Ask{Type: wire.TypeUnlink, ID: "3"},
	"extension-month":           wire.MonthAsk{Type: wire.TypeMonth, ID: "4"},
	"extension-history":         wire.MonthAsk{Type: wire.TypeHistory, ID: "5", Cursor: "17"},
	"extension-link":            wire.LinkAsk{Type: wire.TypeLink, ID: "6", Ledger: ledger},
	"extension-link-account":    wire.LinkAsk{Type: wire.TypeLink, ID: "7", Account: "1"},
	"extension-retire":          wire.Retire{Type: wire.TypeRetire, ID: "8", Device: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"},

	"companion-enrolled": wire.Enrolled{
		Type: wire.TypeEnrolled, Device: "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
		Key: "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8", Ledger: ledger,
	},
	"companion-ack":  wire.Ack{Type: wire.TypeAck, ID: clickID, State: wire.StateWaiting},
	"companion-nack": wire.Nack{Type: wire.TypeNack, ID: clickID, Code: wire.CodeDegraded, Sentence: "The companion cannot write its log now. The click stays in the browser.", Retry: true},
	"companion-status": wire.Status{
		Type: wire.TypeStatus, ID: "1", Version: "0.1.0", Ledger: ledger,
		Account: &wire.Account{ID: "1", Name: "ann", Ledger: ledger},
		Months: []wire.MonthSummary{
			{Month: "2026-11", State: "running", BudgetMicro: 2_000_000, Clicks: 10, Promises: 1, ShareMicro: 200_000},
			{Month: "2026-10", State: "grace", BudgetMicro: 2_000_000, Clicks: 20, ShareMicro: 100_000},
		},
		MeansMicro: 48_000_000, Unsent: 4, LastSync: "2026-11-22T08:00:00Z",
		Problems: []wire.StatusProblem{{Code: wire.CodeLedgerAway, Sentence: "The ledger does not answer. Clicks wait and are sent later."}},
	},
	"companion-status-unlinked": wire.Status{
		Type: wire.TypeStatus, Version: "0.1.0", Ledger: ledger,
		Accounts: []wire.Account{{ID: "1", Name: "ann", Ledger: ledger}},
		Months:   []wire.MonthSummary{},
		Problems: []wire.StatusProblem{{Code: wire.CodeNotLinked, Sentence: "Sign in to give your clicks an account."}},
	},
	"companion-month": wire.MonthPage{Type: wire.TypeMonth, ID: "4", Cursor: "17", Rows: []wire.ClickRow{{
		ID: clickID, State: wire.StateAccepted, Month: "2026-11", At: at, Title: "Grüße ✓",
		URL: "https://example.org/grün?a=1", ThingID: "4096",
		Thing:   wire.Thing{URL: "https://www.example.org/grün?a=1", Owner: "bob", Title: "Grüße ✓"},
		Promise: true, Undoable: true,
	}}},
	"companion-history": wire.MonthPage{Type: wire.TypeHistory, ID: "5", Rows: []wire.ClickRow{{
		ID: clickID, State: wire.StateRefused, Code: "flattr_owner", Sentence: "This is your own thing.",
		Month: "2026-11", At: at, URL: "https://example.org/", Thing: wire.Thing{URL: "https://example.org/"},
	}}},
	"companion-link":         wire.LinkAnswer{Type: wire.TypeLink, ID: "6", URL: ledger + "/oauth/authorize?response_type=code"},
	"companion-link-account": wire.LinkAnswer{Type: wire.TypeLink, ID: "7"},
	"companion-unlink":       wire.Done{Type: wire.TypeUnlink, ID: "3"},
	"companion-retire":       wire.Done{Type: wire.TypeRetire, ID: "8"},
	"companion-pong":         wire.Pong{Type: wire.TypePong, ID: "2"},
	"companion-click-duplicate": wire.ClickPush{Type: wire.TypeClick, Click: wire.ClickRow{
		ID: "019abc00-0000-7000-8000-000000000002", State: wire.StateRefused, Code: wire.CodeDuplicate,
		Sentence: "You flattred this already this month. Each thing counts once a month.",
		Month:    "2026-11", At: "2026-11-22T09:00:00.000Z", Title: "T", URL: "https://a.example/1", ThingID: "4096",
		Thing:  wire.Thing{URL: "https://a.example/1"},
		Counts: "019abc00-0000-7000-8000-000000000001", CountsAt: "2026-11-02T08:00:00.123Z",
	}},
	"companion-click": wire.ClickPush{Type: wire.TypeClick, Click: wire.ClickRow{
		ID: clickID, State: wire.StateLate, Month: "2026-11", At: "2026-10-03T12:00:00Z",
		URL: "https://example.org/", ThingID: "4096", Thing: wire.Thing{URL: "https://example.org/"}, Undoable: true,
	}},
	"companion-problem": wire.Problem{Type: wire.TypeProblem, ID: "9", Code: wire.CodeUnknownMessage, Sentence: "This companion does not know the message dance."},

	"native-request": wire.TicketRequest{Type: "pair"},
	"native-ticket":  wire.TicketAnswer{Port: 17890, Ticket: "6DY7F47U6X3PP6HZ7L57Z7P674"},
	"native-error":   wire.TicketAnswer{Error: "not_running", Hint: "The companion is not running. Start it with: flattrd start"},
}

func TestEveryMessageReadsAndWritesLikeItsGoldenFile(t *testing.T) {
	for name, message := range golden {
		path := filepath.Join("testdata", name+".json")
		want := indent(t, message)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v (go test ./daemon/wire -update writes it)", err)
		}
		if !bytes.Equal(file, want) {
			t.Errorf("%s: encoding = %s, want the file %s", name, want, file)
		}
		decoded := reflect.New(reflect.TypeOf(message))
		decoder := json.NewDecoder(bytes.NewReader(file))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(decoded.Interface()); err != nil {
			t.Errorf("%s: decode: %v", name, err)
			continue
		}
		if got := decoded.Elem().Interface(); !reflect.DeepEqual(got, message) {
			t.Errorf("%s: decode = %+v, want %+v", name, got, message)
		}
	}
}

func TestNoGoldenFileIsLeftOver(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(golden) {
		t.Errorf("testdata holds %d files, want one for each of %d messages", len(files), len(golden))
	}
	for _, file := range files {
		name := filepath.Base(file)
		if _, ok := golden[name[:len(name)-len(".json")]]; !ok {
			t.Errorf("%s belongs to no message", file)
		}
	}
}

func indent(t *testing.T, message any) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(message); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
