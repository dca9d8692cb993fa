package store

import (
	"context"
	"errors"
	"testing"

	"flattr/ledger/flattr"
)

// TestAChunkIsWrittenOnce writes chunks as two settlements at once would, which
// have begun at one bucket and come to different ends.
func TestAChunkIsWrittenOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		const month = flattr.Month(202610)
		write := func(start, end, gross int) error {
			return s.Write(ctx, func(tx *Tx) error {
				return tx.AddChunk(month, start, end, []ThingSum{{Thing: 7, Clicks: 1, Gross: 1}, {Thing: 9, Clicks: 1, Gross: 2}}[:gross])
			})
		}
		if err := write(0, 100, 1); !errors.Is(err, ErrMoved) {
			t.Errorf("a chunk of a month that is not frozen: %v, want %v", err, ErrMoved)
		}
		err := s.Write(ctx, func(tx *Tx) error { return tx.FreezeThrough(month.FreezeAt(), month) })
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			start, end int
			want       error
		}{
			{0, 100, nil},
			{0, 100, ErrMoved},
			{0, 200, ErrMoved},
			{50, 200, ErrMoved},
			{200, 300, ErrMoved},
			{100, 200, nil},
			{0, 200, ErrMoved},
			{200, flattr.Buckets, nil},
			{200, flattr.Buckets, ErrMoved},
		} {
			if err := write(c.start, c.end, 2); !errors.Is(err, c.want) {
				t.Errorf("the chunk from %d to %d: %v, want %v", c.start, c.end, err, c.want)
			}
		}
		rows := 0
		err = s.View(ctx, func(tx *Tx) error {
			return tx.row("SELECT COUNT(*) FROM thing_sum WHERE month = $1", int32(month)).Scan(&rows)
		})
		if err != nil || rows != 6 {
			t.Errorf("%d sums are kept (%v), want those of three chunks, 6", rows, err)
		}
	})
}

func TestWhatAnotherProcessHasComputedStays(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		const month = flattr.Month(202610)
		late := func(tx *Tx) error {
			return errors.Join(
				tx.AddEarnings(month, []Earning{{Author: 1, Thing: 1, Clicks: 1, Gross: 1}}),
				tx.AddAuthorSums(month, []AuthorSum{{Author: 1, Clicks: 1, Gross: 1, Net: 1}}),
			)
		}
		err := s.Write(ctx, func(tx *Tx) error {
			if err := tx.FreezeThrough(month.FreezeAt(), month); err != nil {
				return err
			}
			return tx.Advance(month, flattr.Frozen, flattr.Computed)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(ctx, late); !errors.Is(err, ErrMoved) {
			t.Errorf("earnings of a month that is computed: %v, want %v", err, ErrMoved)
		}
	})
}
