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
// running month and those that wait for their settlement as they stand, each with
// at most so many of its things.
func (s *Store) Revenue(ctx context.Context, now time.Time, member flattr.MemberID, most int) (rev flattr.Revenue, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		rev = flattr.Revenue{}
		if rev.Balance, err = tx.balance(revenueOf(member)); err != nil {
			return err
		}
		if rev.Months, err = tx.earnedMonths(member); err != nil {
			return err
		}
		running, err := tx.runningMonth(now)
		if err != nil {
			return err
		}
		if rev.Preview, err = tx.preview(now, running, flattr.Open, member); err != nil {
			return err
		}
		if rev.Ended, err = tx.ended(now, running, member); err != nil {
			return err
		}
		err = tx.title(&rev.Preview, most)
		for i := range rev.Ended {
			err = cmp.Or(err, tx.title(&rev.Ended[i], most))
		}
		return err
	})
	return rev, err
}

const selectEarnedSums = `
SELECT a.month, a.clicks, a.gross, a.fee, a.net FROM author_sum a JOIN month m ON m.month = a.month
WHERE a.author = $1 AND m.state = 'closed' ORDER BY a.month DESC`

// earnedMonths are what an author got in closed months, newest first.
func (tx *Tx) earnedMonths(author flattr.MemberID) (months []flattr.RevenueMonth, err error) {
	err = tx.each(selectEarnedSums, func(rows *sql.Rows) error {
		var m flattr.RevenueMonth
		err := rows.Scan(&m.Month, &m.Clicks, &m.Gross, &m.Fee, &m.Net)
		months = append(months, m)
		return err
	}, int64(author))
	if err != nil {
		return nil, fmt.Errorf("read revenue by month: %w", err)
	}
	return months, nil
}

const countEarned = `SELECT COUNT(*) FROM earning WHERE month = $1 AND author = $2`

const selectMostEarned = `
SELECT e.thing, t.url, t.title, e.clicks, e.gross FROM (
    SELECT thing, clicks, gross FROM earning WHERE month = $1 AND author = $2 ORDER BY gross DESC, thing LIMIT $3
) e JOIN thing t ON t.id = e.thing ORDER BY e.gross DESC, e.thing`

// EarnedThings are the things that brought an author most in a computed month, at
// most so many, and how many things brought something.
func (s *Store) EarnedThings(ctx context.Context, author flattr.MemberID, month flattr.Month, most int) (things []flattr.RevenueThing, count int, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		things = nil
		if err := tx.row(countEarned, int32(month), int64(author)).Scan(&count); err != nil {
			return err
		}
		return tx.each(selectMostEarned, func(rows *sql.Rows) error {
			var t flattr.RevenueThing
			err := rows.Scan(&t.ID, &t.URL, &t.Title, &t.Clicks, &t.Gross)
			things = append(things, t)
			return err
		}, int32(month), int64(author), most)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read what things brought in %s: %w", month, err)
	}
	return things, count, nil
}

const selectTitle = `SELECT url, title FROM thing WHERE id = $1`

// title keeps the first so many things of a month, and reads their addresses and
// titles.
func (tx *Tx) title(m *flattr.RevenueMonth, most int) error {
	m.Things = slices.Clone(m.Things[:min(most, len(m.Things))])
	for i := range m.Things {
		t := &m.Things[i]
		if err := tx.row(selectTitle, int64(t.ID)).Scan(&t.URL, &t.Title); err != nil {
			return fmt.Errorf("read thing: %w", err)
		}
	}
	return nil
}

const selectEarnings = `SELECT thing, clicks, gross FROM earning WHERE month = $1 AND author = $2`

// earned is what an author gets of a month that is computed; its things have no
// titles.
func (tx *Tx) earned(month flattr.Month, author flattr.MemberID) (flattr.RevenueMonth, error) {
	sum, err := tx.AuthorSum(month, author)
	if err != nil {
		return flattr.RevenueMonth{}, err
	}
	m := flattr.RevenueMonth{Month: month, Clicks: sum.Clicks, Gross: sum.Gross, Fee: sum.Fee, Net: sum.Net}
	err = tx.each(selectEarnings, func(rows *sql.Rows) error {
		var t flattr.RevenueThing
		err := rows.Scan(&t.ID, &t.Clicks, &t.Gross)
		m.Things = append(m.Things, t)
		return err
	}, int32(month), int64(author))
	if err != nil {
		return m, fmt.Errorf("read revenue of %s: %w", month, err)
	}
	m.Count = len(m.Things)
	sortThings(m.Things)
	return m, nil
}

const selectEnded = `SELECT month, state FROM month WHERE month < $1 AND state <> 'closed' ORDER BY month DESC`

// ended are the months before the running one that are not closed and have
// clicks for the author, as they stand.
func (tx *Tx) ended(now time.Time, running flattr.Month, author flattr.MemberID) (ended []flattr.RevenueMonth, err error) {
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
			m, err = tx.preview(now, w.month, w.state, author)
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
// It begins with the author's things: the month may have clicks on everybody's.
const (
	selectPreview = `
WITH own AS MATERIALIZED (
    SELECT o.id AS thing, o.owner, COALESCE(o.parts_key, '') AS parts FROM thing o WHERE o.owner = $1 AND o.alias_of IS NULL
    UNION ALL
    SELECT o.id, o.owner, o.parts_key FROM thing o WHERE o.owner IS NOT NULL AND o.owner <> $1 AND o.alias_of IS NULL
      AND o.parts_key IN (SELECT key FROM parts_author WHERE author = $1)
), named AS (
    SELECT thing, owner, thing AS id FROM own
    UNION ALL SELECT w.thing, w.owner, a.id FROM own w CROSS JOIN thing a WHERE a.alias_of = w.thing
), mine AS MATERIALIZED (
    SELECT e.thing, e.owner, c.bucket, c.reader, COUNT(*) AS n FROM named e CROSS JOIN counted c
    WHERE c.month = $2 AND c.thing = e.id GROUP BY e.thing, e.owner, c.bucket, c.reader
), share AS (
    SELECT r.bucket, r.reader, COALESCE(
        (SELECT amount FROM budget b WHERE b.bucket = r.bucket AND b.member = r.reader AND b.at < $3 ORDER BY seq DESC LIMIT 1),
        (SELECT amount FROM budget b WHERE b.bucket = r.bucket AND b.member = r.reader ORDER BY seq LIMIT 1)
    ) / (
        SELECT SUM(` + isPaid + `) FROM counted c
        WHERE c.month = $2 AND c.bucket = r.bucket AND c.reader = r.reader
    ) AS micro
    FROM (SELECT DISTINCT bucket, reader FROM mine) r
)
SELECT g.thing, w.parts, g.owner, g.clicks, g.gross FROM (` + sumPreview + `) g JOIN own w ON w.thing = g.thing`

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
SELECT g.thing, '', g.owner, g.clicks, g.gross FROM (` + sumPreview + `) g`

	// Shares are put beside clicks by sorting: a join of the two is guessed wrong.
	sumPreview = `
SELECT thing, owner, CAST(SUM(n) AS BIGINT) AS clicks, CAST(SUM(n * micro) AS BIGINT) AS gross
FROM (
    SELECT thing, owner, n, MAX(micro) OVER (PARTITION BY bucket, reader) AS micro
    FROM (
        SELECT thing, owner, bucket, reader, n, 0 AS micro FROM mine
        UNION ALL SELECT 0, 0, bucket, reader, 0, micro FROM share
    ) beside
) valued WHERE n > 0 GROUP BY thing, owner`
)

// given is what readers' clicks do for a thing, before it is parted.
type given struct {
	flattr.RevenueThing
	parts flattr.Key
	owner flattr.MemberID
}

// preview sums what a month that is not computed would bring an author, or
// answers what it was a moment ago where there is much to sum. Its things have no
// titles, and are shared with others.
func (tx *Tx) preview(now time.Time, month flattr.Month, state flattr.State, author flattr.MemberID) (flattr.RevenueMonth, error) {
	of := previewOf{author, month, state}
	if m, ok := tx.previews.of(now, of); ok {
		return m, nil
	}
	m, err := tx.summed(now, of)
	if err == nil {
		tx.previews.keep(of, m)
	}
	return m, err
}

// sumAnew makes a preview anew, for those who come later.
func (s *Store) sumAnew(ctx context.Context, due duePreview) error {
	return s.read(ctx, func(tx *Tx) error {
		m, err := tx.summed(due.now, due.previewOf)
		if err == nil {
			tx.previews.keep(due.previewOf, m)
		}
		return err
	})
}

// summed sums a preview.
func (tx *Tx) summed(now time.Time, of previewOf) (flattr.RevenueMonth, error) {
	month, state, author := of.month, of.state, of.author
	m := flattr.RevenueMonth{Month: month, AsOf: now}
	query, args := selectFrozenPreview, []any{int32(month), int64(author)}
	if state == flattr.Open {
		query, args = selectPreview, []any{int64(author), int32(month), micros(month.End())}
	}
	var all []given
	err := tx.each(query, func(rows *sql.Rows) error {
		var g given
		err := rows.Scan(&g.ID, &g.parts, &g.owner, &g.Clicks, &g.Gross)
		all = append(all, g)
		return err
	}, args...)
	if err != nil {
		return m, fmt.Errorf("read %s as it stands: %w", month, err)
	}
	if err := tx.parted(&m, state, author, all); err != nil {
		return m, err
	}
	sortThings(m.Things)
	m.Count = len(m.Things)
	fee, err := tx.policy(PolicyFeeBP)
	if err != nil {
		return m, err
	}
	m.Fee = money.Part(m.Gross, int(fee))
	m.Net = m.Gross - m.Fee
	return m, nil
}

// parted adds to a month what an author gets of what things are given.
func (tx *Tx) parted(m *flattr.RevenueMonth, state flattr.State, author flattr.MemberID, all []given) error {
	type shared struct {
		key   flattr.Key
		owner flattr.MemberID
	}
	known := make(map[shared][]flattr.Part) // of an open month, where many things have the same
	for _, g := range all {
		of := shared{g.parts, g.owner}
		parts, ok := known[of]
		if !ok || state != flattr.Open {
			var err error
			if parts, err = tx.authorsIn(m.Month, state, g); err != nil {
				return err
			}
			known[of] = parts
		}
		if !names(parts, author) {
			continue // the parts that name the author do not hold
		}
		g.Gross = partOf(g.Gross, parts, author)
		m.Things = append(m.Things, g.RevenueThing)
		m.Clicks += g.Clicks
		m.Gross += g.Gross
	}
	return nil
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
