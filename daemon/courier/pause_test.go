package courier

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/ledger/api"
)

var errAway = errors.New("away")

// still is a courier whose clock stands still.
func still() (*Courier, time.Time) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return New(Config{Now: func() time.Time { return now }, Changed: func([]string) {}, Logger: slog.New(slog.DiscardHandler)}), now
}

func TestBackOffHasFullJitterFromASecondToAQuarterOfAnHour(t *testing.T) {
	const couriers, tries = 400, 14
	waits := make([][]time.Duration, tries)
	for range couriers {
		c, _ := still()
		for try := range tries {
			waits[try] = append(waits[try], c.pause(t.Context(), &failure{err: errAway}))
		}
	}
	bound := time.Second
	for try := range tries {
		var least, most, sum time.Duration = time.Hour, 0, 0
		for _, wait := range waits[try] {
			least, most, sum = min(least, wait), max(most, wait), sum+wait
		}
		mean := sum / couriers
		if most > bound || most < bound*9/10 || least > bound/10 || mean < bound*4/10 || mean > bound*6/10 {
			t.Errorf("try %d: waits from %v to %v, %v in the mean; want them spread evenly from 0 to %v", try, least, most, mean, bound)
		}
		bound = min(2*bound, 15*time.Minute)
	}
}

func TestALedgerThatAsksToWaitIsLeftAloneButForAClickAQuarterOfAnHour(t *testing.T) {
	for _, asked := range []time.Duration{5 * time.Second, time.Hour, 24 * time.Hour} {
		c, now := still()
		wait := c.pause(t.Context(), &failure{err: errAway, retryAfter: asked})
		if wait < asked || wait > asked+time.Second {
			t.Errorf("Retry-After %v: the next try after %v, want it and at most a second of jitter", asked, wait)
		}
		if hold, want := c.earliest.Sub(now), min(asked, 15*time.Minute); hold != want {
			t.Errorf("Retry-After %v: a new click is held for %v, want %v", asked, hold, want)
		}
	}
	many := map[time.Duration]bool{}
	for range 20 {
		c, _ := still()
		many[c.pause(t.Context(), &failure{err: errAway, retryAfter: time.Minute})] = true
	}
	if len(many) < 10 {
		t.Errorf("20 couriers that were asked to wait come back at %d different times", len(many))
	}
}

// A ledger that refuses one click for now, and says of another what this version
// does not know, gets nowhere: back-off must grow.
func TestNoProgressIsNoReasonToHurry(t *testing.T) {
	const lacks, unknown = "019abc00-0000-7000-8000-000000000001", "019abc00-0000-7000-8000-000000000002"
	months := api.Months{MeansMicro: 10, Months: []api.MonthSummary{{Month: "2026-11", BudgetMicro: 10}}}
	ledger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			json.NewEncoder(w).Encode(months)
			return
		}
		json.NewEncoder(w).Encode(api.Results{Months: months, Results: []api.Result{
			{ID: lacks, Outcome: api.OutcomeRefused, Code: api.CodeNoMeans, Retry: true}, {ID: unknown, Outcome: "postponed"},
		}})
	}))
	defer ledger.Close()
	log, err := clicklog.Open(t.Context(), filepath.Join(t.TempDir(), "clicks.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var answers []clicklog.Answer
	for _, id := range []string{lacks, unknown} {
		if _, err := log.Append(t.Context(), time.Now(), clicklog.Event{Account: 1, ID: id, Kind: clicklog.Click, At: "2026-11-22T08:00:00Z", Month: "2026-11"}); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, clicklog.Answer{ID: id, Outcome: "refused", Code: api.CodeNoMeans, Retry: true})
	}
	if err := log.Answered(t.Context(), 1, answers, clicklog.Summary{Synced: time.Now()}); err != nil {
		t.Fatal(err)
	}
	c := New(Config{
		Account: 1, Ledger: ledger.URL, Log: log, Now: time.Now, Changed: func([]string) {}, Logger: slog.New(slog.DiscardHandler),
		Token: func(context.Context, string) (string, error) { return "good", nil },
	})
	var longest time.Duration
	for range 14 {
		longest = max(longest, c.pause(t.Context(), c.sync(t.Context())))
	}
	if longest < 10*time.Second || longest > lastBound {
		t.Errorf("the longest of 14 waits is %v, want back-off to have grown", longest)
	}
}

func TestWhatTheLedgerTookIsNotToBeSentAgain(t *testing.T) {
	for _, outcome := range []api.Outcome{api.OutcomeAccepted, api.OutcomeLate, api.OutcomeDuplicate} {
		if a, err := answer(api.Result{Outcome: outcome, Retry: true}); err != nil || a.Retry {
			t.Errorf("%s and to be sent again = %+v, %v, want it done", outcome, a, err)
		}
	}
}
