package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"flattr/ledger/flattr"
)

// mostTogether is how many events wait at most to be written in one
// transaction, unless a single batch is longer: the last of them waits a tenth of
// a second for the others.
const mostTogether = 4000

// togetherAttempts is how often a transaction that loses against another one is
// tried before each batch has one of its own.
const togetherAttempts = 3

// together lets batches that wait for the one writer of a database be written
// in one transaction: each touches pages all over the tables, and what several
// of them touch is written, and made durable, once.
type together struct {
	store   *Store
	turn    chan struct{} // who has put something in writes what waits
	lock    sync.Mutex
	waiting []*delivery
}

// delivery is a batch of a reader on its way.
type delivery struct {
	ctx      context.Context // of who waits for it
	now      time.Time
	reader   flattr.MemberID
	arrivals []*arrival
	sums     bool // whether means and months are wanted in the answer
	answer   Answer
	err      error
	done     chan struct{} // is closed when answer or err are there
}

func newTogether(s *Store) *together { return &together{store: s, turn: make(chan struct{}, 1)} }

// deliver records a batch and, where that is wanted, sums up. When ctx is over
// before the batch had its turn, nothing of it is kept.
func (g *together) deliver(ctx context.Context, now time.Time, reader flattr.MemberID, events []flattr.Event, sums bool) (Answer, error) {
	d := &delivery{ctx: ctx, now: now, reader: reader, arrivals: arriveAll(now, reader, events), sums: sums, done: make(chan struct{})}
	g.lock.Lock()
	g.waiting = append(g.waiting, d)
	g.lock.Unlock()
	err := ctx.Err()
	for err == nil {
		select {
		case g.turn <- struct{}{}:
			err = g.write(ctx)
		case <-d.done: // perhaps somebody else has written it
			return d.result()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if g.withdraw(d) {
		return Answer{}, err
	}
	return d.result() // it is being written
}

// result waits until the batch was written, or was not.
func (d *delivery) result() (Answer, error) {
	<-d.done
	if d.err != nil {
		return Answer{}, d.err // what there is of an answer was rolled back
	}
	return d.answer, nil
}

// withdraw takes a batch back that nobody has begun to write.
func (g *together) withdraw(d *delivery) bool {
	g.lock.Lock()
	defer g.lock.Unlock()
	i := slices.Index(g.waiting, d)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// nothing reports whether no batch waits.
func (g *together) nothing() bool {
	g.lock.Lock()
	defer g.lock.Unlock()
	return len(g.waiting) == 0
}

// take takes the batches that are written next: those that came first.
func (g *together) take() []*delivery {
	g.lock.Lock()
	defer g.lock.Unlock()
	n, events := 0, 0
	for n < len(g.waiting) && (n == 0 || events+len(g.waiting[n].arrivals) <= mostTogether) {
		events += len(g.waiting[n].arrivals)
		n++
	}
	batches := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return batches
}

var errUnwritten = errors.New("the batch was not written")

// write writes what waits when the writer is free, in one transaction. It answers
// why it had none. The log is taken over when all have their answers and somebody
// else has the turn.
func (g *together) write(ctx context.Context) error {
	changed, err := g.inTurn(ctx)
	if changed > 0 && g.store.committed != nil {
		g.store.committed(ctx, changed)
	}
	return err
}

// inTurn is write without taking the log over; it ends the turn. Where the
// transaction fails each batch has one of its own, so that none suffers from what
// is wrong with another.
func (g *together) inTurn(ctx context.Context) (changed int64, err error) {
	defer func() { <-g.turn }()
	if g.nothing() {
		return 0, nil
	}
	var batches []*delivery
	defer func() {
		for _, d := range batches {
			close(d.done)
		}
	}()
	for attempt := 1; ; attempt++ {
		changed, err = g.store.transact(ctx, order{writes: true, keep: true, shared: true}, func(tx *Tx) error {
			if batches == nil {
				batches = g.take()
			}
			for _, d := range batches {
				d.err = errUnwritten // should the writing panic
			}
			return tx.deliver(batches)
		})
		if err == nil || !g.store.again(err) || attempt == togetherAttempts {
			break
		}
	}
	lost := err != nil && g.store.again(err)
	err = g.store.named(err)
	if batches == nil {
		return 0, err
	}
	for i, d := range batches {
		if d.err = err; lost || err != nil && len(batches) > 1 {
			d.err = g.store.write(d.ctx, func(tx *Tx) error { return tx.deliver(batches[i : i+1]) })
		}
	}
	return changed, nil
}

// deliver records batches and fills in their answers.
func (tx *Tx) deliver(batches []*delivery) error {
	var arrivals []*arrival
	for _, d := range batches {
		arrivals = append(arrivals, d.arrivals...)
	}
	outcomes, err := tx.recordAll(arrivals)
	if err != nil {
		return err
	}
	for _, d := range batches {
		n := len(d.arrivals)
		d.answer.Outcomes, outcomes = outcomes[:n:n], outcomes[n:]
		if !d.sums {
			continue
		}
		if err := tx.due(d.now, d.reader); err != nil && flattr.CodeOf(err) != flattr.NotFound {
			return err
		}
		if d.answer.Means, d.answer.Months, err = tx.summaries(d.now, d.reader); err != nil {
			return err
		}
	}
	return nil
}
