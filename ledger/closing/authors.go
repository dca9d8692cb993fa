package closing

import (
	"cmp"
	"context"
	"slices"

	"flattr/ledger/flattr"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// rowsPerTransaction is how many rows of authors are written at once: enough
// that a page of the database is not written again and again, few enough that
// clicks need not wait longer than half a second.
const rowsPerTransaction = 50_000

// sumAuthors splits what each thing got among its authors, sums the things of
// each author, takes the fee, and ends the step.
func (s Settlement) sumAuthors(ctx context.Context, feeBP int) error {
	if err := s.addEarnings(ctx); err != nil {
		return err
	}
	var ready []store.AuthorSum
	write := func() error {
		err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddAuthorSums(s.Month, ready) })
		ready = ready[:0]
		return err
	}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachAuthorGross(s.Month, func(sum store.AuthorSum) error {
			if ready = append(ready, charged(sum, feeBP)); len(ready) < rowsPerTransaction {
				return nil
			}
			return write()
		})
	})
	if err == nil {
		err = write()
	}
	if err != nil {
		return err
	}
	return s.advance(ctx, flattr.Frozen, flattr.Computed)
}

// addEarnings writes what each thing brings each of its authors.
func (s Settlement) addEarnings(ctx context.Context) error {
	var ready []store.Earning
	write := func() error {
		// In the order of the key, neighbours are written together.
		slices.SortFunc(ready, func(a, b store.Earning) int {
			return cmp.Or(cmp.Compare(a.Author, b.Author), cmp.Compare(a.Thing, b.Thing))
		})
		err := s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AddEarnings(s.Month, ready) })
		ready = ready[:0]
		return err
	}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		return eachThing(tx, s.Month, func(earned []store.Earning) error {
			if ready = append(ready, earned...); len(ready) < rowsPerTransaction {
				return nil
			}
			return write()
		})
	})
	if err == nil {
		err = write()
	}
	return err
}

// eachThing hands over what each thing of a divided month brings its authors.
func eachThing(tx *store.Tx, month flattr.Month, use func([]store.Earning) error) error {
	var thing []store.ThingShare // the rows of one thing
	err := tx.EachThingShare(month, func(share store.ThingShare) error {
		if len(thing) > 0 && thing[0].Thing != share.Thing {
			if err := use(earnings(thing)); err != nil {
				return err
			}
			thing = thing[:0]
		}
		thing = append(thing, share)
		return nil
	})
	if err == nil && len(thing) > 0 {
		err = use(earnings(thing))
	}
	return err
}

// earnings is what a thing brings its authors, whose rows are given.
func earnings(thing []store.ThingShare) []store.Earning {
	first := thing[0]
	if first.Author == 0 {
		return []store.Earning{{Author: first.Owner, Thing: first.Thing, Clicks: first.Clicks, Gross: first.Gross}}
	}
	parts := make([]flattr.Part, len(thing))
	for i, t := range thing {
		parts[i] = flattr.Part{Author: t.Author, BP: t.BP}
	}
	earned := make([]store.Earning, len(thing))
	for i, gross := range settle.Parts(first.Gross, parts) {
		earned[i] = store.Earning{Author: parts[i].Author, Thing: first.Thing, Clicks: first.Clicks, Gross: gross}
	}
	return earned
}

// charged is what an author earns, with the fee taken.
func charged(sum store.AuthorSum, feeBP int) store.AuthorSum {
	author := settle.Author{ID: sum.Author, Gross: sum.Gross}
	author.Charge(feeBP)
	sum.Fee, sum.Net = author.Fee, author.Net
	return sum
}
