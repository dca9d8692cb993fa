package store

import (
	"context"
	"math"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Programs that keep numbers in 32 bits can name what is listed; what one reader
// alone has met is found by nobody who counts up.
func TestWhatIsListedHasAShortID(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		if err := s.Write(ctx, func(tx *Tx) error { return tx.Claim(now, bob, "https://bob.example/") }); err != nil {
			t.Fatal(err)
		}
		met := record(t, s, now, ann, click(1, "https://bob.example/1", now))
		alone := record(t, s, now, ann, click(2, "https://somebody.example/private", now))
		for what, c := range map[string]struct {
			id    flattr.ThingID
			short bool
		}{
			"registered":        {registered(t, s, ann, flattr.ThingRef{URL: "https://ann.example/1"}), true},
			"registered hidden": {registered(t, s, ann, flattr.ThingRef{URL: "https://ann.example/2", Hidden: true}), false},
			"claimed":           {met.ThingID, true},
			"of nobody":         {alone.ThingID, false},
		} {
			if c.id < 1 || c.short != (c.id <= math.MaxInt32) {
				t.Errorf("%s: id %d, want it within 32 bits: %v", what, c.id, c.short)
			}
		}
	})
}
