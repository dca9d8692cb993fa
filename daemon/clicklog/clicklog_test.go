package clicklog_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const newest = math.MaxInt64

func open(t *testing.T, path string) *clicklog.Log {
	t.Helper()
	log, err := clicklog.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func click(n int) clicklog.Event {
	return clicklog.Event{
		Account: 1, ID: id(n), Kind: clicklog.Click, At: "2026-11-22T07:59:00.000Z", Month: "2026-11",
		Thing: wire.Thing{URL: fmt.Sprintf("https://a.example/%d", n), Title: "A"}, Form: "js-a-rev",
	}
}

func undo(n, of int) clicklog.Event {
	return clicklog.Event{Account: 1, ID: id(n), Kind: clicklog.Undo, At: "2026-11-22T08:00:00.000Z", Month: "2026-11", Click: id(of)}
}

func id(n int) string { return fmt.Sprintf("019abc00-0000-7000-8000-%012d", n) }

func mustAppend(t *testing.T, log *clicklog.Log, event clicklog.Event, want wire.State) {
	t.Helper()
	if got, err := log.Append(t.Context(), now, event); err != nil || got != want {
		t.Fatalf("Append(%s %s) = %q, %v, want %q", event.Kind, event.ID, got, err, want)
	}
}

func answer(t *testing.T, log *clicklog.Log, answers ...clicklog.Answer) {
	t.Helper()
	if err := log.Answered(t.Context(), 1, answers, clicklog.Summary{Synced: now}); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, log *clicklog.Log, n int) wire.State {
	t.Helper()
	return only(t, log, n).State
}

// only is the row of one click.
func only(t *testing.T, log *clicklog.Log, n int) clicklog.Row {
	t.Helper()
	rows, err := log.Touched(t.Context(), 1, []string{id(n)})
	if err != nil || len(rows) != 1 {
		t.Fatalf("click %d = %d rows, %v, want one", n, len(rows), err)
	}
	return rows[0]
}

func TestAClickIsStoredOnceHoweverOftenItComes(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	mustAppend(t, log, click(1), wire.StateWaiting)
	mustAppend(t, log, click(1), wire.StateWaiting)
	answer(t, log, clicklog.Answer{ID: id(1), Outcome: "accepted"})
	mustAppend(t, log, click(1), wire.StateAccepted)

	changed := click(1)
	changed.Thing.URL = "https://b.example/"
	if _, err := log.Append(t.Context(), now, changed); !errors.Is(err, clicklog.ErrReused) {
		t.Errorf("Append(same id, other thing) = %v, want ErrReused", err)
	}
	other := changed
	other.Account = 2
	mustAppend(t, log, other, wire.StateWaiting) // rows are unique by account and id
	rows, err := log.History(t.Context(), 1, newest, 10)
	if err != nil || len(rows) != 1 {
		t.Errorf("History = %d rows, %v, want 1", len(rows), err)
	}
}

func TestAReusedIDSpoilsOnlyItself(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	mustAppend(t, log, click(1), wire.StateWaiting)
	reused := undo(1, 7)
	var group sync.WaitGroup
	for n := 1; n < 20; n++ {
		group.Go(func() {
			event := click(n)
			if n == 1 {
				event = reused
			}
			_, err := log.Append(context.Background(), now, event)
			if (n == 1) != errors.Is(err, clicklog.ErrReused) || (n != 1 && err != nil) {
				t.Errorf("Append %d = %v", n, err)
			}
		})
	}
	group.Wait()
}

func TestAnUndoTakesAClickBackAndMayOvertakeIt(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	mustAppend(t, log, click(1), wire.StateWaiting)
	mustAppend(t, log, undo(2, 1), wire.StateUndone)
	if got := state(t, log, 1); got != wire.StateUndone {
		t.Errorf("state after undo = %q, want undone", got)
	}
	mustAppend(t, log, undo(4, 3), wire.StateUndone) // a tombstone
	mustAppend(t, log, click(3), wire.StateUndone)

	pending, err := log.Pending(t.Context(), 1, 10)
	if err != nil || len(pending) != 4 {
		t.Fatalf("Pending = %d events, %v, want all 4: nothing is cancelled silently", len(pending), err)
	}
	if pending[1].Kind != clicklog.Undo || pending[1].Click != id(1) {
		t.Errorf("second pending event = %+v, want the undo of the first", pending[1])
	}
}

func TestAnUndoTheLedgerRefusesLeavesTheClickStanding(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	mustAppend(t, log, click(1), wire.StateWaiting)
	mustAppend(t, log, undo(2, 1), wire.StateUndone)
	answer(t, log,
		clicklog.Answer{ID: id(1), Outcome: "accepted", Month: "2026-10"},
		clicklog.Answer{ID: id(2), Outcome: "refused", Code: "month_frozen", Sentence: "The month is closed."})
	rows, err := log.Touched(t.Context(), 1, []string{id(2)})
	if err != nil || len(rows) != 1 {
		t.Fatalf("Touched(undo) = %v, %v, want its click", rows, err)
	}
	if rows[0].State != wire.StateAccepted || rows[0].Code != "month_frozen" {
		t.Errorf("click = %q with code %q, want accepted with month_frozen", rows[0].State, rows[0].Code)
	}
	mustAppend(t, log, undo(3, 1), wire.StateUndone) // a later one counts again
}

func TestOutcomesBecomeStates(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	for i, want := range []struct {
		outcome string
		state   wire.State
		code    string
	}{
		{"accepted", wire.StateAccepted, ""},
		{"late", wire.StateLate, ""},
		{"duplicate", wire.StateRefused, "duplicate"},
		{"refused", wire.StateRefused, "flattr_owner"},
	} {
		n := i + 1
		mustAppend(t, log, click(n), wire.StateWaiting)
		code := want.code
		if want.outcome == "duplicate" {
			code = "flattr_once" // as the ledger says it
		}
		answer(t, log, clicklog.Answer{ID: id(n), Outcome: want.outcome, Code: code, Counts: id(1), URL: "https://a.example/", ThingID: "7"})
		row := only(t, log, n)
		if row.State != want.state || row.Code != want.code || row.ThingID != "7" {
			t.Errorf("%s: row = %+v, want state %q code %q", want.outcome, row, want.state, want.code)
		}
		if row.Counts != id(1) || row.CountsAt != click(1).At {
			t.Errorf("%s: the click that counts = %q of %q, want %q of %q", want.outcome, row.Counts, row.CountsAt, id(1), click(1).At)
		}
	}
}

func TestARefusalThatMayPassIsKeptForAnotherTry(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	mustAppend(t, log, click(1), wire.StateWaiting)
	mustAppend(t, log, click(2), wire.StateWaiting)
	answer(t, log,
		clicklog.Answer{ID: id(1), Outcome: "refused", Code: "no_means", Retry: true},
		clicklog.Answer{ID: id(2), Outcome: "refused", Code: "no_means", Retry: true})
	mustAppend(t, log, undo(3, 2), wire.StateUndone)
	again, err := log.Retryable(t.Context(), 1, 10)
	if err != nil || len(again) != 1 || again[0].ID != id(1) {
		t.Fatalf("Retryable = %+v, %v, want only the click that was not undone", again, err)
	}
	answer(t, log, clicklog.Answer{ID: id(1), Outcome: "accepted"})
	if again, _ = log.Retryable(t.Context(), 1, 10); len(again) != 0 {
		t.Errorf("Retryable after acceptance = %+v, want none", again)
	}
}

func TestPagesRunFromTheNewestBack(t *testing.T) {
	log := open(t, filepath.Join(t.TempDir(), "clicks.db"))
	for n := 1; n <= 5; n++ {
		event := click(n)
		if n <= 2 {
			event.Month = "2026-09"
		}
		mustAppend(t, log, event, wire.StateWaiting)
	}
	answer(t, log, clicklog.Answer{ID: id(1), Outcome: "accepted", Month: "2026-09"},
		clicklog.Answer{ID: id(3), Outcome: "accepted", Month: "2026-11"})
	page, err := log.History(t.Context(), 1, newest, 3)
	if err != nil || len(page) != 3 || page[0].Event.ID != id(5) {
		t.Fatalf("first page = %v, %v", page, err)
	}
	if page, err = log.History(t.Context(), 1, page[2].Seq, 3); err != nil || len(page) != 2 || page[1].Event.ID != id(1) {
		t.Errorf("second page = %v, %v", page, err)
	}
	page, err = log.InMonths(t.Context(), 1, []string{"2026-11", "2026-10"}, newest, 10)
	if err != nil || len(page) != 4 {
		t.Errorf("InMonths = %d rows, %v, want 4: the unanswered click of September waits for a month", len(page), err)
	}
}

func TestTheSummarySurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clicks.db")
	log := open(t, path)
	mustAppend(t, log, click(1), wire.StateWaiting)
	want := clicklog.Summary{
		Months: []wire.MonthSummary{{Month: "2026-11", State: "running", BudgetMicro: 2_000_000, Clicks: 3}}, MeansMicro: 48, Synced: now,
	}
	if err := log.Answered(t.Context(), 1, nil, want); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), now, click(2)); !errors.Is(err, clicklog.ErrClosed) {
		t.Errorf("Append after Close = %v, want ErrClosed", err)
	}
	log = open(t, path)
	got, err := log.Summary(t.Context(), 1)
	if err != nil || got.MeansMicro != 48 || len(got.Months) != 1 || got.Months[0] != want.Months[0] || !got.Synced.Equal(now) {
		t.Errorf("Summary = %+v, %v, want %+v", got, err, want)
	}
	if n, err := log.Unsent(t.Context(), 1); err != nil || n != 1 {
		t.Errorf("Unsent = %d, %v, want 1", n, err)
	}
}

func TestTheFileIsDurableAndTheOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clicks.db")
	log := open(t, path)
	mustAppend(t, log, click(1), wire.StateWaiting)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), info.Mode().Perm())
		}
	}
}

func TestALogThatCannotBeWrittenSaysDegraded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clicks.db")
	log := open(t, path)
	mustAppend(t, log, click(1), wire.StateWaiting)
	other, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), now, click(2)); !errors.Is(err, clicklog.ErrDegraded) {
		t.Errorf("Append to a locked log = %v, want ErrDegraded", err)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, log, click(2), wire.StateWaiting)
}

func TestGarbageIsNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clicks.db")
	if err := os.WriteFile(path, []byte("this is no database, whatever it is called, and long enough to be read"), 0o600); err != nil {
		t.Fatal(err)
	}
	if log, err := clicklog.Open(t.Context(), path); err == nil {
		log.Close()
		t.Error("Open(garbage) = nil, want an error")
	}
}

// What the ledger said of an account is not shown to the next one either.
func TestTheHighestAccountCountsSummaries(t *testing.T) {
	log, err := clicklog.Open(t.Context(), filepath.Join(t.TempDir(), "clicks.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Answered(t.Context(), 5, nil, clicklog.Summary{}); err != nil {
		t.Fatal(err)
	}
	if highest, err := log.HighestAccount(t.Context()); err != nil || highest != 5 {
		t.Errorf("HighestAccount = %d, %v, want 5", highest, err)
	}
}
