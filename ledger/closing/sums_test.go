package closing

import (
	"math/rand/v2"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// TestTablesKeepWhatIsPutIn compares the tables with maps.
func TestTablesKeepWhatIsPutIn(t *testing.T) {
	const seed = 31
	random := rand.New(rand.NewPCG(seed, 0))
	const things = 20_000
	paid, targets := newPaidThings(), make(map[flattr.ThingID]flattr.ThingID)
	for len(targets) < things {
		thing := flattr.ThingID(1 + random.Int64N(1<<52))
		target := thing
		if random.IntN(10) == 0 {
			target = flattr.ThingID(1 + random.Int64N(1<<52))
		}
		if _, known := targets[thing]; !known {
			targets[thing] = target
			paid.add(thing, target)
		}
	}
	for thing, target := range targets {
		if got := paid.target(thing); got != target {
			t.Fatalf("seed %d: thing %d leads to %d, want %d", seed, thing, got, target)
		}
	}
	for range things {
		thing := flattr.ThingID(1 + random.Int64N(1<<52))
		if got := paid.target(thing); got != targets[thing] {
			t.Fatalf("seed %d: thing %d, which nobody has, leads to %d", seed, thing, got)
		}
	}
	s := newSums()
	for round := range 3 {
		want := make(map[flattr.ThingID]money.Micro)
		for range things {
			thing, share := flattr.ThingID(1+random.Int64N(things/2)), money.Micro(random.Int64N(1000))
			want[thing] += share
			if err := s.give(thing, share); err != nil {
				t.Fatal(err)
			}
		}
		last := flattr.ThingID(0)
		taken := s.take()
		for _, sum := range taken {
			if sum.Thing <= last || sum.Gross != want[sum.Thing] {
				t.Fatalf("seed %d, round %d: thing %d behind %d has %d, want %d", seed, round, sum.Thing, last, sum.Gross, want[sum.Thing])
			}
			last = sum.Thing
		}
		if len(taken) != len(want) {
			t.Fatalf("seed %d, round %d: %d things, want %d", seed, round, len(taken), len(want))
		}
	}
}

func TestASumBeyondAnIntegerIsAnError(t *testing.T) {
	s := newSums()
	if err := s.give(1, 1<<63-1); err != nil {
		t.Fatal(err)
	}
	if err := s.give(1, 1); err == nil {
		t.Error("the sum has overflown, and nobody said so")
	}
}
