package store

import (
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
)

// What only the audit reads. It is a second implementation of the rules, in
// SQL: it knows what counts, shares, parts, fees and what is held from the
// statements in audit_*.go alone, and shares no line with record.go, settle and
// closing. Nothing here writes, so that it works on a file that cannot be
// written.

// auditSet is how many clicks of the log are proved at once, about: what the
// database sorts in memory or in its temporary files stays bounded by it.
const auditSet = 250_000

// proof is a question whose every answer is damage.
type proof struct {
	sentence string // of an answer, with a verb for each of its columns
	query    string
}

// run asks and hands over a sentence for each answer. A column named month is
// said as a month, one named click, id or account in hexadecimal digits.
func (p proof) run(tx *Tx, found func(string), args ...any) error {
	err := tx.each(p.query, func(rows *sql.Rows) error {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, value := range values {
			values[i] = said(names[i], value)
		}
		found(fmt.Sprintf(p.sentence, values...))
		return nil
	}, args...)
	if err != nil {
		return fmt.Errorf("prove that no %s: %w", p.sentence, err)
	}
	return nil
}

// said is how a sentence names the value of a column.
func said(name string, value any) any {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case int64:
		if name == "month" {
			return flattr.Month(v)
		}
	case []byte:
		if id, err := uuid.FromBytes(v); err == nil && (name == "click" || name == "id") {
			return id
		}
		if name == "click" || name == "id" || name == "account" {
			return fmt.Sprintf("%x", v)
		}
		return string(v) // a number that is larger than an int64, or text
	}
	return value
}

// proveAll runs a list of proofs with the same arguments.
func (tx *Tx) proveAll(proofs []proof, found func(string), args ...any) error {
	for _, p := range proofs {
		if err := p.run(tx, found, args...); err != nil {
			return err
		}
	}
	return nil
}

// MonthRow is a month as the audit sees it.
type MonthRow struct {
	Month flattr.Month
	Progress
	Logged int // clicks of the log
}

const selectMonthRows = `
SELECT m.month, m.state, COALESCE(m.fee_bp, 0), m.next_bucket, COALESCE(m.frozen_at, 0),
       (SELECT COUNT(*) FROM event e WHERE e.month = m.month)
FROM month m ORDER BY m.month`

// MonthRows are all months that something has touched, in their order.
func (tx *Tx) MonthRows() ([]MonthRow, error) {
	var months []MonthRow
	err := tx.each(selectMonthRows, func(rows *sql.Rows) error {
		var m MonthRow
		var at int64
		err := rows.Scan(&m.Month, &m.State, &m.FeeBP, &m.NextBucket, &at, &m.Logged)
		m.FrozenAt = timeOf(at)
		months = append(months, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read months: %w", err)
	}
	return months, nil
}

// stateProofs are what must hold for how far months say they have come.
var stateProofs = []proof{
	{
		"%v is open, and has been frozen or computed: there is a snapshot of it, or sums",
		`
SELECT month FROM month WHERE state = 'open' AND (frozen_at IS NOT NULL OR next_bucket <> 0 OR month IN (
    SELECT month FROM snapshot_budget UNION SELECT month FROM snapshot_thing UNION SELECT month FROM thing_sum
    UNION SELECT month FROM earning UNION SELECT month FROM author_sum
))`,
	},
	{
		"%v is %v, and nothing says when it was frozen",
		`SELECT month, state FROM month WHERE state <> 'open' AND frozen_at IS NULL`,
	},
	{
		"%v was frozen after a grace of %v hours instead of 72",
		`SELECT month, grace_hours FROM month WHERE grace_hours <> 72`,
	},
	{
		"%v is %v, and was computed up to bucket %v",
		`SELECT month, state, next_bucket FROM month WHERE state IN ('computed', 'posted', 'closed') AND next_bucket <> 4096`,
	},
	{
		"%v: %v sums are kept of buckets that were not computed",
		`
SELECT s.month, COUNT(*) FROM thing_sum s JOIN month m ON m.month = s.month AND s.bucket >= m.next_bucket GROUP BY s.month`,
	},
	{
		"click %v is kept as a promise of %v, and is none",
		`
SELECT p.click, p.month FROM promise p
WHERE NOT EXISTS (
    SELECT 1 FROM counted c JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
    WHERE c.month = p.month AND c.bucket = p.bucket AND c.reader = p.reader AND c.thing = p.thing AND t.owner IS NULL
)`,
	},
	{
		"the promise of click %v is %v, and what it became is no click of its reader",
		`
SELECT p.click, p.state FROM promise p LEFT JOIN event e ON e.id = p.became AND e.reader = p.reader AND e.kind = 'click'
WHERE (p.state = 'kept') <> (e.id IS NOT NULL) OR (p.state = 'kept') <> (p.became IS NOT NULL)`,
	},
}

// ProveStates holds what must hold for states and promises.
func (tx *Tx) ProveStates(found func(string)) error { return tx.proveAll(stateProofs, found) }

const selectChunks = `SELECT DISTINCT bucket FROM thing_sum WHERE month = $1 ORDER BY bucket`

// Computed are the ranges of buckets that were computed together, or several of
// them where they are small.
func (tx *Tx) Computed(m MonthRow) ([]Range, error) {
	least := flattr.Buckets / (1 + m.Logged/auditSet)
	var ranges []Range
	from := 0
	err := tx.each(selectChunks, func(rows *sql.Rows) error {
		var bucket int
		err := rows.Scan(&bucket)
		if bucket-from >= least && bucket < m.NextBucket {
			ranges = append(ranges, Range{from, bucket})
			from = bucket
		}
		return err
	}, int32(m.Month))
	if err != nil {
		return nil, fmt.Errorf("read what was computed of %s: %w", m.Month, err)
	}
	return append(ranges, Range{from, m.NextBucket}), nil
}

// Range is buckets from From on, before To.
type Range struct{ From, To int }

// Ranges divides the buckets so that a range has about auditSet of n clicks.
func Ranges(n int) []Range {
	parts := min(1+n/auditSet, flattr.Buckets)
	ranges := make([]Range, parts)
	for i := range ranges {
		ranges[i] = Range{From: i * flattr.Buckets / parts, To: (i + 1) * flattr.Buckets / parts}
	}
	ranges[0].From, ranges[parts-1].To = math.MinInt32, math.MaxInt32 // no row is in a bucket that nobody looks at
	return ranges
}

// LoggedEvent is a row of the log, as far as it can be proved by itself.
type LoggedEvent struct {
	ID          flattr.EventID
	Kind        flattr.Kind
	Bucket      int
	Reader      flattr.MemberID
	At, Arrived time.Time
	Month       flattr.Month // 0: none
	Thing       flattr.ThingID
	Late        bool
	Names       bool // a click, by its id
	Result      flattr.Result
	Code        flattr.Code
	Place       sql.NullInt64 // in the order of the units left over
}

const selectEvents = `
SELECT id, kind, bucket, reader, at, arrived, COALESCE(month, 0), COALESCE(thing, 0), late,
       CASE WHEN click IS NULL THEN 0 ELSE 1 END, result, code, place
FROM event ORDER BY id`

// EachEvent hands over the log, in the order of ids. The event is valid until
// the next one.
func (tx *Tx) EachEvent(use func(*LoggedEvent)) error {
	e := new(LoggedEvent)
	err := tx.each(selectEvents, func(rows *sql.Rows) error {
		var at, arrived int64
		err := scanID(rows, &e.ID, &e.Kind, &e.Bucket, &e.Reader, &at, &arrived, &e.Month, &e.Thing, &e.Late,
			&e.Names, &e.Result, &e.Code, &e.Place)
		if err != nil {
			return err
		}
		e.At, e.Arrived = timeOf(at), timeOf(arrived)
		use(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

const selectMemberBuckets = `SELECT bucket, id FROM member ORDER BY bucket, id`

// EachMember hands over the members with the buckets they are kept in.
func (tx *Tx) EachMember(use func(id flattr.MemberID, bucket int)) error {
	err := tx.each(selectMemberBuckets, func(rows *sql.Rows) error {
		var id flattr.MemberID
		var bucket int
		err := rows.Scan(&bucket, &id)
		if err == nil {
			use(id, bucket)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	return nil
}
