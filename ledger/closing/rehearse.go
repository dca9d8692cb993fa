package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Preview is what a settlement would come to.
type Preview struct {
	Month, Before store.Overview    // before: the month before this one
	Largest       []store.AuthorSum // who would get most, largest first
}

// errChunkFull ends the reading of clicks at the end of a chunk.
var errChunkFull = errors.New("the chunk is full")

// Rehearse answers what Settle would do, and changes nothing. It names so many
// of the authors who would get most. Clicks wait while it runs. It refuses like
// Settle, and with clock_back where wall, the time of the wall clock, has been.
func (s Settlement) Rehearse(ctx context.Context, wall time.Time, largest int) (Preview, error) {
	var preview Preview
	err := s.Store.Rehearse(ctx, func(tx *store.Tx) error {
		if err := tx.Stamp(wall); err != nil {
			return err
		}
		p, err := tx.Progress(s.Month)
		if err != nil {
			return err
		}
		if p.State == flattr.Closed {
			return fmt.Errorf("%s is closed already; %w", s.Month, ErrDone)
		}
		if p.State == flattr.Open {
			if err := tx.FreezeThrough(s.Now, s.Month); err != nil {
				return err
			}
			if p, err = tx.Progress(s.Month); err != nil {
				return err
			}
		}
		if p.State == flattr.Frozen {
			if err := s.computeIn(tx, p); err != nil {
				return err
			}
		}
		if preview.Month, err = tx.Overview(s.Month); err != nil {
			return err
		}
		if preview.Before, err = tx.Overview(s.Month.Prev()); err != nil {
			return err
		}
		preview.Largest, err = tx.LargestAuthors(s.Month, largest)
		return err
	})
	return preview, err
}

// computeIn is compute inside one transaction: there, reading and writing
// cannot go on side by side.
func (s Settlement) computeIn(tx *store.Tx, p store.Progress) error {
	for start := p.NextBucket; start < flattr.Buckets; {
		d := division{month: s.Month, limits: s.Limits.orDefault(), sums: newSums()}
		end := flattr.Buckets
		err := tx.EachReader(s.Month, start, true, func(r store.ReaderClicks) error {
			if r.Bucket != d.bucket && d.full() {
				end = r.Bucket
				return errChunkFull
			}
			d.bucket = r.Bucket
			return d.reader(r)
		})
		if err != nil && !errors.Is(err, errChunkFull) {
			return err
		}
		if err := tx.AddChunk(s.Month, start, end, d.sums.take()); err != nil {
			return err
		}
		start = end
	}
	var earned []store.Earning // of all things: nothing can be written while they are read
	err := eachThing(tx, s.Month, func(of []store.Earning) error {
		earned = append(earned, of...)
		return nil
	})
	if err != nil {
		return err
	}
	if err := tx.AddEarnings(s.Month, earned); err != nil {
		return err
	}
	var sums []store.AuthorSum
	err = tx.EachAuthorGross(s.Month, func(sum store.AuthorSum) error {
		sums = append(sums, charged(sum, p.FeeBP))
		return nil
	})
	if err != nil {
		return err
	}
	return tx.AddAuthorSums(s.Month, sums)
}
