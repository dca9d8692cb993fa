package courier_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

// away is a courier whose ledger was away and is back, and that would not try
// again for an hour.
func away(t *testing.T, clicks int) *rig {
	t.Helper()
	r := start(t, clicks)
	r.Rare()
	accept := r.ledger.answer
	r.ledger.set(refuse(http.StatusServiceUnavailable, "away"))
	r.run()
	r.until("ledger_away", func() bool { return r.State().Problem == wire.CodeLedgerAway })
	r.ledger.set(accept)
	return r
}

func TestANewNetworkIsTriedAtOnce(t *testing.T) {
	r := away(t, 3)
	r.NewNetwork()
	r.until("all sent", func() bool { return r.unsent() == 0 })
}

func TestANewClickIsSentAtOnceWhateverBackOffSays(t *testing.T) {
	r := away(t, 3)
	r.click(4)
	r.NewClick()
	r.until("all sent", func() bool { return r.unsent() == 0 })
}

func TestANewNetworkDisturbsNoCourierThatHasNothingToSend(t *testing.T) {
	r := start(t, 1)
	r.run()
	r.until("all sent and well", func() bool { return r.unsent() == 0 && r.State().Problem == "" })
	r.until("nothing under way", func() bool { r.NewNetwork(); return !r.Asked() })
	before := r.ledger.count()
	for range 100 {
		r.NewNetwork()
		if r.Asked() {
			t.Fatal("a new network asks for a sync, want none: nothing waits")
		}
	}
	if got := r.ledger.count(); got != before {
		t.Errorf("%d requests for new networks, want none", got-before)
	}
}

func TestARequestThatHangsIsGivenUpForANewNetwork(t *testing.T) {
	r := start(t, 1)
	accept := r.ledger.answer
	hangs, release := make(chan struct{}), make(chan struct{})
	first := true
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if first {
			first = false
			close(hangs)
			r.ledger.mu.Unlock()
			<-release // the answer went by the old network
			r.ledger.mu.Lock()
			return
		}
		accept(w, batch)
	})
	t.Cleanup(func() { close(release) })
	r.run()
	<-hangs
	began := time.Now()
	r.NewNetwork()
	r.until("all sent", func() bool { return r.unsent() == 0 })
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("sent after %v, want it well before the 30 s of a request", took)
	}
}

func TestALedgerThatHasForgottenIsToldAgain(t *testing.T) {
	r := start(t, 150)
	r.run()
	r.settled()
	var lost []int
	for n := range 60 {
		lost = append(lost, n)
	}
	r.ledger.forget(lost...)
	r.click(200)
	r.NewClick()
	r.until("the ledger knows all clicks again", func() bool { return r.known() == 151 })
	for _, size := range r.ledger.sizes() {
		if size > api.MaxBatch {
			t.Errorf("a batch of %d events, want at most %d", size, api.MaxBatch)
		}
	}
}

func TestDoubtOutlivesTheCompanion(t *testing.T) {
	r := start(t, 8)
	stop := r.run()
	r.settled()
	r.ledger.forget(1, 2, 3)
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if batch.Events != nil {
			refuse(http.StatusServiceUnavailable, "away")(w, batch)
			return
		}
		accept(w, batch)
	})
	r.Wake()
	r.until("the figures are known and nothing could be told", func() bool {
		summary, err := r.log.Summary(t.Context(), 1)
		return err == nil && summary.Months[0].Clicks == 5 && r.State().Problem == wire.CodeLedgerAway
	})
	stop()
	r.ledger.set(accept)
	r.hire()
	r.run()
	r.until("the ledger knows all clicks again", func() bool { return r.known() == 8 })
}

func TestNothingIsToldAgainAtEachStart(t *testing.T) {
	r := start(t, 8)
	stop := r.run()
	r.settled()
	stop()
	before := len(r.ledger.sizes())
	r.hire()
	r.run()
	r.click(9)
	r.NewClick()
	r.until("the new one sent", func() bool { return r.unsent() == 0 })
	if got := r.ledger.sizes()[before:]; !slices.Equal(got, []int{1}) {
		t.Errorf("batches of %v after a restart, want the new click alone", got)
	}
}

// known counts the clicks that the ledger has.
func (r *rig) known() int {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	return len(r.ledger.accepted)
}

func TestWhatAnotherMachineHidesIsToldAgainWithinADay(t *testing.T) {
	r := start(t, 20)
	r.run()
	r.settled()
	r.ledger.forget(1, 2, 3)
	r.ledger.mu.Lock()
	r.ledger.others = 5
	r.ledger.mu.Unlock()
	r.ahead.Store(int64(25 * time.Hour))
	r.Wake()
	r.until("the ledger knows all clicks again", func() bool { return r.known() == 20 })
}

func TestWhatWasRefusedOrBelongsToOldMonthsIsNotToldAgain(t *testing.T) {
	r := start(t, 0)
	for n, e := range []clicklog.Event{
		{Kind: clicklog.Click, At: "2026-11-03T08:00:00Z", Month: "2026-11"}, // taken
		{Kind: clicklog.Click, At: "2026-11-04T08:00:00Z", Month: "2026-11"}, // refused
		{Kind: clicklog.Click, At: "2026-08-04T08:00:00Z", Month: "2026-08"}, // taken, late
		{Kind: clicklog.Click, At: "2026-08-05T08:00:00Z", Month: "2026-08"}, // taken in its month
		{Kind: clicklog.Undo, At: "2026-11-05T08:00:00Z", Month: "2026-11", Click: id(0)},
		{Kind: clicklog.Undo, At: "2026-11-05T08:00:00Z", Month: "2026-11", Click: id(3)},
		{Kind: clicklog.Click, At: "2026-10-04T08:00:00Z", Month: "2026-10"}, // a duplicate
		{Kind: clicklog.Click, At: "2026-11-06T08:00:00Z", Month: "2026-11"}, // taken, and taken back at the ledger
	} {
		e.Account, e.ID, e.Thing = 1, id(n), wire.Thing{URL: "https://a.example/" + id(n)}
		if _, err := r.log.Append(t.Context(), time.Now(), e); err != nil {
			t.Fatal(err)
		}
	}
	answers := []clicklog.Answer{
		{ID: id(0), Outcome: "accepted", Month: "2026-11"},
		{ID: id(1), Outcome: "refused", Code: api.CodeOwnThing},
		{ID: id(2), Outcome: "late", Month: "2026-11"},
		{ID: id(3), Outcome: "accepted", Month: "2026-08"},
		{ID: id(4), Outcome: "accepted"},
		{ID: id(5), Outcome: "refused", Code: api.CodeMonthFrozen},
		{ID: id(6), Outcome: "duplicate", Month: "2026-10"},
		{ID: id(7), Outcome: "accepted", Month: "2026-11", Undone: true},
	}
	if err := r.log.Answered(t.Context(), 1, answers, clicklog.Summary{Synced: time.Now().Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r.run()
	r.until("well", func() bool { return r.State().Problem == "" && len(r.ledger.sizes()) > 0 })
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	var told []string
	for event := range r.ledger.accepted {
		told = append(told, event)
	}
	slices.Sort(told)
	if want := []string{id(0), id(2), id(4), id(6)}; !slices.Equal(told, want) {
		t.Errorf("told again: %v, want %v", told, want)
	}
}

func TestALedgerThatCannotReadWhatItTookMakesNothingWorse(t *testing.T) {
	r := start(t, 5)
	r.run()
	r.settled()
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if len(batch.Events) > 0 {
			refuse(http.StatusBadRequest, api.CodeInvalid)(w, batch)
			return
		}
		accept(w, batch)
	})
	before := len(r.ledger.sizes())
	r.ahead.Store(int64(25 * time.Hour))
	r.Wake()
	r.until("each was offered by itself", func() bool { return len(r.ledger.sizes()) >= before+5 })
	rows, err := r.log.InMonths(t.Context(), 1, []string{"2026-11"}, 1<<60, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.State != wire.StateAccepted {
			t.Errorf("click %s is %s %s, want accepted as before", row.Event.ID, row.State, row.Code)
		}
	}
}

func TestOneUnknownOutcomeHoldsUpNoOther(t *testing.T) {
	r := start(t, 5)
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if batch.Events == nil {
			accept(w, batch)
			return
		}
		results := api.Results{}
		for _, event := range batch.Events {
			outcome := api.OutcomeAccepted
			if event.ID == id(2) {
				outcome = "postponed"
			}
			results.Results = append(results.Results, api.Result{ID: event.ID, Outcome: outcome, Month: "2026-11"})
		}
		json.NewEncoder(w).Encode(results)
	})
	r.run()
	r.until("only the one waits", func() bool { return r.unsent() == 1 })
	r.until("a problem", func() bool { return r.State().Problem == wire.CodeLedgerAway })
}

func TestAfterATopUpAllThatLackedMeansIsSent(t *testing.T) {
	r := start(t, 130)
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		results := api.Results{Months: api.Months{Months: []api.MonthSummary{{Month: "2026-11", BudgetMicro: 10}}}}
		for _, event := range batch.Events {
			results.Results = append(results.Results, api.Result{ID: event.ID, Outcome: api.OutcomeRefused, Code: api.CodeNoMeans, Sentence: "Top up.", Retry: true})
		}
		if batch.Events == nil {
			json.NewEncoder(w).Encode(results.Months)
			return
		}
		json.NewEncoder(w).Encode(results)
	})
	r.run()
	r.until("all refused", func() bool { return r.unsent() == 0 && r.State().Problem == "" })
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if batch.Events == nil {
			json.NewEncoder(w).Encode(api.Months{MeansMicro: 10, Months: []api.MonthSummary{{Month: "2026-11", BudgetMicro: 10}}})
			return
		}
		accept(w, batch)
	})
	r.Wake()
	r.until("all accepted", func() bool { return r.known() == 130 })
}

// What is taken back at the ledger is learnt from a visit to its pages, also where a
// click of another machine keeps the figures as high as they were.
func TestWhatIsTakenBackBesideAnotherMachinesClickIsLearnt(t *testing.T) {
	r := start(t, 3)
	r.run()
	r.settled()
	accept := r.ledger.accept
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if len(batch.Events) == 0 {
			accept(w, batch) // three clicks, as before: one is gone, another is there
			return
		}
		results := api.Results{Months: api.Months{Months: []api.MonthSummary{{Month: "2026-11", State: "running", BudgetMicro: 10, Clicks: 3}}}}
		for _, event := range batch.Events {
			results.Results = append(results.Results, api.Result{ID: event.ID, Outcome: api.OutcomeAccepted, Month: "2026-11", Undone: event.ID == id(1)})
		}
		json.NewEncoder(w).Encode(results)
	})
	r.ahead.Store(int64(2 * time.Minute))
	r.Doubt()
	r.until("the click is undone", func() bool {
		rows, err := r.log.Touched(t.Context(), 1, []string{id(1)})
		return err == nil && len(rows) == 1 && rows[0].State == wire.StateUndone
	})
}
