package companion_test

import (
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/wire"
)

// TestAWrongClockIsShownAndPutsNoClickOff has the ledger's clock run ahead and
// behind: the reader is told, and clicks keep the time the reader made them at.
func TestAWrongClockIsShownAndPutsNoClickOff(t *testing.T) {
	w := begin(t)
	client := w.linked()
	eventually(t, client, "no problem", func(s wire.Status) bool { return s.LastSync != "" && !has(s, wire.CodeClockWrong) })
	for _, turn := range []struct {
		ahead time.Duration
		said  string
	}{
		{3 * time.Hour, "3 hours behind"},
		{-20 * time.Minute, "20 minutes ahead"},
		{70 * 24 * time.Hour, "70 days behind"},
	} {
		w.ledger.set(func(l *ledger) { l.ahead = turn.ahead })
		flattr := click("https://a.example/" + turn.ahead.String())
		ask[wire.Ack](t, client, flattr, flattr.ID)
		s := eventually(t, client, turn.said, func(s wire.Status) bool { return s.Unsent == 0 && strings.Contains(said(s), turn.said) })
		w.ledger.set(func(l *ledger) {
			sent := l.batches[len(l.batches)-1]
			if got := sent[len(sent)-1].At; got != flattr.At {
				t.Errorf("the click was sent with the time %s, want the reader's %s", got, flattr.At)
			}
		})
		var report control.Report
		if err := control.Ask(t.Context(), []string{w.state}, control.Status, &report); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(report.Text(), turn.said) || report.Well() {
			t.Errorf("flattrd status = %s, want it to say %q and not to be well; browsers are told %+v", report.Text(), turn.said, s.Problems)
		}
	}
	w.ledger.set(func(l *ledger) { l.ahead = 0 })
	flattr := click("https://a.example/right")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	eventually(t, client, "no problem again", func(s wire.Status) bool { return s.Unsent == 0 && !has(s, wire.CodeClockWrong) })
}

// said is what the status says of the clock.
func said(s wire.Status) string {
	for _, problem := range s.Problems {
		if problem.Code == wire.CodeClockWrong {
			return problem.Sentence
		}
	}
	return ""
}
