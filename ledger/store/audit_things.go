package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// The paid clicks of the readers of a range of buckets, each with its reader's
// budget and over how many clicks that is divided.
const paidClicks = `
WITH paid AS (
    SELECT c.bucket, c.reader, COALESCE(t.target, t.thing) AS thing, c.click, e.place, b.budget
    FROM counted c JOIN event e ON e.id = c.click
    JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
    JOIN snapshot_budget b ON b.month = c.month AND b.bucket = c.bucket AND b.reader = c.reader
    WHERE c.month = $1 AND c.bucket >= $2 AND c.bucket < $3 AND t.owner IS NOT NULL
), shared AS (
    SELECT bucket, reader, thing, click, place, budget, COUNT(*) OVER (PARTITION BY bucket, reader) AS clicks FROM paid
)`

// wrongThings divides the budgets of the readers of a range of buckets: each paid
// click gets budget / clicks, and the first budget mod clicks of them by their
// stored place one unit more (product rule 4). It answers the things for which
// that is not what is kept, or for which the place does not tell who gets it.
const wrongThings = paidClicks + `, divided AS (
    SELECT thing, budget, clicks, ROW_NUMBER() OVER spot AS n,
           CASE WHEN place = LEAD(place) OVER spot THEN 1 ELSE 0 END AS tied
    FROM shared WINDOW spot AS (PARTITION BY bucket, reader ORDER BY place, click)
), compared AS (
    SELECT thing, 1 AS clicks, budget / clicks + CASE WHEN n <= budget % clicks THEN 1 ELSE 0 END AS gross,
           0 AS kept, 0 AS keeps, CASE WHEN n = budget % clicks THEN tied ELSE 0 END AS tied
    FROM divided
    UNION ALL
    SELECT thing, 0, 0, gross, clicks, 0 FROM thing_sum WHERE month = $1 AND bucket >= $2 AND bucket < $3
)
SELECT thing, CAST(SUM(gross) AS BIGINT), SUM(clicks), CAST(SUM(kept) AS BIGINT), CAST(SUM(keeps) AS BIGINT)
FROM compared GROUP BY thing HAVING SUM(gross) <> SUM(kept) OR SUM(clicks) <> SUM(keeps) OR SUM(tied) > 0`

// tiedReaders are the readers of whom two clicks, of which only one gets a unit
// more, have the same place: it is the first 8 bytes of their hashes, and whoever
// makes ids for it can make such a pair.
const tiedReaders = paidClicks + `, placed AS (
    SELECT bucket, reader, place, budget % clicks AS odd,
           ROW_NUMBER() OVER spot AS n, LEAD(place) OVER spot AS next
    FROM shared WINDOW spot AS (PARTITION BY bucket, reader ORDER BY place, click)
)
SELECT reader FROM placed WHERE n = odd AND next = place`

const selectTied = `
SELECT c.click, COALESCE(t.target, t.thing), COALESCE(e.place, 0), b.budget
FROM counted c JOIN event e ON e.id = c.click
JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing
JOIN snapshot_budget b ON b.month = c.month AND b.bucket = c.bucket AND b.reader = c.reader
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND t.owner IS NOT NULL ORDER BY e.place, c.click`

// Hash is SHA-256 over "2026-11|click id", of which the store keeps 8 bytes.
type Hash func(month flattr.Month, click flattr.EventID) [sha256.Size]byte

// wrongThing is a thing of which something else may be kept than it gets.
type wrongThing struct {
	thing         flattr.ThingID
	gross, kept   money.Micro
	clicks, keeps int
}

// ProveThings proves what the things of a month get from the readers of a range
// of buckets, which begins and ends where computing it did. hash is asked only
// where 8 bytes do not tell two clicks apart.
func (tx *Tx) ProveThings(month flattr.Month, r Range, hash Hash, found func(string)) error {
	var wrong []wrongThing
	err := tx.each(wrongThings, func(rows *sql.Rows) error {
		var w wrongThing
		err := rows.Scan(&w.thing, &w.gross, &w.clicks, &w.kept, &w.keeps)
		wrong = append(wrong, w)
		return err
	}, int32(month), r.From, r.To)
	if err != nil || len(wrong) == 0 {
		return wrapped("divide the budgets", month, err)
	}
	moved, err := tx.untie(month, r, hash)
	if err != nil {
		return err
	}
	for _, w := range wrong {
		w.gross += moved[w.thing]
		delete(moved, w.thing)
		if w.gross != w.kept || w.clicks != w.keeps {
			found(fmt.Sprintf("%s: thing %d gets %d for %d clicks of the buckets from %d, kept are %d for %d",
				month, w.thing, w.gross, w.clicks, r.From, w.kept, w.keeps))
		}
	}
	for _, thing := range slices.Sorted(maps.Keys(moved)) {
		if units := moved[thing]; units != 0 {
			found(fmt.Sprintf("%s: by the whole hashes thing %d gets %+d units of the buckets from %d", month, thing, units, r.From))
		}
	}
	return nil
}

func wrapped(doing string, month flattr.Month, err error) error {
	if err != nil {
		return fmt.Errorf("%s of %s again: %w", doing, month, err)
	}
	return nil
}

// untie answers the units that wrongThings gave to another thing than the whole
// hash does.
func (tx *Tx) untie(month flattr.Month, r Range, hash Hash) (map[flattr.ThingID]money.Micro, error) {
	var readers []flattr.MemberID
	err := tx.each(tiedReaders, func(rows *sql.Rows) error {
		var reader flattr.MemberID
		err := rows.Scan(&reader)
		readers = append(readers, reader)
		return err
	}, int32(month), r.From, r.To)
	if err != nil {
		return nil, wrapped("order the clicks", month, err)
	}
	moved := make(map[flattr.ThingID]money.Micro)
	for _, reader := range readers {
		var clicks []tied
		var budget money.Micro
		err := tx.each(selectTied, func(rows *sql.Rows) error {
			var c tied
			var id flattr.EventID
			err := scanID(rows, &id, &c.thing, &c.place, &budget)
			c.hash = hash(month, id)
			clicks = append(clicks, c)
			return err
		}, int32(month), reader.Bucket(), int64(reader))
		if err != nil {
			return nil, wrapped("order the clicks", month, err)
		}
		odd := int(budget % money.Micro(len(clicks)))
		for _, c := range clicks[:odd] {
			moved[c.thing]--
		}
		slices.SortFunc(clicks, func(a, b tied) int {
			return cmp.Or(cmp.Compare(a.place, b.place), bytes.Compare(a.hash[:], b.hash[:]))
		})
		for _, c := range clicks[:odd] {
			moved[c.thing]++
		}
	}
	return moved, nil
}

// tied is a click of a reader with such a pair.
type tied struct {
	thing flattr.ThingID
	place int64
	hash  [sha256.Size]byte
}
