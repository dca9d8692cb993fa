package store

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
)

// isPromised holds of a thing t for which, or for an alias of which, promises
// of frozen months wait.
const isPromised = `EXISTS (SELECT 1 FROM promise p WHERE p.thing = t.id AND p.state = 'waiting')
OR EXISTS (SELECT 1 FROM thing a JOIN promise p ON p.thing = a.id WHERE a.alias_of = t.id AND p.state = 'waiting')`

// What stands in the table of promises.
const (
	promiseKept   = "kept"
	promiseLapsed = "lapsed"
)

// promise is a click of a frozen month for a thing that had no owner then.
type promise struct {
	thing flattr.ThingID // before aliases
	month flattr.Month
	click flattr.EventID
}

var lapseOwn = `
UPDATE promise SET state = 'lapsed' WHERE bucket = $1 AND reader = $2 AND state = 'waiting' AND EXISTS (
	SELECT 1 FROM thing t JOIN thing o ON o.id = COALESCE(t.alias_of, t.id) WHERE t.id = promise.thing AND ` + authored("$3") + `)`

// lapseOwn lets a member's promises for things, after aliases, lapse of which
// the member is an author by now.
func (tx *Tx) lapseOwn(member flattr.MemberID) error {
	if _, err := tx.exec(lapseOwn, member.Bucket(), int64(member), int64(member)); err != nil {
		return fmt.Errorf("let own promises lapse: %w", err)
	}
	return nil
}

const selectPromises = `
SELECT p.click, p.thing, p.month, o.id FROM promise p
JOIN thing t ON t.id = p.thing JOIN thing o ON o.id = COALESCE(t.alias_of, t.id)
WHERE p.bucket = $1 AND p.reader = $2 AND p.state = 'waiting' AND p.month >= $3 AND o.owner IS NOT NULL
ORDER BY o.id, p.at, p.click`

// keepPromises makes clicks of the reader's promises of frozen months whose
// things have an owner by now (product rule 12). Those for which means lack
// wait for the next top-up.
func (tx *Tx) keepPromises(now time.Time, reader flattr.MemberID) error {
	running, oldest, err := tx.promising(now)
	if err != nil {
		return err
	}
	var targets []flattr.ThingID
	waiting := make(map[flattr.ThingID][]promise)
	err = tx.each(selectPromises, func(rows *sql.Rows) error {
		var p promise
		var target flattr.ThingID
		if err := scanID(rows, &p.click, &p.thing, &p.month, &target); err != nil {
			return err
		}
		if waiting[target] == nil {
			targets = append(targets, target)
		}
		waiting[target] = append(waiting[target], p)
		return nil
	}, reader.Bucket(), int64(reader), int32(oldest))
	if err != nil {
		return fmt.Errorf("read promises: %w", err)
	}
	for _, target := range targets {
		t, err := tx.thing(target)
		if err != nil {
			return err
		}
		if err := tx.keep(now, running, reader, t, waiting[target]); err != nil {
			return err
		}
	}
	return nil
}

// promising are the month in which promises become clicks now, and the oldest
// month whose promises have not expired.
func (tx *Tx) promising(now time.Time) (running, oldest flattr.Month, err error) {
	if running, err = tx.runningMonth(now); err != nil {
		return 0, 0, err
	}
	months, err := tx.policy(PolicyPromiseMonths)
	return running, running.Add(-int(months)), err
}

const selectPromisers = `
SELECT DISTINCT p.bucket, p.reader FROM promise p
WHERE p.thing IN (SELECT o.id FROM thing o WHERE o.id = $1 OR o.alias_of = $1)
AND p.state = 'waiting' AND p.month >= $2 AND p.bucket >= $3 AND p.bucket < $4
ORDER BY p.bucket, p.reader LIMIT $5`

const selectPromisesFor = `
SELECT p.click, p.thing, p.month FROM promise p
WHERE p.thing IN (SELECT o.id FROM thing o WHERE o.id = $1 OR o.alias_of = $1)
AND p.bucket = $2 AND p.reader = $3 AND p.month >= $4 AND p.state = 'waiting'
ORDER BY p.at, p.click`

// keepPromisesFor makes clicks of all promises for a thing that is no alias and
// for its aliases, if it has an owner.
func (tx *Tx) keepPromisesFor(now time.Time, target flattr.ThingID) error {
	t, err := tx.thing(target)
	if err != nil || t.owner == 0 {
		return err
	}
	running, oldest, err := tx.promising(now)
	if err != nil {
		return err
	}
	keep := func(from, to, most int) (int, error) {
		readers, err := tx.promisers(target, oldest, from, to, most)
		if err != nil || len(readers) == most {
			return len(readers), err
		}
		for _, reader := range readers {
			if err := tx.keepPromisesOf(now, running, oldest, reader, t); err != nil {
				return 0, err
			}
		}
		return len(readers), nil
	}
	// Most things have few; the readers of the others do not fit into memory.
	if few, err := keep(0, flattr.Buckets, page); err != nil || few < page {
		return err
	}
	return inRanges(func(from, to int) (int, error) { return keep(from, to, math.MaxInt32) })
}

// promisers are the first readers of a range of buckets with promises for a
// thing and its aliases.
func (tx *Tx) promisers(target flattr.ThingID, oldest flattr.Month, from, to, most int) (readers []flattr.MemberID, err error) {
	err = tx.each(selectPromisers, func(rows *sql.Rows) error {
		var bucket int
		var reader flattr.MemberID
		err := rows.Scan(&bucket, &reader)
		readers = append(readers, reader)
		return err
	}, int64(target), int32(oldest), from, to, most)
	if err != nil {
		return nil, fmt.Errorf("read who promised: %w", err)
	}
	return readers, nil
}

// keepPromisesOf makes a click of a reader's promises for a thing and its
// aliases. Their subscriptions are brought up to now before, and those that wait
// are tried again after it, since means may have gone or the month be paid now.
func (tx *Tx) keepPromisesOf(now time.Time, running, oldest flattr.Month, reader flattr.MemberID, t storedThing) error {
	if err := tx.due(now, reader); err != nil {
		return err
	}
	var waiting []promise
	err := tx.each(selectPromisesFor, func(rows *sql.Rows) error {
		var p promise
		err := scanID(rows, &p.click, &p.thing, &p.month)
		waiting = append(waiting, p)
		return err
	}, int64(t.id), reader.Bucket(), int64(reader), int32(oldest))
	if err != nil {
		return fmt.Errorf("read promises: %w", err)
	}
	if err := tx.keep(now, running, reader, t, waiting); err != nil {
		return err
	}
	return tx.retry(now, reader)
}

// keep makes one click of the promises of a reader that wait for a thing, which
// has an owner, and its aliases. They stand in the order of time and id; the
// first gives the click its id.
func (tx *Tx) keep(now time.Time, running flattr.Month, reader flattr.MemberID, t storedThing, waiting []promise) error {
	if len(waiting) == 0 {
		return nil
	}
	clicked, err := tx.countsOn(running, reader, t.id)
	if err != nil {
		return err
	}
	if clicked {
		return tx.endPromises(reader, waiting, promiseLapsed, flattr.EventID{})
	}
	id := keptID(waiting[0].click)
	result, err := tx.derive(now, derived{id: id, reader: reader, thing: t.id, at: now, month: running})
	if err != nil {
		return err
	}
	switch result {
	case derivedMade:
		return tx.endPromises(reader, waiting, promiseKept, id)
	case derivedLacking:
		return nil
	case derivedDuplicate, derivedOwn, derivedTaken:
	}
	return tx.endPromises(reader, waiting, promiseLapsed, flattr.EventID{})
}

// keptID is the id of the click that a promise becomes.
func keptID(click flattr.EventID) flattr.EventID {
	return flattr.EventID(uuid.NewSHA1(uuid.UUID(click), []byte("promise")))
}

const selectCountsOn = `
SELECT 1 FROM counted c JOIN thing t ON t.id = c.thing
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND (t.id = $4 OR t.alias_of = $4) LIMIT 1`

// countsOn reports whether a click of the reader counts on the thing or one of
// its aliases.
func (tx *Tx) countsOn(month flattr.Month, reader flattr.MemberID, target flattr.ThingID) (bool, error) {
	var found int
	err := tx.row(selectCountsOn, int32(month), reader.Bucket(), int64(reader), int64(target)).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what counts: %w", err)
	}
	return true, nil
}

const endPromise = `
UPDATE promise SET state = $1, became = $2 WHERE thing = $3 AND bucket = $4 AND reader = $5 AND month = $6`

// endPromises writes what became of promises.
func (tx *Tx) endPromises(reader flattr.MemberID, ended []promise, state string, became flattr.EventID) error {
	var id []byte
	if !became.IsZero() {
		id = became[:]
	}
	for _, p := range ended {
		err := one(tx.exec(endPromise, state, id, int64(p.thing), reader.Bucket(), int64(reader), int32(p.month)))
		if err != nil {
			return fmt.Errorf("end promise %s: %w", p.click, err)
		}
		if state != promiseKept {
			continue
		}
		if err := tx.uncountPromise(p.thing); err != nil {
			return err
		}
	}
	return nil
}
