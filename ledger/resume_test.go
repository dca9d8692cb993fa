package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/store"
)

// TestABrokenOffSettlementGoesOn breaks a settlement off after each of its
// states, and runs it in two processes' worth of stores at once: the statement
// is the same to the byte, and the audit is clean.
func TestABrokenOffSettlementGoesOn(t *testing.T) {
	const seed = 3
	var text strings.Builder
	for _, line := range simulate(rand.New(rand.NewPCG(seed, 0))) {
		text.WriteString(line.text + "\n")
	}
	dir := t.TempDir()
	world := filepath.Join(dir, "world.ndjson")
	if err := os.WriteFile(world, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	// Ids of members are random, and with them the order of buckets: each run
	// settles a copy of one database.
	loaded := filepath.Join(dir, "loaded.db")
	ledger(t, "load", "--db", loaded, world)
	database, err := os.ReadFile(loaded)
	if err != nil {
		t.Fatal(err)
	}
	copied := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, database, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	now := time.Date(2027, 2, 4, 0, 0, 0, 0, time.UTC)
	want := copied("undisturbed.db")
	ledger(t, "settle", "--db", want, "--month", "2026-12", "--now", now.Format(time.RFC3339))
	statement := ledger(t, "statement", "--db", want, "--month", "2026-12")

	for name, settle := range map[string]func(*testing.T, string, time.Time){"broken off": breakOff, "twice at once": settleTwice} {
		path := copied(name)
		settle(t, path, now)
		if got := ledger(t, "statement", "--db", path, "--month", "2026-12"); got != statement {
			t.Errorf("%s, the statement is\n%s\nundisturbed it is\n%s", name, got, statement)
		}
		ledger(t, "audit", "--db", path)
	}
}

// breakOff settles the month and breaks off after each new state.
func breakOff(t *testing.T, path string, now time.Time) {
	s, err := store.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for states := 0; ; states++ {
		ctx, cancel := context.WithCancel(context.Background())
		err := closing.Settlement{Store: s, Month: 202612, Now: now, Say: func(_ string, args ...any) {
			if len(args) == 2 { // a new state
				cancel()
			}
		}}.Settle(ctx)
		cancel()
		if errors.Is(err, closing.ErrClosed) {
			if states < 3 {
				t.Errorf("it was broken off %d times only", states)
			}
			break
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// settleTwice settles the month by two stores at once.
func settleTwice(t *testing.T, path string, now time.Time) {
	failed := make(chan error)
	for range 2 {
		go func() {
			s, err := store.Open(context.Background(), path)
			if err == nil {
				err = closing.Settlement{Store: s, Month: 202612, Now: now, Say: func(string, ...any) {}}.Settle(context.Background())
				err = errors.Join(err, s.Close())
			}
			failed <- err
		}()
	}
	for range 2 {
		if err := <-failed; err != nil && !errors.Is(err, closing.ErrClosed) {
			t.Errorf("two settlements at once: %v", err)
		}
	}
}
