// Package closing drives a month through its states: open, frozen, computed,
// posted, closed.
//
// Each step can be done twice and goes on where it was broken off: what it
// writes has keys made from the month, and a row that is there stays.
package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// ErrClosed is what Settle answers to a month that was closed before.
var ErrClosed = errors.New("closed already")

// rowsPerTransaction is how many rows compute and post write at once: enough
// that the disk is not asked for each, few enough that clicks need not wait.
const rowsPerTransaction = 5000

// Settlement is the work on one month.
type Settlement struct {
	Store *store.Store
	Month flattr.Month
	Now   time.Time
	Say   func(format string, args ...any) // progress, for the operator
}

// Settle brings the month from wherever it stands to closed, after freezing
// the open months before it. It refuses with month_open before the month's
// grace is over.
func (s Settlement) Settle(ctx context.Context) error {
	p, err := s.progress(ctx)
	if err != nil {
		return err
	}
	if p.State == flattr.Closed {
		return fmt.Errorf("%s is %w; nothing was changed", s.Month, ErrClosed)
	}
	for p.State != flattr.Closed {
		before := p.State
		var step func(context.Context, store.Progress) error
		switch p.State {
		case flattr.Open:
			step = s.freeze
		case flattr.Frozen:
			step = s.compute
		case flattr.Computed:
			step = s.post
		case flattr.Posted:
			step = s.close
		case flattr.Closed:
			return nil
		default:
			return fmt.Errorf("month %s has the unknown state %q", s.Month, p.State)
		}
		if err := step(ctx, p); err != nil {
			return err
		}
		if p, err = s.progress(ctx); err != nil {
			return err
		}
		if p.State == before {
			return fmt.Errorf("month %s stays %s", s.Month, before)
		}
		s.Say("%s: %s", s.Month, p.State)
	}
	return nil
}

func (s Settlement) progress(ctx context.Context) (p store.Progress, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		p, err = tx.Progress(s.Month)
		return err
	})
	return p, err
}

// freeze freezes the month and the open ones before it, whose grace is over
// all the more.
func (s Settlement) freeze(ctx context.Context, _ store.Progress) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.FreezeThrough(s.Now, s.Month) })
}

// compute divides the budgets, bucket by bucket, and sums what each thing and
// each author gets.
func (s Settlement) compute(ctx context.Context, p store.Progress) error {
	c := &computation{Settlement: s, ctx: ctx, said: p.NextBucket}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachCounted(s.Month, p.NextBucket, c.take)
	})
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		return err
	}
	if err := s.sumAuthors(ctx, p.FeeBP); err != nil {
		return err
	}
	return s.advance(ctx, flattr.Frozen, flattr.Computed)
}

func (s Settlement) advance(ctx context.Context, from, to flattr.State) error {
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.Advance(s.Month, from, to) })
}

// computation holds the clicks of one reader, the sums of one bucket, and the
// sums that wait to be written; nothing grows with the number of clicks.
type computation struct {
	Settlement
	ctx    context.Context
	clicks []settle.Click
	reader flattr.MemberID
	budget money.Micro
	bucket int
	sums   map[flattr.ThingID]store.ThingSum
	ready  []store.ThingSum
	said   int
}

// take takes the next click in the order of bucket, reader and thing.
func (c *computation) take(click store.CountedClick) error {
	if click.Reader != c.reader {
		if err := c.endReader(); err != nil {
			return err
		}
		if click.Bucket != c.bucket {
			if err := c.endBucket(click.Bucket); err != nil {
				return err
			}
		}
		c.reader, c.budget = click.Reader, click.Budget
	}
	c.clicks = append(c.clicks, settle.Click{ID: click.ID, Thing: click.Thing, Owner: click.Owner, Late: click.Late})
	return nil
}

// endReader divides the reader's budget.
func (c *computation) endReader() error {
	shares, _ := settle.Shares(c.Month, c.budget, c.clicks)
	if c.sums == nil {
		c.sums = make(map[flattr.ThingID]store.ThingSum)
	}
	for i, click := range c.clicks {
		if click.Owner == 0 {
			continue
		}
		sum := c.sums[click.Thing]
		var err error
		if sum.Gross, err = money.Add(sum.Gross, shares[i]); err != nil {
			return fmt.Errorf("sum thing %d: %w", click.Thing, err)
		}
		sum.Clicks++
		c.sums[click.Thing] = sum
	}
	c.clicks = c.clicks[:0]
	return nil
}

// endBucket puts the bucket's sums aside and writes them when they are many.
func (c *computation) endBucket(next int) error {
	for thing, sum := range c.sums {
		sum.Bucket, sum.Thing = c.bucket, thing
		c.ready = append(c.ready, sum)
	}
	clear(c.sums)
	c.bucket = next
	if len(c.ready) >= rowsPerTransaction {
		return c.write(next)
	}
	return nil
}

func (c *computation) write(nextBucket int) error {
	err := c.Store.Write(c.ctx, func(tx *store.Tx) error {
		return tx.AddThingSums(c.Month, c.ready, nextBucket)
	})
	c.ready = c.ready[:0]
	if nextBucket >= c.said+flattr.Buckets/8 {
		c.said = nextBucket
		c.Say("%s: computed %d of %d buckets", c.Month, nextBucket, flattr.Buckets)
	}
	return err
}

func (c *computation) finish() error {
	if err := c.endReader(); err != nil {
		return err
	}
	if err := c.endBucket(flattr.Buckets); err != nil {
		return err
	}
	return c.write(flattr.Buckets)
}

// sumAuthors sums the things of each author and takes the fee.
func (s Settlement) sumAuthors(ctx context.Context, feeBP int) error {
	var ready []store.AuthorSum
	author := settle.Author{}
	write := func() error {
		err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddAuthorSums(s.Month, ready) })
		ready = ready[:0]
		return err
	}
	end := func() error {
		if author.ID == 0 {
			return nil
		}
		author.Charge(feeBP)
		ready = append(ready, store.AuthorSum{
			Author: author.ID, Clicks: author.Clicks, Gross: author.Gross, Fee: author.Fee, Net: author.Net,
		})
		if len(ready) >= rowsPerTransaction {
			return write()
		}
		return nil
	}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachOwnedSum(s.Month, func(sum store.OwnedSum) error {
			if sum.Owner != author.ID {
				if err := end(); err != nil {
					return err
				}
				author = settle.Author{ID: sum.Owner}
			}
			var err error
			author.Clicks += sum.Clicks
			author.Gross, err = money.Add(author.Gross, sum.Gross)
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	return write()
}

// post books what readers give, then what authors earn.
func (s Settlement) post(ctx context.Context, _ store.Progress) error {
	var reader flattr.MemberID
	for {
		var transfers []book.Transfer
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			budgets, err := tx.Budgets(s.Month, reader)
			if err != nil || len(budgets) == 0 {
				reader = 0
				return err
			}
			for _, b := range budgets {
				if b.Budget > 0 {
					transfers = append(transfers, settle.Give(s.Month, b.Reader, b.Budget))
				}
			}
			reader = budgets[len(budgets)-1].Reader
			return tx.Post(s.Now, transfers)
		})
		if err != nil {
			return err
		}
		if reader == 0 {
			break
		}
	}
	return s.postAuthors(ctx)
}

// postAuthors books what authors earn, and ends the step when clearing is 0.
func (s Settlement) postAuthors(ctx context.Context) error {
	var author flattr.MemberID
	for {
		err := s.Store.Write(ctx, func(tx *store.Tx) error {
			sums, err := tx.AuthorSums(s.Month, author)
			if err != nil {
				return err
			}
			if len(sums) == 0 {
				author = 0
				left, err := tx.ClearingBalance(s.Month)
				if err != nil {
					return err
				}
				if left != 0 {
					return fmt.Errorf("the clearing of %s ends at %d micro-EUR instead of 0: the database is damaged; run audit", s.Month, int64(left))
				}
				return tx.Advance(s.Month, flattr.Computed, flattr.Posted)
			}
			var transfers []book.Transfer
			for _, a := range sums {
				transfers = append(transfers, settle.Earn(s.Month, settle.Author{ID: a.Author, Fee: a.Fee, Net: a.Net})...)
			}
			author = sums[len(sums)-1].Author
			return tx.Post(s.Now, transfers)
		})
		if err != nil || author == 0 {
			return err
		}
	}
}

// close ends the month for good.
func (s Settlement) close(ctx context.Context, _ store.Progress) error {
	return s.advance(ctx, flattr.Posted, flattr.Closed)
}
