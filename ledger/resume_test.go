package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"flattr/ledger/closing"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// TestABrokenOffSettlementGoesOn breaks a settlement off whenever it says
// something, and runs it by several processes' worth of stores at once: the
// statement is the same to the byte, and the audit is clean.
func TestABrokenOffSettlementGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		const seed = 3
		loaded(t, where, crashWorld(rand.New(rand.NewPCG(seed, 0))))
		undisturbed := storetest.Copy(t, where)
		want := settled(t, undisturbed)
		for name, settle := range map[string]func(*testing.T, string){
			"broken off":                          breakOff,
			"at once":                             func(t *testing.T, where string) { settleAtOnce(t, where, 50, 50) },
			"at once in chunks of different size": func(t *testing.T, where string) { settleAtOnce(t, where, 40, 70, 1000) },
			"at once, with few things kept in memory": func(t *testing.T, where string) { settleAtOnce(t, where, -30, 90) },
		} {
			t.Run(name, func(t *testing.T) {
				copied := storetest.Copy(t, where)
				settle(t, copied)
				got := ledger(t, "statement", "--db", copied, "--month", crashMonth.String())
				if got != want {
					t.Errorf("seed %d: the statement is\n%s\nundisturbed it is\n%s", seed, got, want)
				}
				ledger(t, "audit", "--db", copied)
			})
		}
	})
}

// inChunks is the settlement of crashMonth with chunks of so many clicks; below
// 0 things are looked up in the database.
func inChunks(s *store.Store, clicks int) closing.Settlement {
	limits := closing.Limits{ChunkClicks: max(clicks, -clicks)}
	if clicks < 0 {
		limits.Things = 1
	}
	return closing.Settlement{
		Store: s, Month: crashMonth, Now: crashMonth.FreezeAt(), Limits: limits, Say: func(string, ...any) {},
	}
}

// breakOff settles the month and breaks off whenever there is progress to say.
func breakOff(t *testing.T, where string) {
	s, err := store.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for breaks := 0; ; breaks++ {
		ctx, cancel := context.WithCancel(context.Background())
		settlement := inChunks(s, 200)
		settlement.Say = func(format string, _ ...any) {
			if !strings.Contains(format, "posted the readers") { // which begins anew each time
				cancel()
			}
		}
		err := settlement.Settle(ctx)
		cancel()
		if errors.Is(err, closing.ErrDone) {
			if breaks < 6 {
				t.Errorf("it was broken off %d times only", breaks)
			}
			return
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

// settleAtOnce settles the month by as many stores as there are sizes of chunks.
func settleAtOnce(t *testing.T, where string, chunks ...int) {
	var work sync.WaitGroup
	for _, clicks := range chunks {
		work.Go(func() {
			s, err := store.Open(context.Background(), where)
			if err == nil {
				err = inChunks(s, clicks).Settle(context.Background())
				err = errors.Join(err, s.Close())
			}
			if err != nil && !errors.Is(err, closing.ErrDone) {
				t.Errorf("several settlements at once: %v", err)
			}
		})
	}
	work.Wait()
}
