package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
)

// spot is where at most one click counts.
type spot struct {
	month  flattr.Month
	bucket int // of the reader
	reader flattr.MemberID
	thing  flattr.ThingID
}

const selectClicks = `
SELECT id, at, late FROM event WHERE month = $1 AND bucket = $2 AND reader = $3 AND thing = $4 AND kind = 'click'`

const selectUndos = `
SELECT id, kind, at FROM event WHERE click = $1 AND reader = $2 AND result <> 'refused'`

// logOf is what the log holds about a spot: its clicks, and the undos and voids
// that name them.
func (tx *Tx) logOf(k spot) ([]flattr.Logged, error) {
	var log []flattr.Logged
	err := tx.each(selectClicks, func(rows *sql.Rows) error {
		e := flattr.Logged{Kind: flattr.KindClick}
		if err := scanID(rows, &e.ID, &e.At, &e.Late); err != nil {
			return err
		}
		log = append(log, e)
		return nil
	}, int32(k.month), k.bucket, int64(k.reader), int64(k.thing))
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	for _, click := range log {
		undos, err := tx.undosOf(k.reader, click.ID)
		if err != nil {
			return nil, err
		}
		log = append(log, undos...)
	}
	return log, nil
}

// undosOf are the reader's undos and voids that name a click, known or not.
func (tx *Tx) undosOf(reader flattr.MemberID, click flattr.EventID) ([]flattr.Logged, error) {
	var undos []flattr.Logged
	err := tx.each(selectUndos, func(rows *sql.Rows) error {
		e := flattr.Logged{Click: click}
		if err := scanID(rows, &e.ID, &e.Kind, &e.At); err != nil {
			return err
		}
		undos = append(undos, e)
		return nil
	}, click[:], int64(reader))
	if err != nil {
		return nil, fmt.Errorf("read undos: %w", err)
	}
	return undos, nil
}

// scanID reads a row that begins with the id of an event.
func scanID(rows *sql.Rows, id *flattr.EventID, to ...any) error {
	var raw sql.RawBytes
	if err := rows.Scan(append([]any{&raw}, to...)...); err != nil {
		return err
	}
	if len(raw) != len(id) {
		return fmt.Errorf("an event's id has %d bytes", len(raw))
	}
	copy(id[:], raw)
	return nil
}

const upsertCounted = `
INSERT INTO counted (month, bucket, reader, thing, click, late) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (month, bucket, reader, thing) DO UPDATE SET click = excluded.click, late = excluded.late`

const deleteCounted = `DELETE FROM counted WHERE month = $1 AND bucket = $2 AND reader = $3 AND thing = $4`

const anyCounted = `SELECT 1 FROM counted WHERE month = $1 AND bucket = $2 AND reader = $3 LIMIT 1`

// count writes down which click counts at a spot now, and releases what is held
// for the month when it was the reader's last. cause is the event behind it.
func (tx *Tx) count(now time.Time, k spot, counted bool, counting flattr.Logged, counts bool, cause flattr.EventID) error {
	if counts {
		_, err := tx.exec(upsertCounted, int32(k.month), k.bucket, int64(k.reader), int64(k.thing),
			counting.ID[:], number(counting.Late))
		if err != nil {
			return fmt.Errorf("count click: %w", err)
		}
		return nil
	}
	if !counted {
		return nil
	}
	if _, err := tx.exec(deleteCounted, int32(k.month), k.bucket, int64(k.reader), int64(k.thing)); err != nil {
		return fmt.Errorf("take click back: %w", err)
	}
	var left int
	err := tx.row(anyCounted, int32(k.month), k.bucket, int64(k.reader)).Scan(&left)
	if errors.Is(err, sql.ErrNoRows) {
		return tx.release(micros(now), k.reader, k.month, cause.String())
	}
	return err
}

const selectCounted = `SELECT 1 FROM counted WHERE month = $1 AND bucket = $2 AND reader = $3 AND thing = $4`

// takenBack tells whether nothing counts any more at a spot of an open month.
// Of a frozen one it says nothing: things may be aliases there.
func (tx *Tx) takenBack(k spot) (bool, error) {
	st, err := tx.state(k.month)
	if err != nil || st != flattr.Open {
		return false, err
	}
	var one int
	err = tx.row(selectCounted, int32(k.month), k.bucket, int64(k.reader), int64(k.thing)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether a click counts: %w", err)
	}
	return false, nil
}

// hold sets the reader's budget aside for the month, unless that is done, or
// refuses with no_means (product rule 3).
func (tx *Tx) hold(now time.Time, k spot, cause flattr.EventID) error {
	held := heldOf(k.reader, k.month)
	have, err := tx.balance(held)
	if err != nil || have > 0 {
		return err
	}
	budget, err := tx.budgetOf(k.reader, k.month)
	if err != nil {
		return err
	}
	means := meansOf(k.reader)
	if have, err = tx.spendable(means, budget); err != nil {
		return err
	}
	if have < budget {
		return noMeans(budget, have)
	}
	_, err = tx.post(micros(now), []book.Transfer{
		book.New(cause.String(), book.Hold, means, held, held, budget),
	})
	return err
}

// release gives back what is held for a month.
func (tx *Tx) release(at int64, reader flattr.MemberID, month flattr.Month, cause string) error {
	held := heldOf(reader, month)
	have, err := tx.balance(held)
	if err != nil || have == 0 {
		return err
	}
	_, err = tx.post(at, []book.Transfer{
		book.New(cause, book.Release, held, meansOf(reader), held, have),
	})
	return err
}

const openMonths = `SELECT month FROM month WHERE state = 'open' ORDER BY month`

var selectOwnClicked = `
SELECT DISTINCT e.thing FROM event e JOIN thing t ON t.id = e.thing JOIN thing o ON o.id = COALESCE(t.alias_of, t.id)
WHERE e.month = $1 AND e.bucket = $2 AND e.reader = $3 AND e.kind = 'click' AND ` + authored("$4") + `
ORDER BY e.thing`

// voidOwn voids a member's clicks of open months on things, after aliases, of
// which the member is an author by now (product rule 2).
func (tx *Tx) voidOwn(now time.Time, member flattr.MemberID) error {
	months, err := tx.openMonths()
	if err != nil {
		return err
	}
	voided := false
	for _, month := range months {
		things, err := tx.things(selectOwnClicked, int32(month), member.Bucket(), int64(member), int64(member))
		if err != nil {
			return err
		}
		for _, id := range things {
			any, err := tx.voidAt(now, spot{month: month, bucket: member.Bucket(), reader: member, thing: id})
			if err != nil {
				return err
			}
			voided = voided || any
		}
	}
	if !voided {
		return nil
	}
	return tx.retry(now, member) // means may have come back
}

// voidAt voids the clicks at a spot that are not void yet, and tells whether
// there were any.
func (tx *Tx) voidAt(now time.Time, k spot) (bool, error) {
	log, err := tx.logOf(k)
	if err != nil {
		return false, err
	}
	_, counted := flattr.Counting(log)
	last := flattr.EventID{}
	for _, e := range log {
		void := func(v flattr.Logged) bool { return v.Kind == flattr.KindVoid && v.Click == e.ID }
		if e.Kind != flattr.KindClick || slices.ContainsFunc(log, void) {
			continue
		}
		if last, err = tx.logVoid(now, k.reader, e.ID); err != nil {
			return false, err
		}
	}
	if last.IsZero() {
		return false, nil
	}
	return true, tx.count(now, k, counted, flattr.Logged{}, false, last)
}

// logVoid appends the void of a click, and answers its id, which is made from
// that of the click. Where its reader has given that id to an event of theirs,
// it is made from that id in turn.
func (tx *Tx) logVoid(now time.Time, reader flattr.MemberID, click flattr.EventID) (flattr.EventID, error) {
	id := click
	for taken := true; taken; {
		var err error
		id = flattr.EventID(uuid.NewSHA1(uuid.UUID(id), []byte(flattr.KindVoid)))
		if _, taken, err = tx.event(id); err != nil {
			return id, err
		}
	}
	a := arrival{tx: tx, reader: reader, bucket: reader.Bucket(), now: now, at: now}
	a.Event = flattr.Event{ID: id, Kind: flattr.KindVoid, Click: click, At: now}
	a.body = bodyOf(reader, a.Event)
	return id, a.log(entry{result: flattr.Accepted})
}

// openMonths are the months that something has touched and nothing has frozen.
func (tx *Tx) openMonths() ([]flattr.Month, error) {
	var months []flattr.Month
	err := tx.each(openMonths, func(rows *sql.Rows) error {
		var m flattr.Month
		err := rows.Scan(&m)
		months = append(months, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read open months: %w", err)
	}
	return months, nil
}
