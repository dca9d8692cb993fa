package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// What waits for a reader: promises, and clicks of subscriptions.

// WaitingPromise is a promise of a frozen month that can still become a click.
type WaitingPromise struct {
	Click    flattr.EventID
	At       time.Time
	Month    flattr.Month // that it was made in
	Last     flattr.Month // the last one in which it can become a click
	Thing    flattr.ThingID
	URL      string
	Title    string
	Asserted string // who is said to be its author
	Owner    string // who it is known to be by now: the promise waits for means
}

const countWaitingPromises = `
SELECT COUNT(*) FROM promise WHERE bucket = $1 AND reader = $2 AND state = 'waiting' AND month >= $3`

const selectWaitingPromises = `
SELECT p.click, p.at, p.month, o.id, o.url, o.title, o.asserted, COALESCE(m.name, '')
FROM promise p JOIN thing t ON t.id = p.thing JOIN thing o ON o.id = COALESCE(t.alias_of, t.id)
LEFT JOIN member m ON m.id = o.owner
WHERE p.bucket = $1 AND p.reader = $2 AND p.state = 'waiting' AND p.month >= $3
ORDER BY p.month DESC, p.at DESC, p.click LIMIT $4 OFFSET $5`

// WaitingPromises are a page of a reader's promises of frozen months that wait,
// the latest first, and how many there are in all.
func (s *Store) WaitingPromises(ctx context.Context, now time.Time, reader flattr.MemberID, limit, offset int) (page []WaitingPromise, total int, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		page = nil
		_, oldest, err := tx.promising(now)
		if err != nil {
			return err
		}
		if err := tx.row(countWaitingPromises, reader.Bucket(), int64(reader), int32(oldest)).Scan(&total); err != nil {
			return fmt.Errorf("count promises: %w", err)
		}
		months, err := tx.policy(PolicyPromiseMonths)
		if err != nil {
			return err
		}
		err = tx.each(selectWaitingPromises, func(rows *sql.Rows) error {
			var p WaitingPromise
			var at int64
			err := scanID(rows, &p.Click, &at, &p.Month, &p.Thing, &p.URL, &p.Title, &p.Asserted, &p.Owner)
			p.At, p.Last = timeOf(at), p.Month.Add(int(months))
			page = append(page, p)
			return err
		}, reader.Bucket(), int64(reader), int32(oldest), limit, offset)
		if err != nil {
			return fmt.Errorf("read promises: %w", err)
		}
		return nil
	})
	return page, total, err
}

// Subscribed is a subscription that runs or is paused, with its thing.
type Subscribed struct {
	flattr.SubscriptionView
	URL, Title, Owner string
	Last              flattr.Month // with a click; 0: until it is stopped
	Waiting           flattr.Month // the first month whose click waits for means; 0: none
}

const selectSubscribed = `
SELECT u.id, u.thing, u.months, u.at, u.paused, o.url, o.title, COALESCE(m.name, ''),
       COALESCE((SELECT MIN(w.month) FROM subscription_month w
                 WHERE w.bucket = u.bucket AND w.reader = u.reader AND w.state = 'waiting' AND w.subscription = u.id), 0)
FROM subscription u JOIN thing t ON t.id = u.thing JOIN thing o ON o.id = COALESCE(t.alias_of, t.id)
LEFT JOIN member m ON m.id = o.owner
WHERE u.bucket = $1 AND u.reader = $2 AND u.stopped IS NULL ORDER BY u.at, u.id LIMIT $3 OFFSET $4`

const countSubscribed = `SELECT COUNT(*) FROM subscription WHERE bucket = $1 AND reader = $2 AND stopped IS NULL`

// Subscribed are a page of a reader's subscriptions that run or are paused,
// oldest first, and how many there are in all.
func (s *Store) Subscribed(ctx context.Context, now time.Time, reader flattr.MemberID, limit, offset int) (page []Subscribed, total int, err error) {
	if err := s.begin(ctx, now, reader); err != nil {
		return nil, 0, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		page = nil
		if err := tx.row(countSubscribed, reader.Bucket(), int64(reader)).Scan(&total); err != nil {
			return fmt.Errorf("count subscriptions: %w", err)
		}
		err := tx.each(selectSubscribed, func(rows *sql.Rows) error {
			var v Subscribed
			var since int64
			err := scanID(rows, &v.ID, &v.Thing, &v.Months, &since, &v.Paused, &v.URL, &v.Title, &v.Owner, &v.Waiting)
			v.Since = timeOf(since)
			if v.Months > 0 {
				v.Last = flattr.MonthOf(v.Since).Add(v.Months - 1)
			}
			page = append(page, v)
			return err
		}, reader.Bucket(), int64(reader), limit, offset)
		if err != nil {
			return fmt.Errorf("read subscriptions: %w", err)
		}
		return nil
	})
	return page, total, err
}

// PauseSubscription pauses a subscription of a reader, or lets it go on. It
// refuses with not_found.
func (s *Store) PauseSubscription(ctx context.Context, now time.Time, reader flattr.MemberID, id flattr.EventID, on bool) error {
	return s.write(ctx, func(tx *Tx) error { return tx.Pause(now, reader, id, on) })
}

// StopSubscription ends a reader's subscription for good; the clicks it made
// stay. It refuses with not_found.
func (s *Store) StopSubscription(ctx context.Context, now time.Time, reader flattr.MemberID, id flattr.EventID) error {
	return s.write(ctx, func(tx *Tx) error { return tx.Stop(now, reader, id) })
}

// Standing is the money between a member and the ledger.
func (s *Store) Standing(ctx context.Context, member flattr.MemberID) (st Standing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		st, err = tx.standing(member)
		return err
	})
	return st, err
}
