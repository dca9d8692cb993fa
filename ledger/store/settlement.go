package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What the settlement reads and writes, and the statement reads. All of it
// concerns months that are frozen, so that what is read never changes.

// View runs work on one unchanging view of the ledger.
func (s *Store) View(ctx context.Context, work func(*Tx) error) error { return s.read(ctx, work) }

// CountedClick is a click that counts in a frozen month, with the budget of its
// reader and the owner of its thing from the snapshot.
type CountedClick struct {
	Bucket int
	Reader flattr.MemberID
	Budget money.Micro
	ID     flattr.EventID
	Thing  flattr.ThingID
	Owner  flattr.MemberID // 0: a promise
	Late   bool
}

const selectCounted = `
SELECT c.click, c.bucket, c.reader, b.budget, c.thing, COALESCE(o.owner, 0), c.late
FROM counted c
JOIN snapshot_budget b ON b.month = c.month AND b.bucket = c.bucket AND b.reader = c.reader
JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing
WHERE c.month = $1 AND c.bucket >= $2 ORDER BY c.bucket, c.reader, c.thing`

// EachCounted hands over the clicks of a frozen month in the order of bucket,
// reader and thing, from a bucket on.
func (tx *Tx) EachCounted(month flattr.Month, fromBucket int, use func(CountedClick) error) error {
	err := tx.each(selectCounted, func(rows *sql.Rows) error {
		var c CountedClick
		if err := scanID(rows, &c.ID, &c.Bucket, &c.Reader, &c.Budget, &c.Thing, &c.Owner, &c.Late); err != nil {
			return err
		}
		return use(c)
	}, int32(month), fromBucket)
	if err != nil {
		return fmt.Errorf("read clicks of %s: %w", month, err)
	}
	return nil
}

// ThingSum is what the readers of a bucket give to a thing in a month.
type ThingSum struct {
	Bucket int
	Thing  flattr.ThingID
	Clicks int
	Gross  money.Micro
}

const insertThingSum = `
INSERT INTO thing_sum (month, bucket, thing, clicks, gross) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

const advanceBucket = `UPDATE month SET next_bucket = $1 WHERE month = $2 AND state = 'frozen' AND next_bucket < $1`

// AddThingSums writes the sums of all buckets before nextBucket that are not
// written yet.
func (tx *Tx) AddThingSums(month flattr.Month, sums []ThingSum, nextBucket int) error {
	for _, sum := range sums {
		_, err := tx.exec(insertThingSum, int32(month), sum.Bucket, int64(sum.Thing), sum.Clicks, int64(sum.Gross))
		if err != nil {
			return fmt.Errorf("write sums of %s: %w", month, err)
		}
	}
	if _, err := tx.exec(advanceBucket, nextBucket, int32(month)); err != nil {
		return fmt.Errorf("write progress of %s: %w", month, err)
	}
	return nil
}

// OwnedSum is what a thing brings its owner in a month.
type OwnedSum struct {
	Thing  flattr.ThingID
	Owner  flattr.MemberID
	Clicks int
	Gross  money.Micro
}

const selectOwnedSums = `
SELECT o.thing, o.owner, SUM(s.clicks), SUM(s.gross)
FROM snapshot_thing o JOIN thing_sum s ON s.month = o.month AND s.thing = o.thing
WHERE o.month = $1 AND o.owner IS NOT NULL GROUP BY o.owner, o.thing ORDER BY o.owner, o.thing`

// EachOwnedSum hands over the sums of a month in the order of owner and thing.
func (tx *Tx) EachOwnedSum(month flattr.Month, use func(OwnedSum) error) error {
	err := tx.each(selectOwnedSums, func(rows *sql.Rows) error {
		var sum OwnedSum
		if err := rows.Scan(&sum.Thing, &sum.Owner, &sum.Clicks, &sum.Gross); err != nil {
			return err
		}
		return use(sum)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read sums of %s: %w", month, err)
	}
	return nil
}

// AuthorSum is what an author earns in a month.
type AuthorSum struct {
	Author          flattr.MemberID
	Name            string // only where asked for by name
	Clicks          int
	Gross, Fee, Net money.Micro
}

const insertAuthorSum = `
INSERT INTO author_sum (month, author, clicks, gross, fee, net) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`

// AddAuthorSums writes what authors earn; what is written already stays.
func (tx *Tx) AddAuthorSums(month flattr.Month, sums []AuthorSum) error {
	for _, a := range sums {
		_, err := tx.exec(insertAuthorSum, int32(month), int64(a.Author), a.Clicks, int64(a.Gross), int64(a.Fee), int64(a.Net))
		if err != nil {
			return fmt.Errorf("write authors of %s: %w", month, err)
		}
	}
	return nil
}

// inBucket holds that a row is kept in the bucket of its reader: pages are
// asked for by it, so that one in another bucket would come again for ever.
func inBucket(reader flattr.MemberID, bucket int) error {
	if bucket != reader.Bucket() {
		return fmt.Errorf("the database is damaged: a row of reader %d is in bucket %d instead of %d", reader, bucket, reader.Bucket())
	}
	return nil
}

const selectBudgets = `
SELECT bucket, reader, budget FROM snapshot_budget
WHERE month = $1 AND (bucket, reader) > ($2, $3) ORDER BY bucket, reader LIMIT $4`

// Budgets is the next page of what readers give, after a reader; 0 begins. An
// empty page is the end.
func (tx *Tx) Budgets(month flattr.Month, after flattr.MemberID) ([]ReaderBudget, error) {
	bucket := -1
	if after != 0 {
		bucket = after.Bucket()
	}
	var budgets []ReaderBudget
	err := tx.each(selectBudgets, func(rows *sql.Rows) error {
		var b ReaderBudget
		var in int
		if err := rows.Scan(&in, &b.Reader, &b.Budget); err != nil {
			return err
		}
		budgets = append(budgets, b)
		return inBucket(b.Reader, in)
	}, int32(month), bucket, int64(after), page)
	if err != nil {
		return nil, fmt.Errorf("read budgets of %s: %w", month, err)
	}
	return budgets, nil
}

const selectAuthorSums = `
SELECT author, '', clicks, gross, fee, net FROM author_sum WHERE month = $1 AND author > $2 ORDER BY author LIMIT $3`

// AuthorSums is the next page of what authors earn, after an author; 0 begins.
func (tx *Tx) AuthorSums(month flattr.Month, after flattr.MemberID) ([]AuthorSum, error) {
	return tx.authorSums(month, selectAuthorSums, int32(month), int64(after), page)
}

const selectAuthorsByName = `
SELECT a.author, m.name, a.clicks, a.gross, a.fee, a.net
FROM member m JOIN author_sum a ON a.month = $1 AND a.author = m.id
WHERE m.name > $2 ORDER BY m.name LIMIT $3`

// AuthorsByName is AuthorSums in the order of names.
func (tx *Tx) AuthorsByName(month flattr.Month, after string) ([]AuthorSum, error) {
	return tx.authorSums(month, selectAuthorsByName, int32(month), after, page)
}

func (tx *Tx) authorSums(month flattr.Month, query string, args ...any) ([]AuthorSum, error) {
	var sums []AuthorSum
	err := tx.each(query, func(rows *sql.Rows) error {
		var a AuthorSum
		err := rows.Scan(&a.Author, &a.Name, &a.Clicks, &a.Gross, &a.Fee, &a.Net)
		sums = append(sums, a)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read authors of %s: %w", month, err)
	}
	return sums, nil
}

const selectReadersByName = `
SELECT b.reader, m.name, b.budget
FROM member m JOIN snapshot_budget b ON b.month = $1 AND b.bucket = m.bucket AND b.reader = m.id
WHERE m.name > $2 ORDER BY m.name LIMIT $3`

// ReadersByName is the next page of a frozen month's readers in the order of
// names, after a name; "" begins.
func (tx *Tx) ReadersByName(month flattr.Month, after string) ([]ReaderBudget, error) {
	var readers []ReaderBudget
	err := tx.each(selectReadersByName, func(rows *sql.Rows) error {
		var r ReaderBudget
		err := rows.Scan(&r.Reader, &r.Name, &r.Budget)
		readers = append(readers, r)
		return err
	}, int32(month), after, page)
	if err != nil {
		return nil, fmt.Errorf("read readers of %s: %w", month, err)
	}
	return readers, nil
}

// StatementClick is a click of a reader as a statement names it.
type StatementClick struct {
	ID        flattr.EventID
	Thing     flattr.ThingID
	URL       string
	Owner     flattr.MemberID // 0: a promise
	OwnerName string
	Late      bool
}

const selectStatementClicks = `
SELECT c.click, c.thing, t.url, COALESCE(o.owner, 0), COALESCE(m.name, ''), c.late
FROM counted c
JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing
JOIN thing t ON t.id = c.thing
LEFT JOIN member m ON m.id = o.owner
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 ORDER BY c.click`

// StatementClicks are the clicks of a reader that count in a frozen month, in
// the order of their ids.
func (tx *Tx) StatementClicks(month flattr.Month, reader flattr.MemberID) ([]StatementClick, error) {
	var clicks []StatementClick
	err := tx.each(selectStatementClicks, func(rows *sql.Rows) error {
		var c StatementClick
		err := scanID(rows, &c.ID, &c.Thing, &c.URL, &c.Owner, &c.OwnerName, &c.Late)
		clicks = append(clicks, c)
		return err
	}, int32(month), reader.Bucket(), int64(reader))
	if err != nil {
		return nil, fmt.Errorf("read clicks of a reader in %s: %w", month, err)
	}
	return clicks, nil
}

// Post books transfers at a time. One that is booked already changes nothing.
func (tx *Tx) Post(now time.Time, transfers []book.Transfer) error {
	_, err := tx.post(micros(now), transfers)
	return err
}
