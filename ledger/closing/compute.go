package closing

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Limits is how much compute keeps in memory, whatever the number of clicks,
// and how much work is lost when it is broken off. A field that is 0 has its
// default.
type Limits struct {
	ChunkClicks int // a chunk is written behind so many clicks
	ChunkThings int // or so many things with a sum
	Things      int // looked up in memory; where there are more, in the database
}

// What limits are by default.
const (
	chunkClicks  = 32 << 20  // a quarter of a minute; smaller ones would write more rows per click
	chunkThings  = 3 << 18   // what a table of 24 MiB holds, and 18 more while they are written
	paidInMemory = 3_000_000 // 32 MiB
)

// How readers are handed from the one who reads to the one who divides.
const (
	readersInBatch = 128
	batchesWaiting = 8
)

func (l Limits) orDefault() Limits {
	return Limits{
		ChunkClicks: cmp.Or(l.ChunkClicks, chunkClicks),
		ChunkThings: cmp.Or(l.ChunkThings, chunkThings),
		Things:      cmp.Or(l.Things, paidInMemory),
	}
}

// compute divides the budgets and sums what each thing and each author gets.
// Where another process does so too, they take turns: who comes second with a
// chunk drops it and goes on behind the other's.
func (s Settlement) compute(ctx context.Context) error {
	for {
		p, err := s.progress(ctx)
		if err != nil || p.State != flattr.Frozen {
			return err
		}
		if p.NextBucket < flattr.Buckets {
			err = s.divide(ctx, p.NextBucket)
		} else {
			err = s.sumAuthors(ctx, p.FeeBP)
		}
		if err != nil && !errors.Is(err, store.ErrMoved) {
			return err
		}
	}
}

// chunk is the sums of the buckets from start to before end.
type chunk struct {
	start, end int
	clicks     int
	sums       []store.ThingSum
}

// divide reads the clicks from a bucket on, divides each reader's budget and
// writes what things get: reading, dividing and writing go on side by side.
func (s Settlement) divide(ctx context.Context, from int) error {
	paid, err := s.paidThings(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []store.ReaderClicks, batchesWaiting)
	chunks := make(chan chunk)
	var work sync.WaitGroup
	work.Go(func() {
		defer close(batches)
		if err := s.read(ctx, from, paid == nil, batches); err != nil {
			cancel(err)
		}
	})
	work.Go(func() {
		defer close(chunks)
		d := division{month: s.Month, limits: s.Limits.orDefault(), paid: paid, sums: newSums(), chunk: chunk{start: from}}
		if err := d.run(ctx, batches, chunks); err != nil {
			cancel(err)
		}
	})
	for c := range chunks {
		if err := s.write(ctx, c); err != nil {
			cancel(err)
		}
	}
	work.Wait()
	return context.Cause(ctx)
}

// errManyThings ends the reading of things that do not fit into memory.
var errManyThings = errors.New("more things than are kept in memory")

// paidThings are the things whose clicks are no promises, or nil when there
// are so many that the database looks them up.
func (s Settlement) paidThings(ctx context.Context) (*paidThings, error) {
	paid := newPaidThings()
	most := s.Limits.orDefault().Things
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachPaidThing(s.Month, func(thing, target flattr.ThingID) error {
			if paid.used == most {
				return errManyThings
			}
			paid.add(thing, target)
			return nil
		})
	})
	if errors.Is(err, errManyThings) {
		return nil, nil
	}
	return paid, err
}

// read hands over the readers of the month from a bucket on.
func (s Settlement) read(ctx context.Context, from int, resolved bool, to chan<- []store.ReaderClicks) error {
	batch := make([]store.ReaderClicks, 0, readersInBatch)
	send := func() error {
		select {
		case to <- batch:
			batch = make([]store.ReaderClicks, 0, readersInBatch)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachReader(s.Month, from, resolved, func(r store.ReaderClicks) error {
			batch = append(batch, r)
			if len(batch) < cap(batch) {
				return nil
			}
			return send()
		})
	})
	if err != nil {
		return err
	}
	return send()
}

// write writes the sums of a chunk, or answers store.ErrMoved.
func (s Settlement) write(ctx context.Context, c chunk) error {
	err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddChunk(s.Month, c.start, c.end, c.sums) })
	if err == nil && c.end < flattr.Buckets {
		s.Say("%s: computed %d of %d buckets", s.Month, c.end, flattr.Buckets)
	}
	return err
}
