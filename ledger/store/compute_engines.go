package store

import (
	"fmt"

	"github.com/pressly/goose/v3"
)

// The clicks of each reader are packed into one row: fetching a row costs
// several times what a click costs. This is the one thing for which each
// engine needs its own words and its own way.

// SQLite keeps clicks in the order of their key and reads them so, and looks up
// the budget once for each reader.
const packedBySQLite = `
SELECT c.bucket, c.reader,
       COALESCE((SELECT b.budget FROM snapshot_budget b WHERE b.month = $1 AND b.bucket = c.bucket AND b.reader = c.reader), -1),
       string_agg(%s, ','), string_agg(hex(c.click), '')
FROM counted c %s
WHERE c.month = $1 AND c.bucket >= $2 GROUP BY c.bucket, c.reader ORDER BY c.bucket, c.reader`

// PostgreSQL keeps clicks in the order in which they came.
const packedByPostgres = `
SELECT c.bucket, c.reader, COALESCE(b.budget, -1), c.things, c.clicks
FROM (
    SELECT c.bucket, c.reader,
           string_agg(CAST(%s AS TEXT), ',') AS things, string_agg(encode(c.click, 'hex'), '') AS clicks
    FROM counted c %s
    WHERE c.month = $1 AND c.bucket >= $2 GROUP BY c.bucket, c.reader
) c
LEFT JOIN snapshot_budget b ON b.month = $1 AND b.bucket = c.bucket AND b.reader = c.reader
ORDER BY c.bucket, c.reader`

// To fetch all clicks of a month one by one, in the order of an index, takes
// PostgreSQL three times as long as to read them as they lie and sort them. It
// believes otherwise, and is told for this one query.
var sortedByPostgres = []string{
	"SET LOCAL enable_indexscan = off", "SET LOCAL enable_hashagg = off", "SET LOCAL enable_seqscan = on",
}

var asBefore = []string{
	"SET LOCAL enable_indexscan TO DEFAULT", "SET LOCAL enable_hashagg TO DEFAULT", "SET LOCAL enable_seqscan TO DEFAULT",
}

// readerClicks is the statement of EachReader, and what is to be done when it
// has been read.
func (tx *Tx) readerClicks(resolved bool) (query string, done func() error, err error) {
	thing, join := "c.thing", ""
	if resolved {
		thing, join = paidTarget, joinSnapshot
	}
	if tx.dialect != goose.DialectPostgres {
		return fmt.Sprintf(packedBySQLite, thing, join), func() error { return nil }, nil
	}
	return fmt.Sprintf(packedByPostgres, thing, join), func() error { return tx.execAll(asBefore) }, tx.execAll(sortedByPostgres)
}

// execAll runs statements one after the other.
func (tx *Tx) execAll(statements []string) error {
	for _, st := range statements {
		if _, err := tx.exec(st); err != nil {
			return err
		}
	}
	return nil
}
