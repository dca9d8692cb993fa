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

// AuthorSum is what an author earns in a month.
type AuthorSum struct {
	Author          flattr.MemberID
	Name            string // only where asked for by name
	Clicks          int
	Gross, Fee, Net money.Micro
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
