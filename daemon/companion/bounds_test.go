package companion

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
)

// FuzzFlattr demands that whatever click is accepted can be shown again: its
// row fits into a frame, whatever the ledger says about it.
func FuzzFlattr(f *testing.F) {
	f.Add([]byte(`{"type":"flattr","id":"1","thing":{"url":"https://a.example/","title":"T"},"at":"x"}`))
	f.Add([]byte(`{"thing":{"fid":"ab12cd","owner":"` + strings.Repeat(`\u0001`, 200) + `"}}`))
	f.Add([]byte(`{"thing":{"url":"http://[::1]/","tags":["a","` + strings.Repeat("ü", 100) + `"]}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		var click wire.Flattr
		if len(message) > wire.MaxJSONBytes || json.Unmarshal(message, &click) != nil {
			return
		}
		thing, ok := cleanThing(click.Thing)
		if !ok {
			return
		}
		if thing.URL == "" && thing.ID == "" && thing.FID == "" {
			t.Errorf("a thing without a name was accepted: %+v", thing)
		}
		long := strings.Repeat("\x01", 10_000)
		row := clicklog.Row{
			Event: clicklog.Event{ID: "019abc00-0000-7000-8000-000000000001", Thing: thing, At: strings.Repeat("9", maxIDBytes)},
			State: wire.StateRefused, Code: long, Sentence: long, Title: long, URL: long, ThingID: "9007199254740993", Month: "2026-11",
		}
		page, err := fill(wire.MonthPage{Type: wire.TypeHistory, ID: strings.Repeat("i", maxIDBytes), Rows: []wire.ClickRow{}}, []clicklog.Row{row, row}, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		text, err := encode(page)
		if err != nil || len(text) > wire.MaxJSONBytes || len(page.Rows) == 0 {
			t.Errorf("a page with %d rows has %d bytes, want one row or more in %d", len(page.Rows), len(text), wire.MaxJSONBytes)
		}
	})
}

// worst is a click whose texts are as long as they may be, every character escaped.
func worst(t *testing.T, seq int64) clicklog.Row {
	t.Helper()
	escaped := strings.Repeat("\x01", 500)
	thing, ok := cleanThing(wire.Thing{
		URL: "https://a.example/" + strings.Repeat(`"`, wire.MaxURLBytes-18), ID: "9007199254740993", FID: "ab12cd", Owner: escaped[:maxOwnerBytes], Title: escaped,
	})
	if !ok {
		t.Fatal("the longest click is not accepted")
	}
	return clicklog.Row{
		Seq: seq, Event: clicklog.Event{ID: "019abc00-0000-7000-8000-000000000001", Thing: thing, At: "2026-11-22T08:00:00.000Z"},
		State: wire.StateRefused, Code: escaped, Sentence: escaped, Title: escaped, ThingID: "9007199254740993", Month: "2026-11",
	}
}

func TestPagesFitAFrameAndTogetherHoldEveryClickOnce(t *testing.T) {
	var rows []clicklog.Row
	for seq := int64(20); seq > 0; seq-- {
		row := worst(t, seq)
		if seq%2 == 0 {
			row = clicklog.Row{Seq: seq, Event: clicklog.Event{Thing: wire.Thing{URL: "https://a.example/"}}, Title: strings.Repeat("ü", 2000)}
		}
		rows = append(rows, row)
	}
	shown := 0
	for shown < len(rows) {
		page, err := fill(wire.MonthPage{Type: wire.TypeHistory, ID: strings.Repeat("\x01", maxIDBytes), Rows: []wire.ClickRow{}}, rows[shown:], time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		text, err := encode(page)
		if err != nil || len(text) > wire.MaxJSONBytes || len(page.Rows) == 0 {
			t.Fatalf("a page with %d rows has %d bytes, %v, want one row or more in %d", len(page.Rows), len(text), err, wire.MaxJSONBytes)
		}
		shown += len(page.Rows)
		if want := strconv.FormatInt(rows[shown-1].Seq, 10); page.Cursor != want && shown < len(rows) {
			t.Errorf("cursor = %q, want %s", page.Cursor, want)
		}
	}
}

func TestMonthsStayOpenForSeventyTwoHours(t *testing.T) {
	for _, try := range []struct {
		now  string
		want string
	}{
		{"2026-11-22T08:00:00Z", "2026-11"},
		{"2026-12-01T00:00:00Z", "2026-12 2026-11"},
		{"2026-12-03T23:59:59Z", "2026-12 2026-11"},
		{"2026-12-04T00:00:00Z", "2026-12"},
	} {
		now, err := time.Parse(time.RFC3339, try.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(openMonths(now), " "); got != try.want {
			t.Errorf("openMonths(%s) = %s, want %s", try.now, got, try.want)
		}
	}
}

func TestThePreviewCoversBothMonthsInTheGrace(t *testing.T) {
	now := time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC)
	summary := clicklog.Summary{Synced: now.Add(-48 * time.Hour), Months: []wire.MonthSummary{{Month: "2026-11", State: "running", BudgetMicro: 3_000_000, Clicks: 2, ShareMicro: 1_500_000}}}
	unsent := func(month, address string) clicklog.Row {
		return clicklog.Row{State: wire.StateWaiting, Unsent: true, Month: month, Event: clicklog.Event{Month: month, Thing: wire.Thing{URL: address}}}
	}
	rows := []clicklog.Row{
		unsent("2026-11", "https://a.example/1"), unsent("2026-12", "https://a.example/1"),
		unsent("2026-09", "https://a.example/2"), // too late for September: counts where it arrives
		unsent("2026-12", "http://www.a.example/1"),
	}
	got := preview(summary, rows, now)
	want := []wire.MonthSummary{
		{Month: "2026-12", State: "running", BudgetMicro: 3_000_000, Clicks: 2, ShareMicro: 1_500_000},
		{Month: "2026-11", State: "grace", BudgetMicro: 3_000_000, Clicks: 3, ShareMicro: 1_000_000},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("preview = %+v, want %+v", got, want)
	}
}
