package store

import (
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const selectDue = `
SELECT id, thing, months, at, paused FROM subscription
WHERE bucket = $1 AND reader = $2 AND stopped IS NULL AND next_month = $3 ORDER BY id LIMIT $4`

const decided = `UPDATE subscription SET next_month = $1 WHERE id = $2`

const termOver = `UPDATE subscription SET stopped = $1 WHERE id = $2`

// due decides what has begun by now of the months of a reader's subscriptions,
// in the order of month and id, and makes their clicks. It refuses with not_found
// who is no member any more.
func (tx *Tx) due(now time.Time, reader flattr.MemberID) error {
	if err := tx.await(now); err != nil {
		return err
	}
	for {
		a, err := tx.account(reader)
		if err != nil || a.next == 0 || a.next > flattr.MonthOf(now) {
			return err
		}
		if err := tx.dueMonth(now, reader, a.next); err != nil {
			return fmt.Errorf("begin %s for reader %d: %w", a.next, reader, err)
		}
	}
}

// dueMonth decides a month that has begun, for a page of the reader's subscriptions.
func (tx *Tx) dueMonth(now time.Time, reader flattr.MemberID, month flattr.Month) error {
	type undecided struct {
		id     flattr.EventID
		thing  flattr.ThingID
		months int
		at     int64
		paused bool
	}
	var due []undecided
	err := tx.each(selectDue, func(rows *sql.Rows) error {
		var s undecided
		err := scanID(rows, &s.id, &s.thing, &s.months, &s.at, &s.paused)
		due = append(due, s)
		return err
	}, reader.Bucket(), int64(reader), int32(month), page)
	if err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	for _, s := range due {
		if s.months > 0 && month >= flattr.MonthOf(timeOf(s.at)).Add(s.months) {
			if err := one(tx.exec(termOver, micros(month.Start()), s.id[:])); err != nil {
				return fmt.Errorf("end subscription: %w", err)
			}
			continue
		}
		if !s.paused {
			p := planned{subscription: s.id, reader: reader, thing: s.thing, month: month, at: month.Start()}
			if err := tx.decide(now, p); err != nil {
				return err
			}
		}
		if err := one(tx.exec(decided, int32(month.Next()), s.id[:])); err != nil {
			return fmt.Errorf("decide month of subscription: %w", err)
		}
	}
	tx.forget(reader)
	return nil
}

const selectWaiting = `
SELECT w.subscription, w.month, s.thing, s.at
FROM subscription_month w JOIN subscription s ON s.id = w.subscription
WHERE w.bucket = $1 AND w.reader = $2 AND w.state = 'waiting' ORDER BY w.month, w.subscription`

const nameMonth = `
UPDATE subscription_month SET state = $1 WHERE month = $2 AND bucket = $3 AND reader = $4 AND subscription = $5`

// retry makes the clicks of a reader's subscriptions that waited for means, in
// the order of month and id, as far as there are means by now. Those of a month
// whose grace is over wait for its freeze, which gives them up; those that would
// be of a time to come, since now is the instant of a freeze that is run late or
// that of a clock behind another's, wait for the next time.
func (tx *Tx) retry(now time.Time, reader flattr.MemberID) error {
	a, err := tx.account(reader)
	if err != nil || !a.waiting {
		return err
	}
	var waiting []planned
	err = tx.each(selectWaiting, func(rows *sql.Rows) error {
		p := planned{reader: reader}
		var at int64
		if err := scanID(rows, &p.subscription, &p.month, &p.thing, &at); err != nil {
			return err
		}
		p.at = p.month.Start()
		if began := timeOf(at); began.After(p.at) {
			p.at = began // its first month
		}
		waiting = append(waiting, p)
		return nil
	}, reader.Bucket(), int64(reader))
	if err != nil {
		return fmt.Errorf("read subscriptions that wait: %w", err)
	}
	for _, p := range waiting {
		if p.at.After(now) || !now.Before(p.month.FreezeAt()) {
			continue
		}
		state, err := tx.try(now, p)
		if err != nil {
			return err
		}
		if state == monthWaiting {
			continue
		}
		err = one(tx.exec(nameMonth, state, int32(p.month), p.reader.Bucket(), int64(p.reader), p.subscription[:]))
		if err != nil {
			return fmt.Errorf("write month of subscription: %w", err)
		}
		tx.forget(reader)
	}
	return nil
}

const selectReadersDue = `
SELECT DISTINCT bucket, reader FROM subscription
WHERE stopped IS NULL AND next_month <= $1 AND (bucket, reader) > ($2, $3) ORDER BY bucket, reader LIMIT $4`

// dueAll is due for every reader.
func (tx *Tx) dueAll(now time.Time) error {
	month := flattr.MonthOf(now)
	if tx.accounts.decided >= month {
		return nil
	}
	err := tx.eachReader(func(reader flattr.MemberID) error { return tx.due(now, reader) }, selectReadersDue, int32(month))
	if err == nil {
		tx.accounts.decided = month
	}
	return err
}

const selectReadersWaiting = `
SELECT DISTINCT bucket, reader FROM subscription_month
WHERE state = 'waiting' AND (bucket, reader) > ($1, $2) ORDER BY bucket, reader LIMIT $3`

// retryAll is retry for every reader.
func (tx *Tx) retryAll(now time.Time) error {
	return tx.eachReader(func(reader flattr.MemberID) error { return tx.retry(now, reader) }, selectReadersWaiting)
}

// eachReader does something for the readers that a query finds, page by page.
func (tx *Tx) eachReader(do func(flattr.MemberID) error, query string, args ...any) error {
	bucket, last := -1, flattr.MemberID(0)
	for {
		var readers []flattr.MemberID
		err := tx.each(query, func(rows *sql.Rows) error {
			err := rows.Scan(&bucket, &last)
			readers = append(readers, last)
			return err
		}, append(args[:len(args):len(args)], bucket, int64(last), page)...)
		if err != nil {
			return fmt.Errorf("read readers with subscriptions: %w", err)
		}
		if len(readers) == 0 {
			return nil
		}
		for _, reader := range readers {
			if err := do(reader); err != nil {
				return err
			}
			tx.forget(reader)
		}
	}
}

const skipMonth = `UPDATE subscription_month SET state = 'skipped' WHERE month = $1 AND state = 'waiting'`

// skipWaiting gives up the clicks of a month that still wait for means, when it
// is frozen.
func (tx *Tx) skipWaiting(month flattr.Month) error {
	if _, err := tx.exec(skipMonth, int32(month)); err != nil {
		return fmt.Errorf("give up subscriptions without means: %w", err)
	}
	clear(tx.accounts.of)
	return nil
}
