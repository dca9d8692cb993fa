package store

import (
	"fmt"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// The clicks of a reader are listed by their own time, page by page, also those
// that are late and count in a later month.
func TestFlattrsAreListedByTheirTime(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("11-10 12:00:00")
		ann := join(t, s, "ann", 50*money.Euro)
		if err := s.SetProfile(ctx, at("08-01 12:00:00"), ann, flattr.Profile{Public: true}); err != nil {
			t.Fatal(err)
		}
		for i, c := range []struct{ arrived, own string }{
			{"08-20 12:00:00", "08-20 12:00:00"},
			{"09-03 12:00:00", "09-03 12:00:00"},
			{"09-28 12:00:00", "09-28 12:00:00"},
			{"10-20 12:00:00", "09-10 12:00:00"}, // late
			{"10-21 12:00:00", "10-21 12:00:00"},
			{"11-09 12:00:00", "10-02 12:00:00"}, // late
			{"11-09 13:00:00", "11-09 13:00:00"},
		} {
			record(t, s, at(c.arrived), ann, click(i+1, fmt.Sprintf("https://bob.example/%d", i), at(c.own)))
		}
		for _, own := range []bool{true, false} {
			all, err := s.FlattrsOf(ctx, now, ann, own, 20, 0)
			if err != nil || len(all) != 7 {
				t.Fatalf("own %v: %d clicks, %v", own, len(all), err)
			}
			before := time.Time{}
			for i, f := range all {
				if i > 0 && !f.At.Before(before) {
					t.Errorf("own %v: %s stands below %s", own, f.At, before)
				}
				before = f.At
				for size := 1; size < 4; size++ {
					page, err := s.FlattrsOf(ctx, now, ann, own, size, i)
					if err != nil || len(page) != min(size, len(all)-i) || page[0].Thing.ID != f.Thing.ID || page[len(page)-1].Thing.ID != all[i+len(page)-1].Thing.ID {
						t.Errorf("own %v: %d clicks after %d are %+v, %v", own, size, i, page, err)
					}
				}
			}
		}
	})
}
