package store

import (
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// page is how many rows are read before some are written: few enough to keep
// in memory, enough that asking is cheap.
const page = 1000

const freezeMonth = `
UPDATE month SET state = 'frozen', frozen_at = $1, fee_bp = $2, promise_months = $3 WHERE month = $4 AND state = 'open'`

const snapshotThings = `
INSERT INTO snapshot_thing (month, thing, owner)
SELECT c.month, c.thing, t.owner FROM (SELECT DISTINCT month, thing FROM counted WHERE month = $1) c
JOIN thing t ON t.id = c.thing`

const selectReaders = `
SELECT c.bucket, c.reader, MAX(CASE WHEN t.owner IS NULL THEN 0 ELSE 1 END)
FROM counted c JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
WHERE c.month = $1 AND (c.bucket, c.reader) > ($2, $3)
GROUP BY c.bucket, c.reader ORDER BY c.bucket, c.reader LIMIT $4`

const insertSnapshotBudget = `INSERT INTO snapshot_budget (month, bucket, reader, budget) VALUES ($1, $2, $3, $4)`

// Freeze ends a month for clicks and undos: it writes the state and the
// snapshot, and gives back what is held for readers with promises only. A month
// that is frozen already is left as it is, which it answers with false. Before
// the month's grace is over it refuses with month_open.
func (tx *Tx) Freeze(now time.Time, month flattr.Month) (bool, error) {
	if now.Before(month.FreezeAt()) {
		return false, flattr.Refuse(flattr.MonthOpen, fmt.Sprintf(
			"%s takes clicks until %s. Settle it then.", month, month.FreezeAt().Format(time.RFC3339)))
	}
	if err := tx.touch(month); err != nil {
		return false, err
	}
	// The policies that hold now are those of the settlement (product: policy).
	fee, err := tx.policy(PolicyFeeBP)
	if err != nil {
		return false, err
	}
	promises, err := tx.policy(PolicyPromiseMonths)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(freezeMonth, micros(now), fee, promises, int32(month))
	if err != nil {
		return false, fmt.Errorf("freeze %s: %w", month, err)
	}
	if n == 0 {
		return false, nil
	}
	tx.months[int32(month)] = flattr.Frozen
	if _, err := tx.exec(snapshotThings, int32(month)); err != nil {
		return false, fmt.Errorf("write snapshot of %s: %w", month, err)
	}
	if err := tx.snapshotBudgets(now, month); err != nil {
		return false, fmt.Errorf("write snapshot of %s: %w", month, err)
	}
	return true, nil
}

// snapshotBudgets writes down what each reader gives, which is what is held.
func (tx *Tx) snapshotBudgets(now time.Time, month flattr.Month) error {
	type reader struct {
		bucket int
		id     flattr.MemberID
		pays   bool // has a click on a thing with an owner
	}
	last := reader{bucket: -1}
	for {
		var readers []reader
		err := tx.each(selectReaders, func(rows *sql.Rows) error {
			var r reader
			err := rows.Scan(&r.bucket, &r.id, &r.pays)
			readers = append(readers, r)
			return err
		}, int32(month), last.bucket, int64(last.id), page)
		if err != nil || len(readers) == 0 {
			return err
		}
		for _, r := range readers {
			held, err := tx.balance(heldOf(r.id, month))
			if err != nil {
				return err
			}
			if held <= 0 {
				return fmt.Errorf("the books are damaged: nothing is held for reader %d, who has clicks", r.id)
			}
			if !r.pays {
				if err := tx.release(micros(now), r.id, month, month.String()); err != nil {
					return err
				}
				held = 0
			}
			if _, err := tx.exec(insertSnapshotBudget, int32(month), r.bucket, int64(r.id), int64(held)); err != nil {
				return err
			}
		}
		last = readers[len(readers)-1]
	}
}

// FreezeDue freezes all open months whose grace is over at now, in their order.
func (tx *Tx) FreezeDue(now time.Time) error {
	months, err := tx.openMonths()
	if err != nil {
		return err
	}
	for _, month := range months {
		if now.Before(month.FreezeAt()) {
			break
		}
		if _, err := tx.Freeze(now, month); err != nil {
			return err
		}
	}
	return nil
}

// FreezeThrough freezes the open months before last, then last itself, which it
// refuses with month_open before its grace is over.
func (tx *Tx) FreezeThrough(now time.Time, last flattr.Month) error {
	months, err := tx.openMonths()
	if err != nil {
		return err
	}
	for _, month := range months {
		if month >= last {
			break
		}
		if _, err := tx.Freeze(now, month); err != nil {
			return err
		}
	}
	_, err = tx.Freeze(now, last)
	return err
}

// Progress is how far the settlement of a month has come.
type Progress struct {
	State      flattr.State
	FeeBP      int // by the snapshot
	NextBucket int // compute has done the buckets before this one
	FrozenAt   time.Time
}

const selectProgress = `
SELECT state, COALESCE(fee_bp, 0), next_bucket, COALESCE(frozen_at, 0) FROM month WHERE month = $1`

// Progress reads how far a month has come; one that nothing has touched is open.
func (tx *Tx) Progress(month flattr.Month) (Progress, error) {
	p := Progress{State: flattr.Open}
	var at int64
	err := ignoreNone(tx.row(selectProgress, int32(month)).Scan(&p.State, &p.FeeBP, &p.NextBucket, &at))
	if err != nil {
		return p, fmt.Errorf("read state of %s: %w", month, err)
	}
	p.FrozenAt = timeOf(at)
	return p, nil
}

const advanceMonth = `UPDATE month SET state = $1 WHERE month = $2 AND state = $3`

// Advance moves a month from one state to the next. When another process has
// done so already, nothing happens.
func (tx *Tx) Advance(month flattr.Month, from, to flattr.State) error {
	if _, err := tx.exec(advanceMonth, string(to), int32(month), string(from)); err != nil {
		return fmt.Errorf("move %s from %s to %s: %w", month, from, to, err)
	}
	return nil
}

// ReaderBudget is what a reader gives in a frozen month.
type ReaderBudget struct {
	Reader flattr.MemberID
	Name   string // only where asked for by name
	Budget money.Micro
}
