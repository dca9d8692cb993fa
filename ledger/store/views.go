package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Summaries are a member's means and open months: the running one, then,
// within the grace, the one before.
func (s *Store) Summaries(ctx context.Context, now time.Time, member flattr.MemberID) (means money.Micro, months []flattr.MonthSummary, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		if means, err = tx.balance(meansOf(member)); err != nil {
			return err
		}
		running, err := tx.runningMonth(now)
		if err != nil {
			return err
		}
		summary, err := tx.summary(member, running, flattr.Running)
		if err != nil {
			return err
		}
		months = append(months, summary)
		ended := flattr.MonthOf(now).Prev()
		if st, err := tx.state(ended); err != nil || st != flattr.Open || !now.Before(ended.FreezeAt()) {
			return err
		}
		if summary, err = tx.summary(member, ended, flattr.InGrace); err != nil {
			return err
		}
		months = append(months, summary)
		return nil
	})
	return means, months, err
}

const selectCountedOf = `
SELECT c.click, COALESCE(t.owner, 0) FROM counted c JOIN thing t ON t.id = c.thing
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3`

// paid are the clicks that a reader's budget is divided over in an open month,
// and how many promises stand beside them.
func (tx *Tx) paid(member flattr.MemberID, month flattr.Month) (clicks []flattr.EventID, promises int, err error) {
	err = tx.each(selectCountedOf, func(rows *sql.Rows) error {
		var id flattr.EventID
		var owner flattr.MemberID
		if err := scanID(rows, &id, &owner); err != nil {
			return err
		}
		if owner == 0 {
			promises++
		} else {
			clicks = append(clicks, id)
		}
		return nil
	}, int32(month), member.Bucket(), int64(member))
	if err != nil {
		return nil, 0, fmt.Errorf("read what counts: %w", err)
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
	clicks, promises, err := tx.paid(member, month)
	if err != nil {
		return sum, err
	}
	sum.Clicks, sum.Promises = len(clicks), promises
	if sum.Clicks > 0 {
		sum.Share, _ = money.Split(sum.Budget, sum.Clicks)
	}
	return sum, nil
}

const selectClicksOf = `
SELECT e.id, e.thing, e.at, e.late, t.url, t.title, t.asserted, COALESCE(t.owner, 0), COALESCE(c.click, e.body)
FROM event e JOIN thing t ON t.id = e.thing
LEFT JOIN counted c ON c.month = e.month AND c.bucket = e.bucket AND c.reader = e.reader AND c.thing = e.thing
WHERE e.month = $1 AND e.bucket = $2 AND e.reader = $3 AND e.kind = 'click'`

const selectSnapshotOwner = `SELECT COALESCE(owner, 0) FROM snapshot_thing WHERE month = $1 AND thing = $2`

const selectSnapshotBudget = `SELECT budget FROM snapshot_budget WHERE month = $1 AND bucket = $2 AND reader = $3`

// Clicks are all clicks of a member that were accepted into a month, oldest
// first, with what has become of each. In a frozen month owners and budget are
// those of its snapshot.
func (s *Store) Clicks(ctx context.Context, _ time.Time, member flattr.MemberID, month flattr.Month) (views []flattr.ClickView, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		owners, err := tx.clicksOf(member, month, &views)
		if err != nil {
			return fmt.Errorf("read clicks: %w", err)
		}
		st, err := tx.state(month)
		if err != nil {
			return err
		}
		frozen := st != flattr.Open
		var budget money.Micro
		if !frozen {
			budget, err = tx.budgetOf(member, month)
		} else if len(views) > 0 {
			err = ignoreNone(tx.row(selectSnapshotBudget, int32(month), member.Bucket(), int64(member)).Scan(&budget))
		}
		if err != nil {
			return fmt.Errorf("read budget: %w", err)
		}
		var paid []flattr.EventID
		for i := range views {
			v := &views[i]
			if frozen && v.Counts {
				if err := tx.row(selectSnapshotOwner, int32(month), int64(v.ThingID)).Scan(&owners[i]); err != nil {
					return fmt.Errorf("read owner: %w", err)
				}
			}
			if owners[i] != 0 {
				m, err := scanMember(tx.row(selectMember, owners[i].Bucket(), int64(owners[i])))
				if err != nil {
					return err
				}
				v.Owner = m.Name
			}
			v.Promise = v.Counts && owners[i] == 0
			if v.Counts && owners[i] != 0 {
				paid = append(paid, v.ID)
			}
		}
		share(views, month, budget, paid)
		return nil
	})
	return views, err
}

// clicksOf reads the clicks and, beside them, the present owners of their things.
func (tx *Tx) clicksOf(member flattr.MemberID, month flattr.Month, views *[]flattr.ClickView) ([]flattr.MemberID, error) {
	type read struct {
		view  flattr.ClickView
		owner flattr.MemberID
	}
	var all []read
	err := tx.each(selectClicksOf, func(rows *sql.Rows) error {
		var r read
		var at int64
		var counting []byte
		v := &r.view
		if err := scanID(rows, &v.ID, &v.ThingID, &at, &v.Late, &v.URL, &v.Title, &v.Asserted, &r.owner, &counting); err != nil {
			return err
		}
		v.At = timeOf(at)
		// Without a click that counts there stands something longer than an id.
		v.Counts = string(counting) == string(v.ID[:])
		v.Duplicate = !v.Counts && len(counting) == len(v.ID)
		v.Undone = !v.Counts && !v.Duplicate
		all = append(all, r)
		return nil
	}, int32(month), member.Bucket(), int64(member))
	slices.SortFunc(all, func(a, b read) int {
		if c := a.view.At.Compare(b.view.At); c != 0 {
			return c
		}
		return slices.Compare(a.view.ID[:], b.view.ID[:])
	})
	owners := make([]flattr.MemberID, len(all))
	for i, r := range all {
		*views = append(*views, r.view)
		owners[i] = r.owner
	}
	return owners, err
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
