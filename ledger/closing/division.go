package closing

import (
	"context"
	"fmt"

	"flattr/ledger/flattr"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// division divides budgets and sums what things get, chunk by chunk.
type division struct {
	month  flattr.Month
	limits Limits
	paid   *paidThings // nil: things come resolved
	sums   *sums
	chunk  chunk // that is being summed
	bucket int   // of the last reader

	divider settle.Divider
	things  []flattr.ThingID // of one reader
	ids     []flattr.EventID
}

// run takes readers and hands over chunks, until there are no more readers.
func (d *division) run(ctx context.Context, from <-chan []store.ReaderClicks, to chan<- chunk) error {
	send := func(end int) error {
		c := d.chunk
		c.end, c.sums = end, d.sums.take()
		d.chunk = chunk{start: end}
		select {
		case to <- c:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for batch := range from {
		for _, r := range batch {
			if r.Bucket != d.bucket && d.full() {
				if err := send(r.Bucket); err != nil {
					return err
				}
			}
			d.bucket = r.Bucket
			if err := d.reader(r); err != nil {
				return err
			}
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err // what was read is not all there is
	}
	return send(flattr.Buckets)
}

// full reports whether the chunk is to end at the next bucket.
func (d *division) full() bool {
	return d.chunk.clicks >= d.limits.ChunkClicks || d.sums.used >= d.limits.ChunkThings
}

// reader divides the budget of one reader over what is no promise.
func (d *division) reader(r store.ReaderClicks) error {
	things, ids, err := r.Unpack(d.things[:0], d.ids[:0])
	if err != nil {
		return err
	}
	d.things, d.ids = things, ids
	d.chunk.clicks += len(ids)
	if d.paid != nil {
		for i, thing := range things {
			things[i] = d.paid.target(thing)
		}
	}
	paid, shares := d.divider.Shares(d.month, r.Budget, things, ids)
	if len(paid) > 0 && r.Budget <= 0 {
		return fmt.Errorf("the database is damaged: reader %d, who has clicks on things with an owner, gives nothing", r.Reader)
	}
	for i, thing := range paid {
		if err := d.sums.give(thing, shares[i]); err != nil {
			return fmt.Errorf("sum thing %d: %w", thing, err)
		}
	}
	return nil
}
