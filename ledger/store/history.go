package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// GivenMonth is what a reader gave in a month that is frozen: nothing in it
// changes any more. Before it is closed, the money is still to be booked.
type GivenMonth struct {
	Month    flattr.Month
	State    flattr.State
	FrozenAt time.Time
	Budget   money.Micro // what was divided; 0 where there are promises only
	Clicks   int         // over which it was divided
	Promises int
	Share    money.Micro // of one click, rounded down; 0 without clicks
	Held     money.Micro // still set aside for it
}

const selectGivenMonths = `
SELECT m.month, m.state, COALESCE(m.frozen_at, 0), b.budget
FROM month m JOIN snapshot_budget b ON b.month = m.month AND b.bucket = $1 AND b.reader = $2
WHERE m.state <> 'open' AND m.month < $3 AND m.month >= $4 ORDER BY m.month DESC LIMIT $5`

// GivenMonths are the frozen months before a month, from another one on, in
// which a reader had clicks that count, the latest first and at most so many.
func (s *Store) GivenMonths(ctx context.Context, reader flattr.MemberID, before, from flattr.Month, most int) (months []GivenMonth, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		months, err = tx.givenMonths(reader, before, from, most)
		return err
	})
	return months, err
}

func (tx *Tx) givenMonths(reader flattr.MemberID, before, from flattr.Month, most int) (months []GivenMonth, err error) {
	err = tx.each(selectGivenMonths, func(rows *sql.Rows) error {
		var m GivenMonth
		var at int64
		err := rows.Scan(&m.Month, &m.State, &at, &m.Budget)
		m.FrozenAt = timeOf(at)
		months = append(months, m)
		return err
	}, reader.Bucket(), int64(reader), int32(before), int32(from), most)
	if err != nil {
		return nil, fmt.Errorf("read months of a reader: %w", err)
	}
	for i := range months {
		m := &months[i]
		if m.Clicks, m.Promises, err = tx.paid(reader, m.Month); err != nil {
			return nil, err
		}
		if m.Clicks > 0 {
			m.Share, _ = money.Split(m.Budget, m.Clicks)
		}
		if m.State == flattr.Closed {
			continue
		}
		if m.Held, err = tx.balance(heldOf(reader, m.Month)); err != nil {
			return nil, err
		}
	}
	return months, nil
}

// Given is one month of a reader: as it stands where it is open, else as it is
// divided. A month without clicks has nothing but its state.
func (s *Store) Given(ctx context.Context, now time.Time, reader flattr.MemberID, month flattr.Month) (m GivenMonth, err error) {
	if err := s.begin(ctx, now, reader); err != nil {
		return m, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		m = GivenMonth{Month: month}
		if m.State, err = tx.state(month); err != nil {
			return err
		}
		if m.State == flattr.Open {
			sum, err := tx.summary(reader, month, flattr.Running)
			m.Budget, m.Held, m.Clicks, m.Promises, m.Share = sum.Budget, sum.Held, sum.Clicks, sum.Promises, sum.Share
			return err
		}
		given, err := tx.givenMonths(reader, month.Next(), month, 1)
		if len(given) > 0 {
			m = given[0]
		}
		return err
	})
	return m, err
}

const selectGivenYears = `
SELECT DISTINCT b.month / 100 FROM snapshot_budget b
WHERE b.month IN (SELECT month FROM month WHERE state <> 'open') AND b.bucket = $1 AND b.reader = $2 ORDER BY 1 DESC`

// GivenYears are the years of a reader's frozen months, the latest first.
func (s *Store) GivenYears(ctx context.Context, reader flattr.MemberID) (years []int, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		years = nil
		return tx.each(selectGivenYears, func(rows *sql.Rows) error {
			var year int
			err := rows.Scan(&year)
			years = append(years, year)
			return err
		}, reader.Bucket(), int64(reader))
	})
	if err != nil {
		return nil, fmt.Errorf("read years of a reader: %w", err)
	}
	return years, nil
}

// GivenTo is what a reader gave for the things of one owner.
type GivenTo struct {
	Owner  flattr.MemberID
	Name   string // as it is today
	Clicks int
	Shared int // of these, on things that the owner shares with others
	Amount money.Micro
}

// GivenList is what a reader gave in a year, by the owner of what was
// flattred.
type GivenList struct {
	Owners []GivenTo // a page of them: who got most first, ties by id
	Total  int       // owners in all
	Most   money.Micro
	Clicks int         // of all owners
	Amount money.Micro // of all owners: the budgets of the months, to the unit
}

// The clicks of a reader in a frozen month that are no promises, and who had a
// part in what they brought beside the owner.
const selectGivenClicks = `
SELECT c.click, o.owner,
       CASE WHEN EXISTS (SELECT 1 FROM snapshot_part p WHERE p.month = o.month AND p.thing = COALESCE(o.target, o.thing)) THEN 1 ELSE 0 END
FROM counted c JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND o.owner IS NOT NULL`

// maxGivenMonths bounds the months that are read for one list of owners.
const maxGivenMonths = 12

// GivenTo sums what a reader gave in the frozen months of a year by the owners
// of what was flattred: a page of them, after offset.
func (s *Store) GivenTo(ctx context.Context, reader flattr.MemberID, year, limit, offset int) (list GivenList, err error) {
	first := flattr.Month(year*100 + 1)
	months, err := s.GivenMonths(ctx, reader, first.Add(maxGivenMonths), first, maxGivenMonths)
	if err != nil {
		return list, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		list = GivenList{}
		by := make(map[flattr.MemberID]*GivenTo)
		var split flattr.Splitter
		for _, m := range months {
			if err := tx.giveTo(by, &split, reader, m); err != nil {
				return err
			}
		}
		for _, to := range by {
			list.Owners = append(list.Owners, *to)
			list.Clicks += to.Clicks
			list.Amount += to.Amount
			list.Most = max(list.Most, to.Amount)
		}
		list.Total = len(list.Owners)
		slices.SortFunc(list.Owners, func(a, b GivenTo) int {
			return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Owner, b.Owner))
		})
		list.Owners = list.Owners[min(max(offset, 0), list.Total):]
		list.Owners = list.Owners[:min(max(limit, 0), len(list.Owners))]
		for i := range list.Owners {
			to := &list.Owners[i]
			m, err := scanMember(tx.row(selectMember, to.Owner.Bucket(), int64(to.Owner)))
			if err != nil {
				return fmt.Errorf("read author: %w", err)
			}
			to.Name = m.Name
		}
		return nil
	})
	return list, err
}

// giveTo adds what a reader gave in one frozen month.
func (tx *Tx) giveTo(by map[flattr.MemberID]*GivenTo, split *flattr.Splitter, reader flattr.MemberID, m GivenMonth) error {
	var clicks []flattr.EventID
	var owners []*GivenTo
	err := tx.each(selectGivenClicks, func(rows *sql.Rows) error {
		var click flattr.EventID
		var owner flattr.MemberID
		var shared int
		if err := scanID(rows, &click, &owner, &shared); err != nil {
			return err
		}
		to := by[owner]
		if to == nil {
			to = &GivenTo{Owner: owner}
			by[owner] = to
		}
		to.Clicks++
		to.Shared += shared
		clicks, owners = append(clicks, click), append(owners, to)
		return nil
	}, int32(m.Month), reader.Bucket(), int64(reader))
	if err != nil {
		return fmt.Errorf("read clicks of %s: %w", m.Month, err)
	}
	for i, share := range split.Shares(m.Month, m.Budget, clicks) {
		owners[i].Amount += share
	}
	return nil
}
