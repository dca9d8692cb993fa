package courier_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/courier"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

const patience = 20 * time.Second

// ledger answers batches as its function says.
type ledger struct {
	*httptest.Server
	mu       sync.Mutex
	requests []time.Time
	batches  []int // how many events each had
	tokens   []string
	answer   func(w http.ResponseWriter, batch api.Batch)
	accepted map[string]int
	others   int // clicks of the member's other machines
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{accepted: map[string]int{}}
	l.answer = l.accept
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.requests = append(l.requests, time.Now())
		l.tokens = append(l.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		w.Header().Set("Content-Type", "application/json")
		var batch api.Batch
		if r.Method == http.MethodPost {
			json.NewDecoder(r.Body).Decode(&batch)
			l.batches = append(l.batches, len(batch.Events))
		}
		l.answer(w, batch)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) accept(w http.ResponseWriter, batch api.Batch) {
	results := api.Results{}
	for _, event := range batch.Events {
		l.accepted[event.ID]++
		results.Results = append(results.Results, api.Result{ID: event.ID, Outcome: api.OutcomeAccepted, Month: "2026-11"})
	}
	results.Months = api.Months{MeansMicro: 5, Months: []api.MonthSummary{
		{Month: "2026-11", State: "running", BudgetMicro: 10, Clicks: len(l.accepted) + l.others},
	}}
	if batch.Events == nil {
		json.NewEncoder(w).Encode(results.Months)
		return
	}
	json.NewEncoder(w).Encode(results)
}

// forget makes the ledger one from before some clicks.
func (l *ledger) forget(ids ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range ids {
		delete(l.accepted, id(n))
	}
}

func refuse(status int, code string) func(http.ResponseWriter, api.Batch) {
	return func(w http.ResponseWriter, _ api.Batch) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(api.Problem{Code: code, Sentence: "A sentence of the ledger."})
	}
}

func (l *ledger) set(answer func(http.ResponseWriter, api.Batch)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = answer
}

func (l *ledger) sizes() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.batches)
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests)
}

// rig is a courier on a real click log.
type rig struct {
	*courier.Courier
	t       *testing.T
	log     *clicklog.Log
	ledger  *ledger
	changed chan []string
	mu      sync.Mutex
	token   string
	logger  *slog.Logger
	renewed string       // what a refused token is renewed to; "": not at all
	ahead   atomic.Int64 // nanoseconds of the courier's clock before the real one
}

// now is the courier's clock.
func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func start(t *testing.T, clicks int) *rig {
	t.Helper()
	t.Parallel()
	log, err := clicklog.Open(t.Context(), filepath.Join(t.TempDir(), "clicks.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, log: log, ledger: newLedger(t), changed: make(chan []string, 1000), token: "good", logger: slog.New(slog.DiscardHandler)}
	for i := range clicks {
		r.click(i)
	}
	r.hire()
	return r
}

// hire makes a courier, as each start of the companion does.
func (r *rig) hire() {
	r.Courier = courier.New(courier.Config{
		Account: 1, Ledger: r.ledger.URL, Log: r.log, Now: r.now, Logger: r.logger,
		Changed: func(ids []string) { r.changed <- ids },
		Token: func(_ context.Context, refused string) (string, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if refused != "" && refused == r.token {
				if r.renewed == "" {
					return "", courier.ErrSignIn
				}
				r.token = r.renewed
			}
			return r.token, nil
		},
	})
}

// id is the id of the n. click.
func id(n int) string { return fmt.Sprintf("019abc00-0000-7000-8000-%012d", n) }

// run runs the courier until it is stopped or the test ends.
func (r *rig) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	running := r.Courier
	go func() { defer close(done); running.Run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-done; r.log.Close() })
	return func() { cancel(); <-done }
}

func (r *rig) click(n int) {
	r.t.Helper()
	_, err := r.log.Append(r.t.Context(), time.Now(), clicklog.Event{
		Account: 1, ID: id(n), Kind: clicklog.Click,
		At: "2026-11-22T08:00:00Z", Month: "2026-11", Thing: wire.Thing{URL: fmt.Sprintf("https://a.example/%d", n)},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a change after which the condition holds.
func (r *rig) until(what string, condition func() bool) {
	r.t.Helper()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-r.changed:
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			r.t.Fatalf("never: %s; state %+v", what, r.State())
		}
	}
}

func (r *rig) unsent() int {
	n, err := r.log.Unsent(r.t.Context(), 1)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// settled waits until all is sent and the log is matched with the ledger's.
func (r *rig) settled() {
	r.t.Helper()
	r.until("all sent and matched", func() bool {
		matched, err := r.log.Matched(r.t.Context(), 1)
		return err == nil && !matched.IsZero() && r.unsent() == 0
	})
}

func TestABacklogGoesInBatchesEachClickOnce(t *testing.T) {
	r := start(t, 230)
	r.run()
	r.until("all sent", func() bool { return r.unsent() == 0 })
	if got := r.ledger.sizes(); !slices.Equal(got, []int{100, 100, 30}) {
		t.Errorf("batches of %v, want 100, 100 and 30 for 230 clicks", got)
	}
	for id, times := range r.ledger.accepted {
		if times != 1 {
			t.Errorf("click %s was sent %d times", id, times)
		}
	}
	if s := r.State(); s.Problem != "" || s.Skew.Abs() > 2*time.Second {
		t.Errorf("state = %+v, want no problem and clocks that agree", s)
	}
}

func TestAnAnswerThatIsLostIsAskedForAgain(t *testing.T) {
	r := start(t, 3)
	lost := true
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if !lost || batch.Events == nil {
			accept(w, batch)
			return
		}
		lost = false
		accept(httptest.NewRecorder(), batch) // the ledger has booked it
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			connection.Close()
		}
	})
	r.run()
	r.until("all answered", func() bool { return r.unsent() == 0 })
	if got := r.ledger.accepted["019abc00-0000-7000-8000-000000000001"]; got != 2 {
		t.Errorf("the click was sent %d times, want again with the same id", got)
	}
}

func TestALedgerThatIsAwayIsTriedAgainAtOnceForANewClick(t *testing.T) {
	r := start(t, 1)
	accept := r.ledger.answer
	r.ledger.set(refuse(http.StatusServiceUnavailable, "away"))
	r.run()
	r.until("ledger_away", func() bool { return r.State().Problem == wire.CodeLedgerAway })
	r.ledger.set(accept)
	r.click(2)
	began := time.Now()
	r.Wake()
	r.until("all sent", func() bool { return r.unsent() == 0 })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the new click waited %v, want at most the second between two tries", took)
	}
	r.until("no problem", func() bool { return r.State().Problem == "" })
}

func TestTriesAgainstAnAwayLedgerAreNoHotLoop(t *testing.T) {
	r := start(t, 1)
	r.ledger.set(refuse(http.StatusServiceUnavailable, "away"))
	r.run()
	r.until("ledger_away", func() bool { return r.State().Problem == wire.CodeLedgerAway })
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); {
		r.Wake() // a reader who clicks and clicks
		select {
		case <-r.changed:
		case <-time.After(time.Millisecond):
		}
	}
	if got := r.ledger.count(); got > 6 {
		t.Errorf("%d requests in 1.5 s, want a few", got)
	}
}

func TestRetryAfterIsHonouredEvenForANewClick(t *testing.T) {
	r := start(t, 1)
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		w.Header().Set("Retry-After", "2")
		refuse(http.StatusTooManyRequests, "slow_down")(w, batch)
	})
	r.run()
	r.until("ledger_away", func() bool { return r.State().Problem == wire.CodeLedgerAway })
	r.ledger.set(accept)
	r.Wake()
	r.until("all sent", func() bool { return r.unsent() == 0 })
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	if gap := r.ledger.requests[1].Sub(r.ledger.requests[0]); gap < 1900*time.Millisecond {
		t.Errorf("the second request came after %v, want 2 s", gap)
	}
}

func TestATokenIsRenewedOnceAndElseTheReaderIsAsked(t *testing.T) {
	r := start(t, 1)
	accept := r.ledger.answer
	check := func(w http.ResponseWriter, batch api.Batch) {
		if r.ledger.tokens[len(r.ledger.tokens)-1] != "new" {
			refuse(http.StatusUnauthorized, api.CodeSignIn)(w, batch)
			return
		}
		accept(w, batch)
	}
	r.ledger.set(check)
	r.run()
	r.until("sign_in_again", func() bool { return r.State().Problem == wire.CodeSignInAgain })
	if r.unsent() != 1 {
		t.Error("the click is gone")
	}
	r.mu.Lock()
	r.renewed = "new"
	r.mu.Unlock()
	r.Wake()
	r.until("all sent", func() bool { return r.unsent() == 0 })
}

func TestOneEventTheLedgerCannotReadDoesNotHoldUpTheOthers(t *testing.T) {
	r := start(t, 7)
	const bad = "019abc00-0000-7000-8000-000000000003"
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		for _, event := range batch.Events {
			if event.ID == bad {
				refuse(http.StatusBadRequest, api.CodeInvalid)(w, batch)
				return
			}
		}
		accept(w, batch)
	})
	r.run()
	r.until("all answered", func() bool { return r.unsent() == 0 })
	rows, err := r.log.Touched(t.Context(), 1, []string{bad})
	if err != nil || len(rows) != 1 || rows[0].State != wire.StateRefused || rows[0].Code != api.CodeInvalid || rows[0].Sentence == "" {
		t.Errorf("the bad click = %+v, %v, want it shown as refused", rows, err)
	}
	if got := len(r.ledger.accepted); got != 6 {
		t.Errorf("%d clicks were accepted, want the 6 good ones", got)
	}
}

func TestTheLedgersClockIsLearntAndStoredTimesStay(t *testing.T) {
	r := start(t, 1)
	accept := r.ledger.answer
	var at string
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		w.Header().Set("Date", time.Now().Add(3*time.Hour).UTC().Format(http.TimeFormat))
		if len(batch.Events) > 0 {
			at = batch.Events[0].At
		}
		accept(w, batch)
	})
	r.run()
	r.until("all sent", func() bool { return r.unsent() == 0 })
	if skew := r.State().Skew; (skew - 3*time.Hour).Abs() > 2*time.Second {
		t.Errorf("skew = %v, want 3 h", skew)
	}
	if at != "2026-11-22T08:00:00Z" {
		t.Errorf("the click was sent with the time %q, want the reader's", at)
	}
}

func TestALogThatFailsIsToldApartFromALedgerThatIsAway(t *testing.T) {
	r := start(t, 1)
	if err := r.log.Close(); err != nil {
		t.Fatal(err)
	}
	r.run()
	r.until("degraded", func() bool { return r.State().Problem == wire.CodeDegraded })
}
