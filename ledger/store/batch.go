package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
)

// fewEvents is up to how many events are judged one by one: for so few it costs
// more to ask for all of them at once.
const fewEvents = 3

// Arrival is an event of a reader that arrived at a time.
type Arrival struct {
	Now    time.Time
	Reader flattr.MemberID
	Event  flattr.Event
}

// RecordAll is Record for events that arrived one behind the other; the outcomes
// stand in their order.
func (tx *Tx) RecordAll(arrived []Arrival) ([]flattr.Outcome, error) {
	arrivals := make([]*arrival, len(arrived))
	for i, a := range arrived {
		arrivals[i] = arrive(a.Now, a.Reader, a.Event)
	}
	return tx.recordAll(arrivals)
}

// recordAll judges events one behind the other.
func (tx *Tx) recordAll(arrivals []*arrival) ([]flattr.Outcome, error) {
	b := newBatch(tx)
	if len(arrivals) > fewEvents {
		if err := b.ask(arrivals); err != nil {
			return nil, err
		}
	}
	outcomes := make([]flattr.Outcome, len(arrivals))
	for i, a := range arrivals {
		out, plain, err := b.plain(a)
		var refused *flattr.Error
		switch {
		case errors.As(err, &refused):
			out, err = a.refuse(refused), nil
		case err == nil && !plain:
			out, err = b.alone(a)
		}
		if err != nil {
			return nil, fmt.Errorf("record event %s: %w", a.ID, err)
		}
		outcomes[i] = out
	}
	return outcomes, b.flush()
}

// batch is events that are judged in one transaction, each in its turn and as if
// it were alone. But most clicks are plain: of a new id that nothing names, by a
// reader with means, on a thing of others that the reader has not flattred that
// month. That they are is asked for all at once, and what they write is written
// for many at once: a statement costs more than what it does.
type batch struct {
	tx      *Tx
	taken   map[flattr.EventID]bool    // ids that the log has
	named   map[flattr.EventID]bool    // ids that an undo or a void names
	things  map[flattr.Key]storedThing // those that were asked for; id 0: not known yet
	spots   map[spot]bool              // where the log has clicks
	busy    map[flattr.MemberID]bool   // whose events make the ledger write clicks of its own
	holding map[purse]bool             // where a budget is held
	events  *many                      // wait to be written
	counted *many
}

// purse is what is held for a reader in a month.
type purse struct {
	month  flattr.Month
	reader flattr.MemberID
}

const insertEvents = `
INSERT INTO event (id, kind, bucket, reader, at, arrived, month, thing, late, body, result, code, place) VALUES `

const insertCounted = `INSERT INTO counted (month, bucket, reader, thing, click, late) VALUES `

func newBatch(tx *Tx) *batch {
	return &batch{
		tx: tx, taken: make(map[flattr.EventID]bool), named: make(map[flattr.EventID]bool),
		things: make(map[flattr.Key]storedThing), spots: make(map[spot]bool), busy: make(map[flattr.MemberID]bool),
		holding: make(map[purse]bool),
		events:  tx.many(insertEvents, "", 13), counted: tx.many(insertCounted, "", 6),
	}
}

// alone judges an event by itself, and takes down what it may have changed for
// those behind it.
func (b *batch) alone(a *arrival) (flattr.Outcome, error) {
	if err := b.flush(); err != nil {
		return flattr.Outcome{}, err
	}
	out, err := b.tx.record(a)
	b.taken[a.ID] = true
	b.named[a.Click] = true
	delete(b.things, a.key)
	b.spots[spot{month: out.Month, bucket: a.bucket, reader: a.reader, thing: out.ThingID}] = true
	clear(b.holding)
	if derivable(a.Click) {
		clear(b.things) // clicks of other readers may have been made: the rest goes alone
	}
	return out, err
}

// plain judges a plain click; it answers false, and has done nothing, where the
// event is none. A *flattr.Error is a refusal that leaves nothing behind.
func (b *batch) plain(a *arrival) (out flattr.Outcome, plain bool, err error) {
	if idle, err := b.tx.idle(a.now, a.reader); err != nil || !idle {
		b.busy[a.reader] = true
		return out, false, err
	}
	t, asked := b.things[a.key]
	if !asked || a.Kind != flattr.KindClick || b.busy[a.reader] || b.taken[a.ID] || b.named[a.ID] || derivable(a.ID) {
		return out, false, nil
	}
	if t.id == 0 {
		if t, err = b.tx.expected(a.key); err != nil {
			return out, false, err
		}
	}
	if t.id != 0 && t.owner == 0 && b.tx.home != "" && strings.HasPrefix(string(a.key), b.tx.home) {
		return out, false, nil // perhaps an author's page
	}
	if own, err := b.tx.ownedBy(t, a.reader); err != nil || own {
		return out, false, err
	}
	month, late, err := b.tx.monthFor(a.at, a.now)
	if err != nil {
		return out, false, err
	}
	k := spot{month: month, bucket: a.bucket, reader: a.reader, thing: t.id}
	if b.spots[k] {
		return out, false, nil
	}
	if err := b.hold(a, k); err != nil {
		return out, false, err
	}
	if t.id == 0 {
		if t, err = b.tx.addExpected(a.now, a.key, a.Thing, t); err != nil {
			return out, false, err
		}
		b.things[a.key], k.thing = t, t.id
	} else if t.owner == 0 {
		if err := b.tx.assert(t, a.Thing.Owner); err != nil {
			return out, false, err
		}
	}
	out = flattr.Outcome{ID: a.ID, Result: flattr.Accepted, Month: month}
	if late {
		out.Result = flattr.Late
	}
	describe(&out, t)
	return out, true, b.accept(a, k, out)
}

// idle reports whether nothing of the reader's is under way that an event sets
// going: subscriptions, or a debt.
func (tx *Tx) idle(now time.Time, reader flattr.MemberID) (bool, error) {
	a, err := tx.account(reader)
	if flattr.CodeOf(err) != "" {
		return false, nil
	}
	return a.owed == 0 && !a.waiting && (a.next == 0 || a.next > flattr.MonthOf(now)), err
}

// derivable reports whether the id is of the kind that the ledger makes for
// clicks and voids of its own: such a one may be taken while a batch is judged.
func derivable(id flattr.EventID) bool { return uuid.UUID(id).Version() == 5 }

// hold sets the reader's budget aside for the month.
func (b *batch) hold(a *arrival, k spot) error {
	p := purse{month: k.month, reader: k.reader}
	if b.holding[p] {
		return nil
	}
	err := b.tx.hold(a.now, k, a.ID)
	b.holding[p] = err == nil
	return err
}

// accept takes a plain click down.
func (b *batch) accept(a *arrival, k spot, out flattr.Outcome) error {
	if err := b.tx.touch(k.month); err != nil {
		return err
	}
	b.taken[a.ID], b.spots[k] = true, true
	// What is no int64 by itself costs database/sql a look by reflection.
	month, bucket, isLate := int64(k.month), int64(a.bucket), int64(number(out.Result == flattr.Late))
	err := b.events.add(a.ID[:], string(a.Kind), bucket, int64(a.reader), micros(a.at), micros(a.now), month,
		int64(k.thing), isLate, a.body[:], string(out.Result), "", flattr.Place(k.month, a.ID))
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	err = b.counted.add(month, bucket, int64(a.reader), int64(k.thing), a.ID[:], isLate)
	if err != nil {
		return fmt.Errorf("count click: %w", err)
	}
	if out.Promise {
		return b.tx.tellHooks(a.now, a.at, a.reader, k.thing, a.ID)
	}
	return nil
}

// flush writes what waits.
func (b *batch) flush() error {
	if err := b.events.flush(); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	if err := b.counted.flush(); err != nil {
		return fmt.Errorf("count clicks: %w", err)
	}
	return nil
}

const selectTakenIDs = `SELECT id FROM event WHERE id IN `

const selectNamedIDs = `SELECT click FROM event WHERE click IN `

const selectThingsByKey = `SELECT t.key, ` + plainColumns + ` FROM thing t WHERE t.key IN `

// ask finds out what the log and the things say about all clicks.
func (b *batch) ask(arrivals []*arrival) error {
	var ids, keys []any
	for _, a := range arrivals {
		if a.Kind != flattr.KindClick || a.key == "" || !a.sound() {
			continue
		}
		ids = append(ids, a.ID[:])
		if _, asked := b.things[a.key]; !asked {
			keys = append(keys, string(a.key))
			b.things[a.key] = storedThing{}
		}
	}
	into := func(ids map[flattr.EventID]bool) func(*sql.Rows) error {
		return func(rows *sql.Rows) error {
			var id flattr.EventID
			err := scanID(rows, &id)
			ids[id] = true
			return err
		}
	}
	if err := b.tx.eachIn(selectTakenIDs, ids, into(b.taken)); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if err := b.tx.eachIn(selectNamedIDs, ids, into(b.named)); err != nil {
		return fmt.Errorf("read undos: %w", err)
	}
	err := b.tx.eachIn(selectThingsByKey, keys, func(rows *sql.Rows) error {
		var t storedThing
		var key flattr.Key
		if err := rows.Scan(&key, &t.id, &t.url, &t.title, &t.owner, &t.parts); err != nil {
			return err
		}
		b.things[key] = t
		return nil
	})
	if err != nil {
		return fmt.Errorf("read things: %w", err)
	}
	return b.askSpots(arrivals)
}

const selectSpots = `
SELECT e.month, e.bucket, e.reader, e.thing FROM %s CROSS JOIN event e
WHERE e.month = a.month AND e.bucket = a.bucket AND e.reader = a.reader AND e.thing = a.thing`

// askSpots finds out where the log has clicks of these readers already.
func (b *batch) askSpots(arrivals []*arrival) error {
	var asked []any
	for _, a := range arrivals {
		t := b.things[a.key]
		if t.id == 0 || a.Kind != flattr.KindClick || !a.sound() {
			continue
		}
		month, _, err := b.tx.monthFor(a.at, a.now)
		if err != nil {
			return err
		}
		asked = append(asked, int64(month), int64(a.bucket), int64(a.reader), int64(t.id))
	}
	err := inParts(asked, spotColumns, func(part []any) error {
		return b.tx.each(spotsAmong(len(part)/spotColumns), func(rows *sql.Rows) error {
			var k spot
			err := rows.Scan(&k.month, &k.bucket, &k.reader, &k.thing)
			b.spots[k] = true
			return err
		}, part...)
	})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// spotColumns is how many values name a spot.
const spotColumns = 4

// spotsAmong asks for those of so many spots where there are clicks. The casts
// tell PostgreSQL the types of the parameters.
func spotsAmong(spots int) string {
	var asked strings.Builder
	asked.WriteString("(SELECT CAST($1 AS BIGINT) AS month, CAST($2 AS BIGINT) AS bucket, CAST($3 AS BIGINT) AS reader, CAST($4 AS BIGINT) AS thing")
	for i := spotColumns; i < spots*spotColumns; i++ {
		if i%spotColumns == 0 {
			asked.WriteString(" UNION ALL SELECT ")
		} else {
			asked.WriteString(", ")
		}
		asked.WriteString("CAST($" + strconv.Itoa(i+1) + " AS BIGINT)")
	}
	asked.WriteString(") a")
	return fmt.Sprintf(selectSpots, asked.String())
}

// eachIn runs a query that ends with IN over values.
func (tx *Tx) eachIn(query string, values []any, scan func(*sql.Rows) error) error {
	return inParts(values, 1, func(part []any) error {
		return tx.each(query+placeholders(1, len(part)), scan, part...)
	})
}

// mostAsked is how many things one statement asks for.
const mostAsked = 128

// inParts hands values, columns of which belong together, to use in parts whose
// sizes are few, so that all their statements stay prepared: what is missing to
// such a size is filled with the first ones again.
func inParts(values []any, columns int, use func([]any) error) error {
	for len(values) > 0 {
		n := min(len(values)/columns, mostAsked)
		size := 1
		for size < n {
			size *= 2
		}
		part := make([]any, 0, size*columns)
		part = append(part, values[:n*columns]...)
		for len(part) < size*columns {
			part = append(part, values[:columns]...)
		}
		values = values[n*columns:]
		if err := use(part); err != nil {
			return err
		}
	}
	return nil
}
