package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// page is how many rows are read before some are written: few enough to keep
// in memory, enough that asking is cheap.
const page = 1000

const freezeMonth = `
UPDATE month SET state = 'frozen', frozen_at = $1, fee_bp = $2, promise_months = $3, max_budget = $4, grace_hours = $5
WHERE month = $6 AND state = 'open'`

// What the freeze writes down of a month, in this order. Each is one statement
// over all clicks or things of the month: their number has no bound.
const (
	// The thing after aliases decides who owns what is given.
	snapshotThings = `
INSERT INTO snapshot_thing (month, thing, owner, target)
SELECT c.month, c.thing, CASE WHEN t.alias_of IS NULL THEN t.owner ELSE o.owner END, t.alias_of
FROM (SELECT DISTINCT month, thing FROM counted WHERE month = $1) c
JOIN thing t ON t.id = c.thing LEFT JOIN thing o ON o.id = t.alias_of`

	anySnapshotAlias = `SELECT 1 FROM snapshot_thing WHERE month = $1 AND target IS NOT NULL LIMIT 1`

	// Only things that are aliases, or have some, can have two clicks of a reader.
	snapshotMerged = `
INSERT INTO snapshot_merged (month, bucket, reader, thing, click, late)
SELECT month, bucket, reader, thing, click, late FROM (
	SELECT c.month, c.bucket, c.reader, c.thing, c.click, c.late,
		ROW_NUMBER() OVER (PARTITION BY c.bucket, c.reader, s.target ORDER BY e.at, c.click) AS n
	FROM (SELECT thing, COALESCE(target, thing) AS target FROM snapshot_thing WHERE month = $1 AND (
		target IS NOT NULL OR thing IN (SELECT target FROM snapshot_thing WHERE month = $1 AND target IS NOT NULL))) s
	` + clicksOn + `) m
WHERE n > 1`

	dropMerged = `
DELETE FROM counted WHERE month = $1
AND (bucket, reader, thing) IN (SELECT bucket, reader, thing FROM snapshot_merged WHERE month = $1)`

	snapshotPromises = `
INSERT INTO promise (thing, bucket, reader, month, click, at, state)
SELECT c.thing, c.bucket, c.reader, c.month, c.click, e.at, 'waiting'
FROM snapshot_thing s ` + clicksOn + ` AND s.month = $1 AND s.owner IS NULL`
)

// snapshotParts writes down the parts that hold where there are several authors.
var snapshotParts = `
INSERT INTO snapshot_part (month, thing, position, author, bp)
SELECT s.month, s.target, p.position, p.author, p.bp
FROM (SELECT DISTINCT month, COALESCE(target, thing) AS target FROM snapshot_thing WHERE month = $1 AND owner IS NOT NULL) s
JOIN thing t ON t.id = s.target JOIN parts_author p ON p.key = t.parts_key
WHERE ` + partsHold("t", "t.owner") + `
AND EXISTS (SELECT 1 FROM parts_author o WHERE o.key = t.parts_key AND o.position = 2)`

// clicksOn joins to things s of the month $1 what counts on them, c, and its
// events e. CROSS JOIN and the two steps (k alone is answered by the index over
// things) tell SQLite to begin with the things, of which few matter, and not to
// look at all clicks.
const clicksOn = `CROSS JOIN counted k CROSS JOIN counted c CROSS JOIN event e WHERE k.month = $1 AND k.thing = s.thing
AND c.month = k.month AND c.bucket = k.bucket AND c.reader = k.reader AND c.thing = k.thing AND e.id = c.click`

// freeze ends a month for clicks and undos at an instant: it writes the state
// and the snapshot, and gives back what is held for readers with promises only.
// A month that is frozen already is left as it is, which it answers with false.
func (tx *Tx) freeze(now time.Time, month flattr.Month) (bool, error) {
	if err := tx.touch(month); err != nil {
		return false, err
	}
	// The policies of that instant are those of the settlement (product: policy).
	var policies [3]int64
	for i, name := range []Policy{PolicyFeeBP, PolicyPromiseMonths, PolicyMaxBudget} {
		var err error
		if policies[i], err = tx.policyBefore(name, now); err != nil {
			return false, err
		}
	}
	n, err := tx.exec(freezeMonth, micros(now), policies[0], policies[1], policies[2], int(flattr.Grace/time.Hour), int32(month))
	if err != nil {
		return false, fmt.Errorf("freeze %s: %w", month, err)
	}
	if n == 0 {
		return false, nil
	}
	tx.months[int32(month)] = flattr.Frozen
	if err := tx.snapshot(now, month); err != nil {
		return false, fmt.Errorf("write snapshot of %s: %w", month, err)
	}
	return true, tx.skipWaiting(month)
}

func (tx *Tx) snapshot(now time.Time, month flattr.Month) error {
	if _, err := tx.exec(snapshotThings, int32(month)); err != nil {
		return err
	}
	if tx.counting != "" {
		if _, err := tx.exec(tx.counting); err != nil {
			return err
		}
	}
	if _, err := tx.exec(snapshotParts, int32(month)); err != nil {
		return err
	}
	if err := tx.merge(month); err != nil {
		return err
	}
	if _, err := tx.exec(snapshotPromises, int32(month)); err != nil {
		return err
	}
	return tx.snapshotBudgets(now, month)
}

// merge lets one click of each reader stay on a thing and its aliases. Most
// months have no alias at all: PostgreSQL, which has not counted the new
// snapshot yet, may look at every click to find that out.
func (tx *Tx) merge(month flattr.Month) error {
	var found int
	err := tx.row(anySnapshotAlias, int32(month)).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := tx.exec(snapshotMerged, int32(month))
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.exec(dropMerged, int32(month))
	return err
}

// giver is a reader whose month is frozen.
type giver struct {
	bucket int
	id     flattr.MemberID
}

const selectGivers = `
SELECT bucket, reader FROM counted WHERE month = $1 AND bucket >= $2 AND bucket < $3
GROUP BY bucket, reader ORDER BY bucket, reader`

const selectPromisersOnly = `
SELECT DISTINCT p.bucket, p.reader FROM promise p
WHERE p.month = $1 AND p.bucket >= $2 AND p.bucket < $3 AND NOT EXISTS (
	SELECT 1 FROM counted c JOIN snapshot_thing s ON s.month = c.month AND s.thing = c.thing
	WHERE c.month = $1 AND c.bucket = p.bucket AND c.reader = p.reader AND s.owner IS NOT NULL)`

// snapshotBudgets writes down what each reader gives, which is what is held.
func (tx *Tx) snapshotBudgets(now time.Time, month flattr.Month) error {
	return inRanges(func(from, to int) (int, error) {
		all, err := tx.givers(selectGivers, month, from, to)
		if err != nil || len(all) == 0 {
			return 0, err
		}
		promisers, err := tx.givers(selectPromisersOnly, month, from, to)
		if err != nil {
			return 0, err
		}
		return len(all), tx.writeBudgets(now, month, all, promisers)
	})
}

func (tx *Tx) givers(query string, month flattr.Month, from, to int) (readers []giver, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		var r giver
		err := rows.Scan(&r.bucket, &r.id)
		readers = append(readers, r)
		return err
	}, int32(month), from, to)
	return readers, err
}

// inRanges does a work for all buckets, range by range; the ranges grow and
// shrink so that the work finds about a page of rows in each, which it answers.
// A range is read as a whole: asking for the first rows behind some place lets
// PostgreSQL, as long as it has not counted a table, sort all that is left each time.
func inRanges(work func(from, to int) (int, error)) error {
	for from, step := 0, 16; from < flattr.Buckets; {
		to := min(from+step, flattr.Buckets)
		found, err := work(from, to)
		if err != nil {
			return err
		}
		from = to
		switch {
		case found < page/2:
			step *= 2
		case found > 2*page && step > 1:
			step /= 2
		}
	}
	return nil
}

// writeBudgets writes the budgets of a page of readers. Those with promises only
// get back what is held for them.
func (tx *Tx) writeBudgets(now time.Time, month flattr.Month, all, promisers []giver) error {
	held, err := tx.heldFor(month, all)
	if err != nil {
		return err
	}
	nothing := make(map[flattr.MemberID]bool, len(promisers))
	for _, r := range promisers {
		nothing[r.id] = true
		if err := tx.release(micros(now), r.id, month, month.String()); err != nil {
			return err
		}
	}
	rows := tx.many(insertSnapshotBudgets, "", 4)
	for i, r := range all {
		if held[i] <= 0 {
			return fmt.Errorf("the books are damaged: nothing is held for reader %d, who has clicks", r.id)
		}
		if nothing[r.id] {
			held[i] = 0
		}
		if err := rows.add(int32(month), r.bucket, int64(r.id), int64(held[i])); err != nil {
			return err
		}
	}
	return rows.flush()
}

const insertSnapshotBudgets = `INSERT INTO snapshot_budget (month, bucket, reader, budget) VALUES `

var selectHeld = `SELECT id, credits - debits FROM account WHERE id IN ` + placeholders(1, rowsPerInsert)

// heldFor is what is held for readers, in their order.
func (tx *Tx) heldFor(month flattr.Month, readers []giver) ([]money.Micro, error) {
	held := make([]money.Micro, len(readers))
	for start := 0; start < len(readers); start += rowsPerInsert {
		at := make(map[book.AccountID]int, rowsPerInsert)
		ids := make([]any, rowsPerInsert)
		for i := range ids {
			// The last one stands in for those that are missing: one statement fits all.
			reader := min(start+i, len(readers)-1)
			id := heldOf(readers[reader].id, month).ID()
			at[id], ids[i] = reader, id[:]
		}
		err := tx.each(selectHeld, func(rows *sql.Rows) error {
			var raw sql.RawBytes
			var amount money.Micro
			if err := rows.Scan(&raw, &amount); err != nil {
				return err
			}
			if len(raw) != len(book.AccountID{}) {
				return fmt.Errorf("an account's id has %d bytes", len(raw))
			}
			held[at[book.AccountID(raw)]] = amount
			return nil
		}, ids...)
		if err != nil {
			return nil, err
		}
	}
	return held, nil
}

const nextMonth = `
SELECT COALESCE(MIN(month), 0) FROM (SELECT month FROM month WHERE state = 'open' AND month > $1
UNION ALL SELECT next_month FROM subscription WHERE stopped IS NULL AND next_month > $1) m`

// FreezeDue freezes all open months whose grace is over at now, in their order.
func (tx *Tx) FreezeDue(now time.Time) error {
	_, err := tx.calendar(flattr.MonthOf(now.Add(-flattr.Grace)).Prev())
	return err
}

// FreezeThrough freezes the open months before last, then last itself, even if
// nothing has touched it. Before its grace is over it refuses with month_open.
func (tx *Tx) FreezeThrough(now time.Time, last flattr.Month) error {
	if now.Before(last.FreezeAt()) {
		return flattr.Refuse(flattr.MonthOpen, fmt.Sprintf(
			"%s takes clicks until %s. Settle it then.", last, last.FreezeAt().Format(time.RFC3339)))
	}
	reached, err := tx.calendar(last)
	if err == nil && reached != last {
		err = tx.end(last)
	}
	if err != nil {
		return err
	}
	return tx.retryAll(now) // of months that began after last was to be frozen
}

// calendar lets the calendar go on until a month is frozen: each month begins,
// which makes the clicks of subscriptions, and, where it was touched, is frozen
// at its own instant, however late that is done. So the outcome does not depend
// on when. It answers the last month that was frozen.
func (tx *Tx) calendar(through flattr.Month) (reached flattr.Month, err error) {
	for month := flattr.Month(0); ; {
		// A month that ends may have begun the next: they are looked up one by one.
		if err := tx.row(nextMonth, int32(month)).Scan(&month); err != nil {
			return 0, fmt.Errorf("read which month is next: %w", err)
		}
		if month == 0 || month > through {
			return reached, nil
		}
		if err := tx.dueAll(month.FreezeAt()); err != nil {
			return 0, err
		}
		open, err := tx.openMonths()
		if err != nil {
			return 0, err
		}
		if !slices.Contains(open, month) {
			continue
		}
		if err := tx.end(month); err != nil {
			return 0, err
		}
		reached = month
	}
}

// end freezes a month at its instant.
func (tx *Tx) end(month flattr.Month) error {
	at := month.FreezeAt()
	if err := tx.dueAll(at); err != nil {
		return err
	}
	frozen, err := tx.freeze(at, month)
	if err != nil || !frozen {
		return err
	}
	return tx.retryAll(at) // what promises held came back to the means
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
