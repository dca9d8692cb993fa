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

// Budgets is what the next readers give, at most so many, after a reader; 0
// begins. None is the end.
func (tx *Tx) Budgets(month flattr.Month, after flattr.MemberID, most int) ([]ReaderBudget, error) {
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
	}, int32(month), bucket, int64(after), most)
	if err != nil {
		return nil, fmt.Errorf("read budgets of %s: %w", month, err)
	}
	return budgets, nil
}

const selectAuthorSums = `
SELECT author, '', clicks, gross, fee, net FROM author_sum WHERE month = $1 AND author > $2 ORDER BY author LIMIT $3`

// AuthorSums is what the next authors earn, at most so many, after an author; 0
// begins. None is the end.
func (tx *Tx) AuthorSums(month flattr.Month, after flattr.MemberID, most int) ([]AuthorSum, error) {
	return tx.authorSums(month, selectAuthorSums, int32(month), int64(after), most)
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

// Post books transfers at a time. One that is booked already changes nothing.
func (tx *Tx) Post(now time.Time, transfers []book.Transfer) error {
	_, err := tx.post(micros(now), transfers)
	return err
}
