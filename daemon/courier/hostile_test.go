package courier_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

func TestWhatIsToldAgainHoldsUpNoNewClick(t *testing.T) {
	r := start(t, 3)
	r.run()
	r.settled()
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if slices.ContainsFunc(batch.Events, func(event api.Event) bool { return event.ID == id(1) }) {
			refuse(http.StatusInternalServerError, "internal")(w, batch)
			return
		}
		accept(w, batch)
	})
	r.ahead.Store(int64(25 * time.Hour))
	r.click(4)
	r.NewClick()
	r.until("the new click sent", func() bool { return r.unsent() == 0 })
}

func TestTellingAgainGoesOnWhereItWasCutOff(t *testing.T) {
	r := start(t, 250)
	r.run()
	r.settled()
	var all []int
	for n := range 250 {
		all = append(all, n)
	}
	r.ledger.forget(all...)
	accept := r.ledger.answer
	offered := 0
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if batch.Events != nil {
			offered++
			if offered%2 == 0 {
				refuse(http.StatusTooManyRequests, "too_many")(w, batch)
				return
			}
		}
		accept(w, batch)
	})
	r.Wake()
	r.until("the ledger knows all clicks again", func() bool { return r.known() == 250 })
}

func TestAnUnreadableClickHidesNoForgetfulLedger(t *testing.T) {
	r := start(t, 8)
	r.run()
	r.settled()
	r.ledger.forget(1, 2, 3)
	accept := r.ledger.answer
	r.ledger.set(func(w http.ResponseWriter, batch api.Batch) {
		if slices.ContainsFunc(batch.Events, func(event api.Event) bool { return event.ID == id(9) }) {
			refuse(http.StatusBadRequest, api.CodeInvalid)(w, batch)
			return
		}
		accept(w, batch)
	})
	r.click(9)
	r.NewClick()
	r.until("the ledger knows all clicks again", func() bool { return r.known() == 8 })
}

func TestALedgerCannotFillTheLogNorWriteTokensIntoIt(t *testing.T) {
	const token = "Gk3_secret-token"
	for name, answer := range map[string]func(http.ResponseWriter, api.Batch){
		"a code of a megabyte": refuse(http.StatusServiceUnavailable, strings.Repeat("x", 1<<20)),
		"a token as the code":  refuse(http.StatusServiceUnavailable, token),
		"a number of a megabyte": func(w http.ResponseWriter, _ api.Batch) {
			fmt.Fprintf(w, `{"months":{"meansMicro":%s}}`, strings.Repeat("9", 1<<20))
		},
		"a kind of 60 KB": func(w http.ResponseWriter, _ api.Batch) {
			w.Header().Set("Content-Type", strings.Repeat("x", 60<<10))
		},
		"a token as the outcome": func(w http.ResponseWriter, batch api.Batch) {
			json.NewEncoder(w).Encode(api.Results{Results: []api.Result{{ID: id(0), Outcome: token}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, 1)
			r.ledger.set(answer)
			var log bytes.Buffer
			r.logger = slog.New(slog.NewTextHandler(&log, nil))
			r.hire()
			r.Rare()
			stop := r.run()
			r.until("ledger_away", func() bool { return r.State().Problem == wire.CodeLedgerAway })
			stop()
			if log.Len() == 0 || log.Len() > 1000 || strings.Contains(log.String(), token) {
				t.Errorf("log of %d bytes, want a line without the token: %.300s", log.Len(), &log)
			}
		})
	}
}

func TestALedgerCannotFillTheDiskWithMonths(t *testing.T) {
	r := start(t, 0)
	r.ledger.set(func(w http.ResponseWriter, _ api.Batch) {
		json.NewEncoder(w).Encode(api.Months{Months: slices.Repeat([]api.MonthSummary{{Month: "2026-11"}}, 10_000)})
	})
	r.run()
	var summary clicklog.Summary
	r.until("synced", func() (synced bool) {
		var err error
		summary, err = r.log.Summary(t.Context(), 1)
		return err == nil && !summary.Synced.IsZero()
	})
	if len(summary.Months) > 2 {
		t.Errorf("%d months are kept, want the open ones", len(summary.Months))
	}
}
