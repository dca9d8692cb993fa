package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// ThingDays is how many readers flattred a thing on some days of a month, counted
// by the arrival of their clicks.
type ThingDays struct {
	From, To int // days of the month
	Readers  int // at least dayReaders
}

const selectDaysCounted = `SELECT day FROM thing_days_counted WHERE month = $1 AND thing = $2`

const upsertDaysCounted = `
INSERT INTO thing_days_counted (month, thing, day) VALUES ($1, $2, $3)
ON CONFLICT (month, thing) DO UPDATE SET day = excluded.day`

const insertThingDays = `
INSERT INTO thing_days (month, thing, from_day, to_day, readers) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

const selectThingDays = `SELECT from_day, to_day, readers FROM thing_days WHERE thing = $1 AND month = $2 ORDER BY from_day`

const countReadersOf = `SELECT COUNT(DISTINCT c.reader) FROM counted c WHERE c.thing IN ` + withAliases + ` AND c.month = $2`

// dayMicros is a day in microseconds.
const dayMicros = int64(24 * time.Hour / time.Microsecond)

// The day of a reader is that on which the first of their clicks on the thing, or
// an alias of it, arrived; one that arrived before the month counts as its first.
const selectArrivals = `
WITH earliest AS (
    SELECT MIN(e.arrived) AS arrived FROM counted c JOIN event e ON e.id = c.click
    WHERE c.thing IN ` + withAliases + ` AND c.month = $2 GROUP BY c.reader
)
SELECT (arrived - $3) / 86400000000 AS day, COUNT(*) FROM earliest GROUP BY day ORDER BY day`

// countDays writes down what the authors of a thing are told of single days of
// the running month. Nobody is picked out:
//
//   - days are taken together until at least dayReaders readers flattred the thing
//     on them, and are told only while as many remain for the days after them, which
//     could be reckoned from the sum of the month;
//   - a day counts when it is over, and by the arrival of clicks at the ledger: no
//     click that comes in later, with whatever time, belongs to it;
//   - what is once told never changes, also when somebody takes a click back, so that
//     the difference between two looks is that of the month's sum, which is told anyway.
//
// It is done at most once a day.
func (s *Store) countDays(ctx context.Context, now time.Time, author flattr.MemberID, id flattr.ThingID) error {
	due, day := false, 0
	var month flattr.Month
	look := func(tx *Tx) error {
		due = false
		t, err := tx.authoredThing(author, id)
		if err != nil {
			return err
		}
		id = t.ID // after aliases
		if month, err = tx.runningMonth(now); err != nil || now.Before(month.Start()) {
			return err // a month that runs ahead of the calendar has no days yet
		}
		day = int((micros(now)-micros(month.Start()))/dayMicros) + 1
		var counted int
		err = ignoreNone(tx.row(selectDaysCounted, int32(month), int64(id)).Scan(&counted))
		due = err == nil && counted < day && t.owner != 0
		return err
	}
	if err := s.read(ctx, look); err != nil || !due {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := look(tx); err != nil || !due {
			return err
		}
		days, _, err := tx.thingDays(month, id)
		if err != nil {
			return err
		}
		arrivals := make(map[int]int)
		err = tx.each(selectArrivals, func(rows *sql.Rows) error {
			var on, readers int
			err := rows.Scan(&on, &readers)
			arrivals[max(on, 0)+1] += readers
			return err
		}, int64(id), int32(month), micros(month.Start()))
		if err != nil {
			return fmt.Errorf("count readers by day: %w", err)
		}
		for _, d := range newDays(days, arrivals, day) {
			if _, err := tx.exec(insertThingDays, int32(month), int64(id), d.From, d.To, d.Readers); err != nil {
				return fmt.Errorf("write days of a thing: %w", err)
			}
		}
		if _, err := tx.exec(upsertDaysCounted, int32(month), int64(id), day); err != nil {
			return fmt.Errorf("write until when days are counted: %w", err)
		}
		return nil
	})
}

// newDays are the days that can be told beside those that have been, today not
// being over.
func newDays(told []ThingDays, arrivals map[int]int, today int) (fresh []ThingDays) {
	next := 1
	if len(told) > 0 {
		next = told[len(told)-1].To + 1
	}
	rest := 0
	for day, readers := range arrivals {
		if day >= next {
			rest += readers
		}
	}
	d := ThingDays{From: next}
	for day := next; day < today; day++ {
		d.To, d.Readers = day, d.Readers+arrivals[day]
		if d.Readers < dayReaders {
			continue
		}
		if rest-d.Readers < dayReaders {
			break
		}
		rest -= d.Readers
		fresh, d = append(fresh, d), ThingDays{From: day + 1}
	}
	return fresh
}

// thingDays are the days of a thing that its authors are told of, and how many
// readers it has in the month.
func (tx *Tx) thingDays(month flattr.Month, id flattr.ThingID) (days []ThingDays, readers int, err error) {
	err = tx.each(selectThingDays, func(rows *sql.Rows) error {
		var d ThingDays
		err := rows.Scan(&d.From, &d.To, &d.Readers)
		days = append(days, d)
		return err
	}, int64(id), int32(month))
	if err != nil {
		return nil, 0, fmt.Errorf("read days of a thing: %w", err)
	}
	if err := tx.row(countReadersOf, int64(id), int32(month)).Scan(&readers); err != nil {
		return nil, 0, fmt.Errorf("count readers of a thing: %w", err)
	}
	return days, readers, nil
}
