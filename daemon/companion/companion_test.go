package companion_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

func TestAClickGoesAllTheWayAndIsPushedBack(t *testing.T) {
	w := begin(t)
	client := w.linked()
	flattr := click("https://a.example/1")
	ack := ask[wire.Ack](t, client, flattr, flattr.ID)
	if ack.Type != wire.TypeAck || ack.State != wire.StateWaiting {
		t.Fatalf("answer = %+v, want ack waiting", ack)
	}
	for {
		var push wire.ClickPush
		if err := client.Read(&push); err != nil {
			t.Fatal(err)
		}
		if push.Type != wire.TypeClick {
			continue
		}
		if push.Click.ID != flattr.ID || push.Click.State != wire.StateAccepted || push.Click.ThingID != "42" {
			t.Errorf("pushed click = %+v", push.Click)
		}
		break
	}
	again := ask[wire.Ack](t, client, flattr, flattr.ID)
	if again.State != wire.StateAccepted {
		t.Errorf("the same click again = %+v, want accepted", again)
	}
	if got := w.ledger.counted(); got != 1 {
		t.Errorf("the ledger counts %d clicks, want 1", got)
	}
	changed := flattr
	changed.Thing.URL = "https://other.example/"
	if nack := ask[wire.Nack](t, client, changed, changed.ID); nack.Code != wire.CodeIDReused || nack.Retry {
		t.Errorf("the same id for another thing = %+v, want id_reused", nack)
	}
}

func TestThePreviewIsRightWhileTheLedgerIsAway(t *testing.T) {
	w := begin(t)
	client := w.linked()
	for i := range 3 {
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	eventually(t, client, "three clicks at the ledger", func(s wire.Status) bool { return s.Unsent == 0 && s.Months[0].Clicks == 3 })

	w.ledger.set(func(l *ledger) { l.away = true })
	for _, address := range []string{"https://a.example/3", "https://a.example/4", "http://www.a.example/1"} { // the last is there already
		flattr := click(address)
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	s := eventually(t, client, "the ledger away", func(s wire.Status) bool { return has(s, wire.CodeLedgerAway) })
	if s.Unsent != 3 || s.Months[0].Clicks != 5 || s.Months[0].ShareMicro != budgetMicro/5 {
		t.Errorf("status while away = %+v, want 3 unsent and 5 clicks of 0.40", s)
	}
	page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeMonth, ID: "m"}, "m")
	if len(page.Rows) != 6 || page.Rows[0].State != wire.StateWaiting {
		t.Errorf("month = %+v, want six rows, the newest waiting", page)
	}
	taken := page.Rows[5] // the first, which the ledger has accepted
	undo := wire.Undo{Type: wire.TypeUndo, ID: newID(), Click: taken.ID, At: time.Now().UTC().Format(time.RFC3339)}
	if ack := ask[wire.Ack](t, client, undo, undo.ID); ack.State != wire.StateUndone {
		t.Errorf("undo = %+v, want undone", ack)
	}
	if s := status(t, client); s.Months[0].Clicks != 4 {
		t.Errorf("clicks after an unsent undo = %d, want 4", s.Months[0].Clicks)
	}

	w.ledger.set(func(l *ledger) { l.away = false })
	flattr := click("https://a.example/9") // a new click is sent at once, and all others with it
	ask[wire.Ack](t, client, flattr, flattr.ID)
	s = eventually(t, client, "everything sent, and no problem", func(s wire.Status) bool { return s.Unsent == 0 && !has(s, wire.CodeLedgerAway) })
	if s.Months[0].Clicks != 5 || w.ledger.counted() != 5 {
		t.Errorf("status at the end = %+v, the ledger counts %d, want 5", s, w.ledger.counted())
	}
}

func TestClicksSurviveARestartAndAreSentOnce(t *testing.T) {
	l := newLedger(t)
	state := short(t)
	w := run(t, state, l)
	device := w.pair(chrome)
	client := w.connect(chrome, device)
	w.signIn(client)
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	l.set(func(l *ledger) { l.away = true })
	for i := range 105 { // two batches
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		if err := client.Send(flattr); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, client, "105 waiting clicks", func(s wire.Status) bool { return s.Unsent == 105 })
	w.stop()

	l.set(func(l *ledger) { l.away = false })
	w = run(t, state, l)
	client = w.connect(chrome, device) // the pairing and the port are kept
	eventually(t, client, "everything sent", func(s wire.Status) bool { return s.Unsent == 0 })
	if got := l.counted(); got != 105 {
		t.Errorf("the ledger counts %d, want 105", got)
	}
	l.set(func(l *ledger) {
		for _, batch := range l.batches {
			if len(batch) > api.MaxBatch {
				t.Errorf("a batch has %d events, want at most %d", len(batch), api.MaxBatch)
			}
		}
	})
	var pages, rows int
	for cursor := ""; ; pages++ {
		page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h", Cursor: cursor}, "h")
		rows += len(page.Rows)
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if rows != 105 || pages < 1 {
		t.Errorf("history = %d rows on %d pages, want 105 on two or more", rows, pages+1)
	}
}

func TestARefusalForLackOfMeansIsShownAndTriedAgainAfterATopUp(t *testing.T) {
	w := begin(t)
	w.ledger.set(func(l *ledger) {
		l.means = 0
		l.refuse["https://a.example/1"] = api.Result{Outcome: api.OutcomeRefused, Code: api.CodeNoMeans, Sentence: "Top up first.", Retry: true}
		l.refuse["https://a.example/2"] = api.Result{Outcome: api.OutcomeRefused, Code: api.CodeOwnThing, Sentence: "This is yours."}
	})
	client := w.linked()
	for _, address := range []string{"https://a.example/1", "https://a.example/2"} {
		flattr := click(address)
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	s := eventually(t, client, "no_means", func(s wire.Status) bool { return has(s, "no_means") && s.Unsent == 0 })
	if s.Problems[0].Sentence != "Top up first." {
		t.Errorf("problem = %+v, want the ledger's sentence", s.Problems)
	}
	page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h")
	for _, row := range page.Rows {
		if row.State != wire.StateRefused || row.Code == "" || row.Sentence == "" || row.Undoable != (row.Code == api.CodeNoMeans) {
			t.Errorf("row = %+v, want it refused, with code and sentence", row)
		}
	}
	w.ledger.set(func(l *ledger) { l.means = 5_000_000; delete(l.refuse, "https://a.example/1") })
	flattr := click("https://a.example/3")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	eventually(t, client, "no problem", func(s wire.Status) bool { return len(s.Problems) == 0 })
	if got := w.ledger.counted(); got != 2 {
		t.Errorf("the ledger counts %d, want the new click and the one that lacked means", got)
	}
}

func TestTheReportIsFiveLinesAndKnowsWhatIsWrong(t *testing.T) {
	w := begin(t)
	report := func() control.Report {
		var r control.Report
		if err := control.Ask(t.Context(), []string{w.state}, control.Status, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := report(); r.Well() || !strings.Contains(r.Text(), "none paired") {
		t.Errorf("report before pairing: well = %v\n%s", r.Well(), r.Text())
	}
	client := w.linked()
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	r := report()
	if !r.Well() || r.Devices != 1 || r.Present != 1 || strings.Count(r.Text(), "\n") != 5 || !strings.Contains(r.Text(), "ann at "+w.ledger.URL) {
		t.Errorf("report: well = %v\n%s", r.Well(), r.Text())
	}
	var devices []control.Device
	if err := control.Ask(t.Context(), []string{w.state}, control.Devices, &devices); err != nil || len(devices) != 1 || !devices[0].Present {
		t.Errorf("devices = %+v, %v", devices, err)
	}
}
