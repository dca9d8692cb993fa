package store

import (
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// The states of a month of a subscription. Months that were paused have none.
const (
	monthMade    = "made"    // its click was made, or found another one counting
	monthWaiting = "waiting" // for means
	monthSkipped = "skipped" // frozen without means, or the reader's own thing
	monthEnded   = "ended"   // paused or stopped while it waited
)

const selectSubscription = `SELECT body, thing FROM subscription WHERE id = $1`

const insertSubscription = `
INSERT INTO subscription (id, bucket, reader, thing, months, at, paused, stopped, next_month, body)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)`

// Subscribe makes a reader's click on a URL now and repeats it every month, from
// the next one on at the month's first instant (product rule 14). A first click
// for which means lack waits for a top-up; one that is there already stays the
// only one. It refuses with flattr_owner, with id_reused, and with
// invalid_request what is no URL. The same subscription again changes nothing.
func (tx *Tx) Subscribe(now time.Time, reader flattr.MemberID, s flattr.Subscription) error {
	if err := tx.due(now, reader); err != nil {
		return err
	}
	if s.ID.IsZero() || s.Months != 0 && s.Months != 3 && s.Months != 6 && s.Months != 12 {
		return flattr.Refuse(flattr.Invalid, "A subscription has an id, and runs for 3, 6 or 12 months or until it is stopped.")
	}
	row := subscription{body: subscriptionBody(reader, s), Subscription: s, reader: reader, at: now}
	if known, err := tx.subscribedBefore(row); err != nil || known {
		return err
	}
	var err error
	if row.first, err = tx.runningMonth(now); err != nil {
		return err
	}
	row.thing, err = tx.subscribable(now, reader, s.URL)
	if flattr.CodeOf(err) == flattr.OwnThing {
		return cmp.Or(tx.addSubscription(row), err) // the same answer is given again
	}
	if err != nil {
		return err
	}
	if err := tx.addSubscription(row); err != nil {
		return err
	}
	tx.forget(reader)
	first := planned{subscription: s.ID, reader: reader, thing: row.thing, month: row.first, at: now}
	if err := tx.decide(now, first); err != nil {
		return err
	}
	return tx.retry(now, reader)
}

// subscription is a subscription as it begins.
type subscription struct {
	flattr.Subscription
	reader flattr.MemberID
	thing  flattr.ThingID // 0: it was refused, as the reader's own thing
	first  flattr.Month
	at     time.Time
	body   [sha256.Size]byte
}

// subscribedBefore reports whether a subscription is known already, with the
// first answer, or refuses with id_reused.
func (tx *Tx) subscribedBefore(s subscription) (bool, error) {
	var body []byte
	var thing flattr.ThingID
	err := tx.row(selectSubscription, s.ID[:]).Scan(&body, &thing)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("read subscription %s: %w", s.ID, err)
	case string(body) != string(s.body[:]):
		return true, flattr.Refuse(flattr.IDReused, "Another subscription has this id already. Subscriptions need ids of their own.")
	case thing == 0:
		return true, refusal(flattr.OwnThing)
	}
	return true, nil
}

func (tx *Tx) addSubscription(s subscription) error {
	stopped := sql.NullInt64{Int64: micros(s.at), Valid: s.thing == 0}
	_, err := tx.exec(insertSubscription, s.ID[:], s.reader.Bucket(), int64(s.reader), int64(s.thing), s.Months, micros(s.at),
		stopped, int32(s.first.Next()), s.body[:])
	if err != nil {
		return fmt.Errorf("write subscription: %w", err)
	}
	return nil
}

// subscriptionBody is the SHA-256 over what the reader asked for.
func subscriptionBody(reader flattr.MemberID, s flattr.Subscription) [sha256.Size]byte {
	text, err := json.Marshal([]any{int64(reader), s.URL, s.Months})
	if err != nil {
		panic(err) // numbers and strings can be marshalled
	}
	return sha256.Sum256(text)
}

// subscribable is the thing of a URL, made where it is not known, or a refusal
// with flattr_owner.
func (tx *Tx) subscribable(now time.Time, reader flattr.MemberID, url string) (flattr.ThingID, error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return 0, err
	}
	t, err := tx.thingByKey(key)
	if err == nil && t.id == 0 {
		t, err = tx.expected(key)
	}
	if err != nil {
		return 0, err
	}
	if own, err := tx.ownedBy(t, reader); err != nil || own {
		if own {
			err = refusal(flattr.OwnThing)
		}
		return 0, err
	}
	if t.id == 0 {
		t, err = tx.addExpected(now, key, flattr.ThingRef{URL: url}, t)
	}
	return t.id, err
}

const pauseSubscription = `UPDATE subscription SET paused = $1 WHERE id = $2 AND bucket = $3 AND reader = $4 AND thing <> 0`

const stopSubscription = `
UPDATE subscription SET stopped = COALESCE(stopped, $1) WHERE id = $2 AND bucket = $3 AND reader = $4 AND thing <> 0`

const endWaiting = `
UPDATE subscription_month SET state = 'ended' WHERE bucket = $1 AND reader = $2 AND subscription = $3 AND state = 'waiting'`

// Pause keeps a subscription from making clicks for months that begin while it
// is on, and ends the waiting of those that were to come; its term goes on. With
// on false it resumes. It refuses with not_found.
func (tx *Tx) Pause(now time.Time, reader flattr.MemberID, id flattr.EventID, on bool) error {
	if err := tx.due(now, reader); err != nil {
		return err
	}
	n, err := tx.exec(pauseSubscription, number(on), id[:], reader.Bucket(), int64(reader))
	return tx.interrupted(now, reader, id, n, err, on)
}

// Stop ends a subscription for good; the clicks it made stay. It refuses with
// not_found.
func (tx *Tx) Stop(now time.Time, reader flattr.MemberID, id flattr.EventID) error {
	if err := tx.due(now, reader); err != nil {
		return err
	}
	n, err := tx.exec(stopSubscription, micros(now), id[:], reader.Bucket(), int64(reader))
	return tx.interrupted(now, reader, id, n, err, true)
}

// interrupted is what follows a change of n subscriptions: with end the months
// that wait do so no longer.
func (tx *Tx) interrupted(now time.Time, reader flattr.MemberID, id flattr.EventID, n int64, err error, end bool) error {
	if err == nil && n == 0 {
		return flattr.Refuse(flattr.NotFound, "There is no such subscription of yours.")
	}
	if err == nil && end {
		_, err = tx.exec(endWaiting, reader.Bucket(), int64(reader), id[:])
	}
	if err != nil {
		return fmt.Errorf("change subscription %s: %w", id, err)
	}
	tx.forget(reader)
	return tx.retry(now, reader)
}

// planned is a click that a subscription makes, or is to make.
type planned struct {
	subscription flattr.EventID
	reader       flattr.MemberID
	thing        flattr.ThingID
	month        flattr.Month
	at           time.Time // of the click: when the month began, or when it was subscribed to
}

const insertMonthOf = `
INSERT INTO subscription_month (month, bucket, reader, subscription, state) VALUES ($1, $2, $3, $4, $5)`

// decide makes the click of a month that has begun, or lets it wait.
func (tx *Tx) decide(now time.Time, p planned) error {
	if err := tx.touch(p.month); err != nil {
		return err
	}
	state, err := tx.try(now, p)
	if err != nil {
		return err
	}
	_, err = tx.exec(insertMonthOf, int32(p.month), p.reader.Bucket(), int64(p.reader), p.subscription[:], state)
	if err != nil {
		return fmt.Errorf("write month of subscription: %w", err)
	}
	tx.forget(p.reader)
	return nil
}

// try makes a click of a subscription, and answers the state of its month then.
func (tx *Tx) try(now time.Time, p planned) (string, error) {
	if st, err := tx.state(p.month); err != nil || st != flattr.Open {
		return monthSkipped, err
	}
	made, err := tx.derive(now, derived{
		id: flattr.SubscriptionClick(p.subscription, p.month), reader: p.reader, thing: p.thing, at: p.at, month: p.month,
	})
	if err != nil {
		return "", fmt.Errorf("click of subscription %s in %s: %w", p.subscription, p.month, err)
	}
	switch made {
	case derivedMade, derivedDuplicate:
		return monthMade, nil
	case derivedLacking:
		return monthWaiting, nil
	case derivedOwn, derivedTaken:
		return monthSkipped, nil
	}
	return "", fmt.Errorf("click of subscription %s: unknown result %q", p.subscription, made)
}
