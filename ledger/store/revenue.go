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

const selectEarned = `
SELECT a.month, a.clicks, a.gross, a.fee, a.net FROM author_sum a JOIN month m ON m.month = a.month
WHERE a.author = $1 AND m.state = 'closed' ORDER BY a.month DESC`

const selectEarnedThings = `
SELECT o.thing, t.url, t.title, SUM(s.clicks), SUM(s.gross)
FROM snapshot_thing o JOIN thing_sum s ON s.thing = o.thing AND s.month = o.month JOIN thing t ON t.id = o.thing
WHERE o.owner = $1 AND o.month = $2 GROUP BY o.thing, t.url, t.title`

const selectPreview = `
SELECT t.id, t.url, t.title, c.reader, COUNT(*)
FROM thing t JOIN counted c ON c.month = $1 AND c.thing = t.id
WHERE t.owner = $2 GROUP BY t.id, t.url, t.title, c.reader`

const selectEnded = `SELECT month FROM month WHERE month < $1 AND state <> 'closed' ORDER BY month DESC`

// Revenue is what a member has earned: closed months, newest first, and the
// running month and those that wait for their settlement as they stand, where
// each click is worth its reader's budget divided by the reader's clicks so
// far, rounded down.
func (s *Store) Revenue(ctx context.Context, now time.Time, member flattr.MemberID) (rev flattr.Revenue, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		if rev.Balance, err = tx.balance(revenueOf(member)); err != nil {
			return err
		}
		err := tx.each(selectEarned, func(rows *sql.Rows) error {
			var m flattr.RevenueMonth
			err := rows.Scan(&m.Month, &m.Clicks, &m.Gross, &m.Fee, &m.Net)
			rev.Months = append(rev.Months, m)
			return err
		}, int64(member))
		if err != nil {
			return fmt.Errorf("read revenue: %w", err)
		}
		for i := range rev.Months {
			if err := tx.earnedThings(&rev.Months[i], member); err != nil {
				return fmt.Errorf("read revenue of %s: %w", rev.Months[i].Month, err)
			}
		}
		rev.Preview.Month, err = tx.runningMonth(now)
		if err != nil {
			return err
		}
		if err := tx.preview(member, &rev.Preview); err != nil {
			return err
		}
		rev.Ended, err = tx.ended(rev.Preview.Month, member)
		return err
	})
	return rev, err
}

// ended previews the months before the running one that are not closed and
// have clicks for the author.
func (tx *Tx) ended(running flattr.Month, author flattr.MemberID) ([]flattr.RevenueMonth, error) {
	var waiting []flattr.RevenueMonth
	err := tx.each(selectEnded, func(rows *sql.Rows) error {
		var m flattr.RevenueMonth
		err := rows.Scan(&m.Month)
		waiting = append(waiting, m)
		return err
	}, int32(running))
	if err != nil {
		return nil, fmt.Errorf("read ended months: %w", err)
	}
	var ended []flattr.RevenueMonth
	for _, m := range waiting {
		if err := tx.preview(author, &m); err != nil {
			return nil, err
		}
		if m.Clicks > 0 {
			ended = append(ended, m)
		}
	}
	return ended, nil
}

// earnedThings reads what each thing brought in a closed month.
func (tx *Tx) earnedThings(m *flattr.RevenueMonth, author flattr.MemberID) error {
	err := tx.each(selectEarnedThings, func(rows *sql.Rows) error {
		var t flattr.RevenueThing
		err := rows.Scan(&t.ID, &t.URL, &t.Title, &t.Clicks, &t.Gross)
		m.Things = append(m.Things, t)
		return err
	}, int64(author), int32(m.Month))
	sortThings(m.Things)
	return err
}

// sortThings puts the highest gross first, ties by id.
func sortThings(things []flattr.RevenueThing) {
	slices.SortFunc(things, func(a, b flattr.RevenueThing) int {
		return cmp.Or(cmp.Compare(b.Gross, a.Gross), cmp.Compare(a.ID, b.ID))
	})
}

// preview sums what a month that is not closed would bring.
func (tx *Tx) preview(author flattr.MemberID, m *flattr.RevenueMonth) error {
	type part struct {
		flattr.RevenueThing
		reader flattr.MemberID
	}
	var parts []part
	err := tx.each(selectPreview, func(rows *sql.Rows) error {
		var p part
		err := rows.Scan(&p.ID, &p.URL, &p.Title, &p.reader, &p.Clicks)
		parts = append(parts, p)
		return err
	}, int32(m.Month), int64(author))
	if err != nil {
		return fmt.Errorf("read %s as it stands: %w", m.Month, err)
	}
	shares := make(map[flattr.MemberID]money.Micro)
	at := make(map[flattr.ThingID]int)
	for _, p := range parts {
		share, known := shares[p.reader]
		if !known {
			sum, err := tx.summary(p.reader, m.Month, flattr.Running)
			if err != nil {
				return err
			}
			share = sum.Share
			shares[p.reader] = share
		}
		i, known := at[p.ID]
		if !known {
			i = len(m.Things)
			at[p.ID] = i
			m.Things = append(m.Things, flattr.RevenueThing{ID: p.ID, URL: p.URL, Title: p.Title})
		}
		gross := share * money.Micro(p.Clicks)
		m.Things[i].Clicks += p.Clicks
		m.Things[i].Gross += gross
		m.Clicks += p.Clicks
		m.Gross += gross
	}
	sortThings(m.Things)
	fee, err := tx.policy(PolicyFeeBP)
	if err != nil {
		return err
	}
	m.Fee = money.Part(m.Gross, int(fee))
	m.Net = m.Gross - m.Fee
	return nil
}
