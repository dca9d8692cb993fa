package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Summaries are a member's means and open months: the running one, then,
// within the grace, the one before.
func (s *Store) Summaries(ctx context.Context, now time.Time, member flattr.MemberID) (means money.Micro, months []flattr.MonthSummary, err error) {
	if err := s.begin(ctx, now, member); err != nil {
		return 0, nil, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		means, months, err = tx.summaries(now, member)
		return err
	})
	return means, months, err
}

func (tx *Tx) summaries(now time.Time, member flattr.MemberID) (means money.Micro, months []flattr.MonthSummary, err error) {
	if means, err = tx.balance(meansOf(member)); err != nil {
		return 0, nil, err
	}
	running, err := tx.runningMonth(now)
	if err != nil {
		return 0, nil, err
	}
	summary, err := tx.summary(member, running, flattr.Running)
	if err != nil {
		return 0, nil, err
	}
	months = append(months, summary)
	ended := flattr.MonthOf(now).Prev()
	if st, err := tx.state(ended); err != nil || st != flattr.Open || !now.Before(ended.FreezeAt()) {
		return means, months, err
	}
	if summary, err = tx.summary(member, ended, flattr.InGrace); err != nil {
		return 0, nil, err
	}
	return means, append(months, summary), nil
}

// isPaid is 1 of a click c of an open month on a thing that has an owner now, after
// aliases, and 0 of a promise. Things that may have none have an index of their own,
// in which most clicks find nothing.
const isPaid = `COALESCE((
    SELECT CASE WHEN u.alias_of IS NULL THEN 0 ELSE (SELECT CASE WHEN a.owner IS NULL THEN 0 ELSE 1 END FROM thing a WHERE a.id = u.alias_of) END
    FROM thing u WHERE (-u.id) = (-c.thing) AND (u.owner IS NULL OR u.alias_of IS NOT NULL)), 1)`

const (
	countCountedOf = `
SELECT COALESCE(SUM(paid), 0), COALESCE(SUM(1 - paid), 0) FROM (
    SELECT ` + isPaid + ` AS paid FROM counted c WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3
) each_click`

	countFrozenCountedOf = `
SELECT COUNT(s.owner), COUNT(*) - COUNT(s.owner) FROM counted c JOIN snapshot_thing s ON s.month = c.month AND s.thing = c.thing
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3`
)

// paid is over how many clicks a reader's budget of a month is divided, and how
// many promises stand beside them: of a frozen month by its snapshot, else by
// the owners of things, after aliases, as they are now.
func (tx *Tx) paid(member flattr.MemberID, month flattr.Month) (clicks, promises int, err error) {
	state, err := tx.state(month)
	if err != nil {
		return 0, 0, err
	}
	query := countFrozenCountedOf
	if state == flattr.Open {
		query = countCountedOf
	}
	err = tx.row(query, int32(month), member.Bucket(), int64(member)).Scan(&clicks, &promises)
	if err != nil {
		return 0, 0, fmt.Errorf("read what counts: %w", err)
	}
	return clicks, promises, nil
}

func (tx *Tx) summary(member flattr.MemberID, month flattr.Month, phase flattr.Phase) (flattr.MonthSummary, error) {
	sum := flattr.MonthSummary{Month: month, State: phase}
	var err error
	if sum.Budget, err = tx.budgetOf(member, month); err != nil {
		return sum, err
	}
	if sum.Held, err = tx.balance(heldOf(member, month)); err != nil {
		return sum, err
	}
	if sum.Clicks, sum.Promises, err = tx.paid(member, month); err != nil {
		return sum, err
	}
	if sum.Clicks > 0 {
		sum.Share, _ = money.Split(sum.Budget, sum.Clicks)
	}
	return sum, nil
}

const clickViews = `
SELECT e.id, o.id, e.at, e.late, o.url, o.title, o.asserted, COALESCE(m.name, ''), COALESCE(c.click, e.body),
       CASE WHEN g.click IS NULL THEN 0 ELSE 1 END,
       COALESCE((SELECT MIN(p.month) FROM promise p WHERE p.became = e.id), 0)
FROM event e JOIN thing t ON t.id = e.thing JOIN thing a ON a.id = COALESCE(t.alias_of, t.id)
LEFT JOIN snapshot_thing s ON s.month = e.month AND s.thing = e.thing
JOIN thing o ON o.id = COALESCE(s.target, t.id)
LEFT JOIN member m ON m.id = CASE WHEN s.thing IS NULL THEN a.owner ELSE s.owner END
LEFT JOIN counted c ON c.month = e.month AND c.bucket = e.bucket AND c.reader = e.reader AND c.thing = e.thing
LEFT JOIN snapshot_merged g ON g.month = e.month AND g.bucket = e.bucket AND g.reader = e.reader AND g.thing = e.thing
WHERE e.kind = 'click' AND e.month`

const selectClicksOf = clickViews + ` = $1 AND e.bucket = $2 AND e.reader = $3 ORDER BY e.at, e.id`

const selectSnapshotBudget = `SELECT budget FROM snapshot_budget WHERE month = $1 AND bucket = $2 AND reader = $3`

// Clicks are all clicks of a member that were accepted into a month, oldest
// first, with what has become of each. In a frozen month things are those after
// aliases, and owners and budget those of its snapshot.
func (s *Store) Clicks(ctx context.Context, now time.Time, member flattr.MemberID, month flattr.Month) (views []flattr.ClickView, err error) {
	if err := s.begin(ctx, now, member); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		if views, err = tx.clicksOf(member, month); err != nil {
			return fmt.Errorf("read clicks: %w", err)
		}
		st, err := tx.state(month)
		if err != nil {
			return err
		}
		budget, err := tx.divided(member, month, st)
		if err != nil {
			return err
		}
		var paid []flattr.EventID
		for _, v := range views {
			if v.Counts && !v.Promise {
				paid = append(paid, v.ID)
			}
		}
		share(views, month, budget, paid)
		return nil
	})
	return views, err
}

func (tx *Tx) clicksOf(member flattr.MemberID, month flattr.Month) (views []flattr.ClickView, err error) {
	err = tx.each(selectClicksOf, func(rows *sql.Rows) error {
		v, err := scanClick(rows)
		views = append(views, v)
		return err
	}, int32(month), member.Bucket(), int64(member))
	return views, err
}

// scanClick reads a row of clickViews.
func scanClick(rows *sql.Rows) (v flattr.ClickView, err error) {
	var at int64
	var counting []byte
	var merged bool
	err = scanID(rows, &v.ID, &v.ThingID, &at, &v.Late, &v.URL, &v.Title, &v.Asserted, &v.Owner, &counting, &merged, &v.Promised)
	if err != nil {
		return v, err
	}
	v.At = timeOf(at)
	// Without a click that counts there stands something longer than an id.
	v.Counts = string(counting) == string(v.ID[:])
	v.Duplicate = merged || !v.Counts && len(counting) == len(v.ID)
	v.Undone = !v.Counts && !v.Duplicate
	v.Promise = v.Counts && v.Owner == ""
	return v, nil
}

// selectTheClicks asks for so many clicks of one reader: by their ids, then the
// reader's.
func selectTheClicks(count int) string {
	return clickViews + ` IS NOT NULL AND e.id IN ` + placeholders(1, count) + ` AND e.reader = $` + strconv.Itoa(count+1)
}

// theClicks are those clicks of a reader, all of which there must be: else it
// refuses with not_found.
func (tx *Tx) theClicks(reader flattr.MemberID, ids []flattr.EventID) (map[flattr.EventID]flattr.ClickView, error) {
	values := make([]any, len(ids))
	for i := range ids {
		values[i] = ids[i][:]
	}
	views := make(map[flattr.EventID]flattr.ClickView, len(ids))
	err := inParts(values, 1, func(part []any) error {
		return tx.each(selectTheClicks(len(part)), func(rows *sql.Rows) error {
			v, err := scanClick(rows)
			views[v.ID] = v
			return err
		}, append(part, int64(reader))...)
	})
	if err == nil && len(views) < len(ids) {
		err = refusal(flattr.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read clicks: %w", err)
	}
	return views, nil
}

// divided is what of a reader's money is, or was, divided over the clicks of a
// month: the budget of an open one, and of another what its snapshot says.
func (tx *Tx) divided(reader flattr.MemberID, month flattr.Month, state flattr.State) (money.Micro, error) {
	if state == flattr.Open {
		return tx.budgetOf(reader, month)
	}
	return tx.Gives(month, reader)
}

// share writes what each paid click is worth into its view.
func share(views []flattr.ClickView, month flattr.Month, budget money.Micro, paid []flattr.EventID) {
	worth := make(map[flattr.EventID]money.Micro, len(paid))
	for i, micro := range flattr.Shares(month, budget, paid) {
		worth[paid[i]] = micro
	}
	for i := range views {
		views[i].Share = worth[views[i].ID]
	}
}
