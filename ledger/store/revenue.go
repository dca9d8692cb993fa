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

// Revenue is what a member has earned: closed months, newest first, and the
// running month and those that wait for their settlement as they stand.
func (s *Store) Revenue(ctx context.Context, now time.Time, member flattr.MemberID) (rev flattr.Revenue, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		rev = flattr.Revenue{}
		if rev.Balance, err = tx.balance(revenueOf(member)); err != nil {
			return err
		}
		months, err := tx.EarnedMonths(member)
		if err != nil {
			return err
		}
		for _, month := range slices.Backward(months) {
			m, err := tx.earned(month, member)
			if err != nil {
				return err
			}
			rev.Months = append(rev.Months, m)
		}
		running, err := tx.runningMonth(now)
		if err != nil {
			return err
		}
		if rev.Preview, err = tx.preview(running, flattr.Open, member); err != nil {
			return err
		}
		rev.Ended, err = tx.ended(running, member)
		return err
	})
	return rev, err
}

// earned is what an author gets of a month that is computed.
func (tx *Tx) earned(month flattr.Month, author flattr.MemberID) (flattr.RevenueMonth, error) {
	sum, err := tx.AuthorSum(month, author)
	if err != nil {
		return flattr.RevenueMonth{}, err
	}
	m := flattr.RevenueMonth{Month: month, Clicks: sum.Clicks, Gross: sum.Gross, Fee: sum.Fee, Net: sum.Net}
	err = tx.EachEarned(month, author, func(e Earned) error {
		m.Things = append(m.Things, e.RevenueThing)
		return nil
	})
	sortThings(m.Things)
	return m, err
}

const selectEnded = `SELECT month, state FROM month WHERE month < $1 AND state <> 'closed' ORDER BY month DESC`

// ended are the months before the running one that are not closed and have
// clicks for the author, as they stand.
func (tx *Tx) ended(running flattr.Month, author flattr.MemberID) (ended []flattr.RevenueMonth, err error) {
	type waiting struct {
		month flattr.Month
		state flattr.State
	}
	var all []waiting
	err = tx.each(selectEnded, func(rows *sql.Rows) error {
		var w waiting
		err := rows.Scan(&w.month, &w.state)
		all = append(all, w)
		return err
	}, int32(running))
	if err != nil {
		return nil, fmt.Errorf("read ended months: %w", err)
	}
	for _, w := range all {
		var m flattr.RevenueMonth
		if w.state == flattr.Computed || w.state == flattr.Posted {
			m, err = tx.earned(w.month, author)
		} else {
			m, err = tx.preview(w.month, w.state, author)
		}
		if err != nil {
			return nil, err
		}
		if m.Clicks > 0 {
			ended = append(ended, m)
		}
	}
	return ended, nil
}

// sortThings puts the highest gross first, ties by id.
func sortThings(things []flattr.RevenueThing) {
	slices.SortFunc(things, func(a, b flattr.RevenueThing) int {
		return cmp.Or(cmp.Compare(b.Gross, a.Gross), cmp.Compare(a.ID, b.ID))
	})
}

// The clicks of a month on things of an author, after aliases: by owner and
// parts as they are now, or, of a frozen month, as its snapshot has them.
const (
	selectPreview = `
SELECT o.id, o.url, o.title, COALESCE(o.parts_key, ''), o.owner, c.reader, COUNT(*)
FROM thing o JOIN thing t ON t.id = o.id OR t.alias_of = o.id
JOIN counted c ON c.month = $1 AND c.thing = t.id
WHERE o.alias_of IS NULL AND o.owner IS NOT NULL
  AND (o.owner = $2 OR o.parts_key IN (SELECT key FROM parts_author WHERE author = $2))
GROUP BY o.id, o.url, o.title, o.parts_key, o.owner, c.reader ORDER BY o.id, c.reader`

	selectFrozenPreview = `
SELECT o.id, o.url, o.title, '', s.owner, c.reader, COUNT(*)
FROM snapshot_thing s JOIN counted c ON c.month = s.month AND c.thing = s.thing
JOIN thing o ON o.id = COALESCE(s.target, s.thing)
WHERE s.month = $1 AND s.owner IS NOT NULL
  AND (s.owner = $2 OR o.id IN (SELECT thing FROM snapshot_part WHERE month = $1 AND author = $2))
GROUP BY o.id, o.url, o.title, s.owner, c.reader ORDER BY o.id, c.reader`
)

// given is what one reader's clicks do for a thing.
type given struct {
	flattr.RevenueThing
	parts  flattr.Key
	owner  flattr.MemberID
	reader flattr.MemberID
}

// preview sums what a month that is not computed would bring an author: each
// click is worth its reader's budget divided by the reader's clicks so far,
// rounded down.
func (tx *Tx) preview(month flattr.Month, state flattr.State, author flattr.MemberID) (flattr.RevenueMonth, error) {
	m := flattr.RevenueMonth{Month: month}
	query := selectPreview
	if state != flattr.Open {
		query = selectFrozenPreview
	}
	var all []given
	err := tx.each(query, func(rows *sql.Rows) error {
		var g given
		err := rows.Scan(&g.ID, &g.URL, &g.Title, &g.parts, &g.owner, &g.reader, &g.Clicks)
		all = append(all, g)
		return err
	}, int32(month), int64(author))
	if err != nil {
		return m, fmt.Errorf("read %s as it stands: %w", month, err)
	}
	shares := make(map[flattr.MemberID]money.Micro)
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(g given) bool { return g.ID != all[0].ID })
		if n < 0 {
			n = len(all)
		}
		thing, err := tx.previewThing(month, state, author, all[:n], shares)
		if err != nil {
			return m, err
		}
		if thing.Clicks > 0 {
			m.Things = append(m.Things, thing)
			m.Clicks += thing.Clicks
			m.Gross += thing.Gross
		}
		all = all[n:]
	}
	sortThings(m.Things)
	fee, err := tx.policy(PolicyFeeBP)
	if err != nil {
		return m, err
	}
	m.Fee = money.Part(m.Gross, int(fee))
	m.Net = m.Gross - m.Fee
	return m, nil
}

// previewThing is what one thing would bring the author: nothing where the
// parts that name the author do not hold.
func (tx *Tx) previewThing(month flattr.Month, state flattr.State, author flattr.MemberID, from []given, shares map[flattr.MemberID]money.Micro) (flattr.RevenueThing, error) {
	out := flattr.RevenueThing{ID: from[0].ID, URL: from[0].URL, Title: from[0].Title}
	parts, err := tx.authorsIn(month, state, from[0])
	if err != nil || !names(parts, author) {
		return out, err
	}
	for _, g := range from {
		share, known := shares[g.reader]
		if !known {
			if share, err = tx.shareOf(g.reader, month, state); err != nil {
				return out, err
			}
			shares[g.reader] = share
		}
		out.Clicks += g.Clicks
		out.Gross += share * money.Micro(g.Clicks)
	}
	out.Gross = partOf(out.Gross, parts, author)
	return out, nil
}

// partOf is an author's part of what a thing gets: rounded down, and the rest
// goes to the first author named (product rule 13).
func partOf(gross money.Micro, parts []flattr.Part, author flattr.MemberID) money.Micro {
	rest, part := gross, money.Micro(0)
	for _, p := range parts {
		rest -= money.Part(gross, p.BP)
		if p.Author == author {
			part = money.Part(gross, p.BP)
		}
	}
	if parts[0].Author == author {
		part += rest
	}
	return part
}

const selectSnapshotParts = `SELECT author, bp FROM snapshot_part WHERE month = $1 AND thing = $2 ORDER BY position`

// authorsIn are the authors of a thing in a month.
func (tx *Tx) authorsIn(month flattr.Month, state flattr.State, of given) ([]flattr.Part, error) {
	if state == flattr.Open {
		return tx.authors(storedThing{id: of.ID, owner: of.owner, parts: of.parts})
	}
	var parts []flattr.Part
	err := tx.each(selectSnapshotParts, func(rows *sql.Rows) error {
		var p flattr.Part
		err := rows.Scan(&p.Author, &p.BP)
		parts = append(parts, p)
		return err
	}, int32(month), int64(of.ID))
	if err != nil {
		return nil, fmt.Errorf("read parts of %s: %w", month, err)
	}
	if len(parts) == 0 {
		parts = []flattr.Part{{Author: of.owner, BP: flattr.AllParts}}
	}
	return parts, nil
}

// shareOf is what a click of a reader is worth in a month that is not computed,
// rounded down.
func (tx *Tx) shareOf(reader flattr.MemberID, month flattr.Month, state flattr.State) (money.Micro, error) {
	if state == flattr.Open {
		sum, err := tx.summary(reader, month, flattr.Running)
		return sum.Share, err
	}
	budget, err := tx.Gives(month, reader)
	if err != nil {
		return 0, err
	}
	clicks, _, err := tx.paid(reader, month)
	if err != nil || clicks == 0 {
		return 0, err
	}
	share, _ := money.Split(budget, clicks)
	return share, nil
}
