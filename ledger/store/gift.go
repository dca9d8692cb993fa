package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Given is what goes from one member to another.
type Given struct{ Means, Revenue money.Micro }

// Sum is all of it.
func (g Given) Sum() money.Micro { return g.Means + g.Revenue }

// Givable is what a member can give away: unspent means, and the revenue that is
// not held back because a thing has changed hands. It is nothing while something is
// owed, or the revenue is below zero.
func (s *Store) Givable(ctx context.Context, now time.Time, giver flattr.MemberID) (g Given, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		g, _, err = tx.givable(now, giver)
		return err
	})
	return g, err
}

func (tx *Tx) givable(now time.Time, giver flattr.MemberID) (g Given, has Standing, err error) {
	if has, err = tx.standing(giver); err != nil || has.Owed > 0 || has.Revenue < 0 {
		return Given{}, has, err
	}
	u, err := tx.unspent(now, giver)
	return Given{has.Means, u.Free}, has, err
}

// Present moves what a member can give away (Givable) to the means of another, as a
// gift, tells how much that was, and sends the giver a letter. told is the sum of
// which the giver was told, or 0 where that is not known. It refuses with
// not_found, with invalid_request a gift to oneself, with no_means where there is
// nothing, and with once where it is another sum than told by now.
func (s *Store) Present(ctx context.Context, now time.Time, from, to string, told money.Micro) (g Given, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		giver, err := tx.memberByName(from)
		if err != nil {
			return err
		}
		taker, err := tx.memberByName(to)
		if err != nil {
			return err
		}
		g, err = tx.present(now, giver, taker, told)
		return err
	})
	return g, err
}

func (tx *Tx) present(now time.Time, giver, taker flattr.Member, told money.Micro) (g Given, err error) {
	if giver.ID == taker.ID {
		return g, flattr.Refuse(flattr.Invalid, "A gift goes to another member. Name two.")
	}
	if err := errors.Join(tx.due(now, giver.ID), tx.due(now, taker.ID)); err != nil {
		return g, err
	}
	g, has, err := tx.givable(now, giver.ID)
	switch {
	case err != nil:
		return g, err
	case g.Sum() == 0:
		return g, nothingToGive(giver.Name, has)
	case told != 0 && told != g.Sum():
		return g, flattr.Refuse(flattr.Once, fmt.Sprintf("It is %s EUR by now, not %s EUR. Nothing was given. See what is there.", g.Sum(), told))
	}
	for i, part := range []struct {
		of     book.Account
		amount money.Micro
	}{{meansOf(giver.ID), g.Means}, {revenueOf(giver.ID), g.Revenue}} {
		if part.amount == 0 {
			continue
		}
		b, err := tx.sides(part.of)
		if err != nil {
			return g, err
		}
		if _, err := tx.spendable(part.of, part.amount); err != nil {
			return g, err
		}
		// What went out before tells one gift from the next.
		cause := fmt.Sprintf("gift:%d:%d:%d", giver.ID, i, int64(b.Debits))
		in := book.New(cause, book.Present, part.of, meansOf(taker.ID), part.of, part.amount)
		if err := tx.receive(now, taker.ID, in); err != nil {
			return g, err
		}
	}
	if err := tx.notify(now, giver.ID, LetterGift, fmt.Sprintf("%d %s", g.Sum(), taker.Name)); err != nil {
		return g, err
	}
	return g, tx.retry(now, giver.ID)
}

// nothingToGive says why a member gives nothing.
func nothingToGive(name string, has Standing) *flattr.Error {
	switch {
	case has.Owed > 0:
		return flattr.Refuse(flattr.NoMeans, fmt.Sprintf("%s owes %s EUR and cannot give before that is repaid.", name, has.Owed))
	case has.Revenue < 0:
		return flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
			"The revenue of %s is %s EUR, and %[1]s cannot give before later months have set that off.", name, has.Revenue))
	case has.Revenue > 0:
		return flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
			"The revenue of %s is held back for a week, because a site has changed its owner. Give it after that.", name))
	}
	return flattr.Refuse(flattr.NoMeans, fmt.Sprintf("%s has nothing to give.", name))
}
