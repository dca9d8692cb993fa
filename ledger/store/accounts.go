package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// account is what clicks need to know of their reader beside means and held.
type account struct {
	deleted bool
	next    flattr.Month // the first month that one of the subscriptions has not decided yet; 0: none
	waiting bool         // clicks of subscriptions wait for means
	owed    money.Micro
}

// accounts keeps what a transaction has read of readers, so that each costs it
// one look-up.
type accounts struct {
	of      map[flattr.MemberID]account
	decided flattr.Month // all subscriptions have decided the months up to this one
}

// maxAccounts bounds what is kept: a transaction that meets more readers reads
// some of them again.
const maxAccounts = 100_000

const selectAccount = `
SELECT COALESCE((SELECT a.debits - a.credits FROM account a WHERE a.id = $1), 0),
    m.deleted IS NOT NULL,
    COALESCE((SELECT MIN(s.next_month) FROM subscription s WHERE s.bucket = m.bucket AND s.reader = m.id AND s.stopped IS NULL), 0),
    EXISTS (SELECT 1 FROM subscription_month w WHERE w.bucket = m.bucket AND w.reader = m.id AND w.state = 'waiting')
FROM member m WHERE m.bucket = $2 AND m.id = $3`

// account reads what is known of a reader. It refuses with not_found who is no
// member, any more.
func (tx *Tx) account(reader flattr.MemberID) (account, error) {
	a, known := tx.accounts.of[reader]
	if !known {
		owing := receivableOf(reader).ID()
		err := tx.row(selectAccount, owing[:], reader.Bucket(), int64(reader)).Scan(&a.owed, &a.deleted, &a.next, &a.waiting)
		if errors.Is(err, sql.ErrNoRows) {
			a.deleted, err = true, nil
		}
		if err != nil {
			return a, fmt.Errorf("read account of reader %d: %w", reader, err)
		}
		if tx.accounts.of == nil || len(tx.accounts.of) >= maxAccounts {
			tx.accounts.of = make(map[flattr.MemberID]account)
		}
		tx.accounts.of[reader] = a
	}
	if a.deleted {
		return a, flattr.Refuse(flattr.NotFound, "There is no such member.")
	}
	return a, nil
}

// there refuses with not_found who is no member, any more. What somebody says of
// themselves begins with it: a request that was let in before the account was
// deleted comes too late, and must leave nothing behind.
func (tx *Tx) there(member flattr.MemberID) error {
	_, err := tx.account(member)
	return err
}

// forget lets a reader's account be read anew, after it was changed.
func (tx *Tx) forget(reader flattr.MemberID) { delete(tx.accounts.of, reader) }

// owes is what a reader has to repay before flattring again: what the bank took
// back and the means could not cover (product rule 15).
func (tx *Tx) owes(reader flattr.MemberID) (money.Micro, error) {
	a, err := tx.account(reader)
	return a.owed, err
}

// begin makes the clicks of a reader's subscriptions that are due, before the
// reader is shown a month. Where nothing is due, nothing is written.
func (s *Store) begin(ctx context.Context, now time.Time, reader flattr.MemberID) error {
	var a account
	err := s.read(ctx, func(tx *Tx) (err error) {
		a, err = tx.account(reader)
		return err
	})
	if flattr.CodeOf(err) == flattr.NotFound {
		return nil // there is a month to show, and nobody to click
	}
	if err != nil || a.next == 0 || a.next > flattr.MonthOf(now) {
		return err
	}
	return s.write(ctx, func(tx *Tx) error { return tx.due(now, reader) })
}

// settleUp does what follows when means may have come to a reader: first the
// promises that wait for them, where it was a top-up, then the subscriptions.
func (tx *Tx) settleUp(now time.Time, reader flattr.MemberID) error {
	if err := tx.keepPromises(now, reader); err != nil {
		return err
	}
	return tx.retry(now, reader)
}
