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

// What the clicks of a month do for the things of an author, after aliases: by
// owner and parts as they are now, or, of a frozen month, as its snapshot has
// them. Each click is worth its reader's budget divided by the reader's clicks so
// far, rounded down. The database sums: an author may have clicks of every reader.
const (
	selectPreview = `
WITH mine AS MATERIALIZED (
    SELECT o.id AS thing, o.owner, c.bucket, c.reader, COUNT(*) AS n
    FROM thing o JOIN thing t ON t.id = o.id OR t.alias_of = o.id
    JOIN counted c ON c.month = $1 AND c.thing = t.id
    WHERE o.alias_of IS NULL AND o.owner IS NOT NULL
      AND (o.owner = $2 OR o.parts_key IN (SELECT key FROM parts_author WHERE author = $2))
    GROUP BY o.id, o.owner, c.bucket, c.reader
), share AS (
    SELECT r.bucket, r.reader, COALESCE(
        (SELECT amount FROM budget b WHERE b.bucket = r.bucket AND b.member = r.reader AND b.at < $3 ORDER BY seq DESC LIMIT 1),
        (SELECT amount FROM budget b WHERE b.bucket = r.bucket AND b.member = r.reader ORDER BY seq LIMIT 1)
    ) / (
        SELECT COUNT(*) FROM counted c JOIN thing t ON t.id = c.thing LEFT JOIN thing a ON a.id = t.alias_of
        WHERE c.month = $1 AND c.bucket = r.bucket AND c.reader = r.reader
          AND CASE WHEN t.alias_of IS NULL THEN t.owner ELSE a.owner END IS NOT NULL
    ) AS micro
    FROM (SELECT DISTINCT bucket, reader FROM mine) r
)
SELECT o.id, o.url, o.title, COALESCE(o.parts_key, ''), o.owner, g.clicks, g.gross
` + sumPreview

	selectFrozenPreview = `
WITH mine AS MATERIALIZED (
    SELECT COALESCE(s.target, s.thing) AS thing, s.owner, c.bucket, c.reader, COUNT(*) AS n
    FROM snapshot_thing s JOIN counted c ON c.month = s.month AND c.thing = s.thing
    WHERE s.month = $1 AND s.owner IS NOT NULL
      AND (s.owner = $2 OR COALESCE(s.target, s.thing) IN (SELECT thing FROM snapshot_part WHERE month = $1 AND author = $2))
    GROUP BY COALESCE(s.target, s.thing), s.owner, c.bucket, c.reader
), share AS (
    SELECT r.bucket, r.reader, b.budget / (
        SELECT COUNT(*) FROM counted c JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
        WHERE c.month = $1 AND c.bucket = r.bucket AND c.reader = r.reader AND t.owner IS NOT NULL
    ) AS micro
    FROM (SELECT DISTINCT bucket, reader FROM mine) r
    JOIN snapshot_budget b ON b.month = $1 AND b.bucket = r.bucket AND b.reader = r.reader
)
SELECT o.id, o.url, o.title, '', g.owner, g.clicks, g.gross
` + sumPreview

	// Shares are put beside clicks by sorting: a join of the two is guessed wrong.
	sumPreview = `
FROM (
    SELECT thing, owner, CAST(SUM(n) AS BIGINT) AS clicks, CAST(SUM(n * micro) AS BIGINT) AS gross
    FROM (
        SELECT thing, owner, n, MAX(micro) OVER (PARTITION BY bucket, reader) AS micro
        FROM (
            SELECT thing, owner, bucket, reader, n, 0 AS micro FROM mine
            UNION ALL SELECT 0, 0, bucket, reader, 0, micro FROM share
        ) beside
    ) valued WHERE n > 0 GROUP BY thing, owner
) g JOIN thing o ON o.id = g.thing ORDER BY o.id`
)

// given is what readers' clicks do for a thing, before it is parted.
type given struct {
	flattr.RevenueThing
	parts flattr.Key
	owner flattr.MemberID
}

// preview sums what a month that is not computed would bring an author.
func (tx *Tx) preview(month flattr.Month, state flattr.State, author flattr.MemberID) (flattr.RevenueMonth, error) {
	m := flattr.RevenueMonth{Month: month}
	query, args := selectFrozenPreview, []any{int32(month), int64(author)}
	if state == flattr.Open {
		query, args = selectPreview, append(args, micros(month.End()))
	}
	var all []given
	err := tx.each(query, func(rows *sql.Rows) error {
		var g given
		err := rows.Scan(&g.ID, &g.URL, &g.Title, &g.parts, &g.owner, &g.Clicks, &g.Gross)
		all = append(all, g)
		return err
	}, args...)
	if err != nil {
		return m, fmt.Errorf("read %s as it stands: %w", month, err)
	}
	for _, g := range all {
		parts, err := tx.authorsIn(month, state, g)
		if err != nil {
			return m, err
		}
		if !names(parts, author) {
			continue // the parts that name the author do not hold
		}
		g.Gross = partOf(g.Gross, parts, author)
		m.Things = append(m.Things, g.RevenueThing)
		m.Clicks += g.Clicks
		m.Gross += g.Gross
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

// partOf is an author's part of what a thing gets.
func partOf(gross money.Micro, parts []flattr.Part, author flattr.MemberID) (part money.Micro) {
	for i, p := range parts {
		if p.Author == author {
			part += flattr.Divide(gross, parts)[i]
		}
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
