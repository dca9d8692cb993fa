package store

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What compute reads and writes. Memory does not grow with the clicks: they
// are streamed, one row per reader, and their sums are written in chunks.

// ReaderClicks are the clicks of one reader that count in a frozen month. They
// stay packed as the database handed them over until Unpack.
type ReaderClicks struct {
	Bucket int
	Reader flattr.MemberID
	Budget money.Micro // by the snapshot; 0: all of them are promises
	things string      // ids in decimal, separated by commas
	clicks string      // ids in hexadecimal, one behind the other
}

// hexID is how many characters an event's id has among packed clicks.
const hexID = 2 * len(flattr.EventID{})

// Count is how many clicks there are.
func (r ReaderClicks) Count() int { return len(r.clicks) / hexID }

// Unpack appends the things and the ids of the clicks, which stand side by
// side, to things and ids.
func (r ReaderClicks) Unpack(things []flattr.ThingID, ids []flattr.EventID) ([]flattr.ThingID, []flattr.EventID, error) {
	damaged := func(err error) error {
		return fmt.Errorf("the database is damaged: clicks of reader %d: %w", r.Reader, err)
	}
	if len(r.clicks)%hexID != 0 {
		return nil, nil, damaged(errors.New("an event's id has not 16 bytes"))
	}
	first := len(things)
	thing := flattr.ThingID(0)
	for i := range len(r.things) {
		switch c := r.things[i]; {
		case '0' <= c && c <= '9':
			thing = 10*thing + flattr.ThingID(c-'0')
		case c == ',':
			things = append(things, thing)
			thing = 0
		default:
			return nil, nil, damaged(errors.New("the id of a thing is no number"))
		}
	}
	things = append(things, thing)
	if len(things)-first != r.Count() {
		return nil, nil, damaged(fmt.Errorf("%d ids of %d things", r.Count(), len(things)-first))
	}
	var raw [hexID]byte
	for rest := r.clicks; rest != ""; rest = rest[hexID:] {
		var id flattr.EventID
		copy(raw[:], rest)
		if _, err := hex.Decode(id[:], raw[:]); err != nil {
			return nil, nil, damaged(err)
		}
		ids = append(ids, id)
	}
	return things, ids, nil
}

// joinSnapshot looks up the snapshot of each click in the database: slower, for
// months of so many things that nobody wants them in memory.
const joinSnapshot = `JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing`

const paidTarget = `CASE WHEN o.owner IS NULL THEN 0 ELSE COALESCE(o.target, o.thing) END`

// EachReader hands over the clicks of a frozen month, reader by reader in the
// order of bucket and reader, from a bucket on. Where resolved is asked for,
// things are those after aliases, and 0 where a click is a promise; else they
// are those that were clicked.
func (tx *Tx) EachReader(month flattr.Month, fromBucket int, resolved bool, use func(ReaderClicks) error) error {
	query, done, err := tx.readerClicks(resolved)
	if err != nil {
		return fmt.Errorf("read clicks of %s: %w", month, err)
	}
	err = tx.each(query, func(rows *sql.Rows) error {
		var r ReaderClicks
		if err := rows.Scan(&r.Bucket, &r.Reader, &r.Budget, &r.things, &r.clicks); err != nil {
			return err
		}
		if r.Budget < 0 {
			return fmt.Errorf("the database is damaged: the snapshot says nothing of reader %d, who has clicks", r.Reader)
		}
		return use(r)
	}, int32(month), fromBucket)
	if tx.failed == nil { // also where use has had enough
		if failed := done(); err == nil {
			err = failed
		}
	}
	if err != nil {
		return fmt.Errorf("read clicks of %s: %w", month, err)
	}
	return nil
}

const selectPaidThings = `
SELECT thing, COALESCE(target, thing) FROM snapshot_thing WHERE month = $1 AND owner IS NOT NULL`

// EachPaidThing hands over the things of a frozen month whose clicks are no
// promises, with the thing after aliases.
func (tx *Tx) EachPaidThing(month flattr.Month, use func(thing, target flattr.ThingID) error) error {
	err := tx.each(selectPaidThings, func(rows *sql.Rows) error {
		var thing, target flattr.ThingID
		if err := rows.Scan(&thing, &target); err != nil {
			return err
		}
		return use(thing, target)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read snapshot of %s: %w", month, err)
	}
	return nil
}

// ThingSum is what the readers of a chunk of buckets give to a thing after
// aliases.
type ThingSum struct {
	Thing  flattr.ThingID
	Clicks int
	Gross  money.Micro
}

// ErrMoved is what AddChunk answers where another process has written these
// buckets, or the month is not frozen any more.
var ErrMoved = errors.New("another process went on with the month")

const insertThingSum = `INSERT INTO thing_sum (month, bucket, thing, clicks, gross) VALUES `

const advanceBucket = `
UPDATE month SET next_bucket = $1 WHERE month = $2 AND state = 'frozen' AND next_bucket = $3`

// AddChunk writes the sums of the buckets from start to before end, if nobody
// has done so: else it answers ErrMoved and nothing is written.
func (tx *Tx) AddChunk(month flattr.Month, start, end int, sums []ThingSum) error {
	n, err := tx.exec(advanceBucket, end, int32(month), start)
	if err != nil {
		return fmt.Errorf("write progress of %s: %w", month, err)
	}
	if n == 0 {
		return ErrMoved
	}
	rows := tx.many(insertThingSum, "", 5)
	for _, sum := range sums {
		if err := rows.add(int32(month), start, int64(sum.Thing), sum.Clicks, int64(sum.Gross)); err != nil {
			return fmt.Errorf("write sums of %s: %w", month, err)
		}
	}
	if err := rows.flush(); err != nil {
		return fmt.Errorf("write sums of %s: %w", month, err)
	}
	return nil
}

// ThingShare is the part of one author in what a thing brings in a month.
type ThingShare struct {
	Thing  flattr.ThingID
	Owner  flattr.MemberID
	Clicks int             // paid, on the thing
	Gross  money.Micro     // of the thing
	Author flattr.MemberID // who has a part, or 0: all is the owner's
	BP     int
}

// The owner is asked of all things that lead to a target: the target itself may
// have no click.
const selectThingShares = `
SELECT s.thing, o.owner, s.clicks, s.gross, COALESCE(p.author, 0), COALESCE(p.bp, 0)
FROM (
    SELECT thing, CAST(SUM(clicks) AS BIGINT) AS clicks, CAST(SUM(gross) AS BIGINT) AS gross
    FROM thing_sum WHERE month = $1 GROUP BY thing
) s
JOIN (
    SELECT COALESCE(target, thing) AS thing, MAX(owner) AS owner
    FROM snapshot_thing WHERE month = $1 AND owner IS NOT NULL GROUP BY COALESCE(target, thing)
) o ON o.thing = s.thing
LEFT JOIN snapshot_part p ON p.month = $1 AND p.thing = s.thing
ORDER BY s.thing, p.position`

// EachThingShare hands over what the things of a computed month bring, in the
// order of things, once for each co-author in the order they were named.
func (tx *Tx) EachThingShare(month flattr.Month, use func(ThingShare) error) error {
	err := tx.each(selectThingShares, func(rows *sql.Rows) error {
		var s ThingShare
		if err := rows.Scan(&s.Thing, &s.Owner, &s.Clicks, &s.Gross, &s.Author, &s.BP); err != nil {
			return err
		}
		return use(s)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read sums of %s: %w", month, err)
	}
	return nil
}

// Earning is what a thing brings one of its authors in a month.
type Earning struct {
	Author flattr.MemberID
	Thing  flattr.ThingID
	Clicks int // paid, on the thing
	Gross  money.Micro
}

const insertEarning = `INSERT INTO earning (month, author, thing, clicks, gross) VALUES `

// AddEarnings writes what things bring their authors; what is written already
// stays. It answers ErrMoved when the month is not frozen any more.
func (tx *Tx) AddEarnings(month flattr.Month, earnings []Earning) error {
	if err := tx.stillFrozen(month); err != nil {
		return err
	}
	rows := tx.many(insertEarning, onceOnly, 5)
	for _, e := range earnings {
		if err := rows.add(int32(month), int64(e.Author), int64(e.Thing), e.Clicks, int64(e.Gross)); err != nil {
			return fmt.Errorf("write earnings of %s: %w", month, err)
		}
	}
	if err := rows.flush(); err != nil {
		return fmt.Errorf("write earnings of %s: %w", month, err)
	}
	return nil
}

// stillFrozen answers ErrMoved when compute has nothing to do any more.
func (tx *Tx) stillFrozen(month flattr.Month) error {
	st, err := tx.state(month)
	if err == nil && st != flattr.Frozen {
		err = ErrMoved
	}
	return err
}

const selectAuthorGross = `
SELECT author, CAST(SUM(clicks) AS BIGINT), CAST(SUM(gross) AS BIGINT)
FROM earning WHERE month = $1 GROUP BY author ORDER BY author`

// EachAuthorGross hands over what each author earns in a month before the fee.
func (tx *Tx) EachAuthorGross(month flattr.Month, use func(AuthorSum) error) error {
	err := tx.each(selectAuthorGross, func(rows *sql.Rows) error {
		var a AuthorSum
		if err := rows.Scan(&a.Author, &a.Clicks, &a.Gross); err != nil {
			return err
		}
		return use(a)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read earnings of %s: %w", month, err)
	}
	return nil
}

const insertAuthorSum = `INSERT INTO author_sum (month, author, clicks, gross, fee, net) VALUES `

// AddAuthorSums writes what authors earn; what is written already stays. It
// answers ErrMoved when the month is not frozen any more.
func (tx *Tx) AddAuthorSums(month flattr.Month, sums []AuthorSum) error {
	if err := tx.stillFrozen(month); err != nil {
		return err
	}
	rows := tx.many(insertAuthorSum, onceOnly, 6)
	for _, a := range sums {
		err := rows.add(int32(month), int64(a.Author), a.Clicks, int64(a.Gross), int64(a.Fee), int64(a.Net))
		if err != nil {
			return fmt.Errorf("write authors of %s: %w", month, err)
		}
	}
	if err := rows.flush(); err != nil {
		return fmt.Errorf("write authors of %s: %w", month, err)
	}
	return nil
}

// onceOnly lets a row that is there stay as it is.
const onceOnly = ` ON CONFLICT DO NOTHING`
