package companion_test

import (
	"strings"
	"testing"

	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/ledger/api"
	"flattr/ledger/thing"
)

// settled is the first push of the click that is not about its waiting.
func settled(t *testing.T, client *sockettest.Client, id string) wire.ClickRow {
	t.Helper()
	for {
		var push wire.ClickPush
		if err := client.Read(&push); err != nil {
			t.Fatal(err)
		}
		if push.Type == wire.TypeClick && push.Click.ID == id && push.Click.State != wire.StateWaiting {
			return push.Click
		}
	}
}

func TestADuplicateNamesTheClickThatCountsAndItsTime(t *testing.T) {
	w := begin(t)
	client := w.linked()
	first, second := click("https://a.example/1"), click("http://www.a.example/1")
	first.At = "2026-11-02T08:00:00.123Z"
	ask[wire.Ack](t, client, first, first.ID)
	settled(t, client, first.ID)
	ask[wire.Ack](t, client, second, second.ID)
	if row := settled(t, client, second.ID); row.Code != wire.CodeDuplicate || row.Counts != first.ID || row.CountsAt != first.At || row.Undoable {
		t.Errorf("second click = %+v, want duplicate of %s of %s", row, first.ID, first.At)
	}

	// Flattred through another companion of the member: the id tells when.
	key, err := thing.KeyOf("https://a.example/2")
	if err != nil {
		t.Fatal(err)
	}
	w.ledger.set(func(l *ledger) { l.clicks[string(key)] = "019a3d3f-9e7b-7000-8000-000000000001" })
	third := click("https://a.example/2")
	ask[wire.Ack](t, client, third, third.ID)
	if row := settled(t, client, third.ID); row.Code != wire.CodeDuplicate || row.CountsAt != "2025-11-01T02:29:30.875Z" {
		t.Errorf("third click = %+v, want duplicate of 2025-11-01T02:29:30.875Z", row)
	}
}

func TestALedgerThatTalksTooMuchSilencesNothing(t *testing.T) {
	w := begin(t)
	client := w.linked()
	long := strings.Repeat("\x01", 100_000)
	w.ledger.set(func(l *ledger) {
		l.refuse["https://a.example/1"] = api.Result{
			Outcome: api.OutcomeRefused, Code: api.CodeNoMeans, Sentence: long, Month: long, Counts: long,
			ThingID: long, URL: "https://a.example/" + long, Title: long, Retry: true,
		}
	})
	flattr := click("https://a.example/1")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	if row := settled(t, client, flattr.ID); row.State != wire.StateRefused || row.Code != "no_means" {
		t.Errorf("click = %+v, want refused with no_means", row)
	}
	if s := status(t, client); !has(s, "no_means") {
		t.Errorf("status = %+v, want no_means", s)
	}
	if page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeMonth, ID: "m"}, "m"); len(page.Rows) != 1 {
		t.Errorf("month = %d rows, want the click", len(page.Rows))
	}
}
