package store

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What a member's accounts are called in the books.

func meansOf(m flattr.MemberID) book.Account {
	return book.Account{Kind: book.Means, Bucket: m.Bucket(), Owner: int64(m)}
}

func heldOf(m flattr.MemberID, month flattr.Month) book.Account {
	return book.Account{Kind: book.Held, Bucket: m.Bucket(), Owner: int64(m), Month: int32(month)}
}

func revenueOf(m flattr.MemberID) book.Account {
	return book.Account{Kind: book.Revenue, Bucket: m.Bucket(), Owner: int64(m)}
}

const insertTransfer = `
INSERT INTO transfer (id, debit_account, credit_account, amount, code, batch, at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

const changeAccount = `
INSERT INTO account (id, kind, owner, month, currency, debits, credits)
VALUES ($1, $2, $3, $4, 'EUR', 0, 0) ON CONFLICT DO NOTHING`

const changeBalance = `
UPDATE account SET debits = debits + $1, credits = credits + $2 WHERE id = $3`

// post books transfers. One whose id is booked already changes nothing, so
// that doing it twice is harmless. It returns how many were new.
func (tx *Tx) post(at int64, transfers []book.Transfer) (int, error) {
	fresh := make([]book.Transfer, 0, len(transfers))
	for _, t := range transfers {
		if err := t.Check(); err != nil {
			return 0, err
		}
		debit, credit := t.Debit.ID(), t.Credit.ID()
		n, err := tx.exec(insertTransfer, t.ID[:], debit[:], credit[:], int64(t.Amount), string(t.Code), t.Batch, at)
		if err != nil {
			return 0, fmt.Errorf("book transfer %s: %w", t.ID, err)
		}
		if n == 1 {
			fresh = append(fresh, t)
		}
	}
	changes, err := book.Changes(fresh)
	if err != nil {
		return 0, err
	}
	// One order for all, so that two writers of one database never wait for each other in a circle.
	slices.SortFunc(changes, func(a, b book.Change) int {
		x, y := a.Account.ID(), b.Account.ID()
		return bytes.Compare(x[:], y[:])
	})
	for _, c := range changes {
		id := c.Account.ID()
		if _, err := tx.exec(changeAccount, id[:], string(c.Account.Kind), c.Account.Owner, c.Account.Month); err != nil {
			return 0, fmt.Errorf("open account %s: %w", id, err)
		}
		n, err := tx.exec(changeBalance, int64(c.Debits), int64(c.Credits), id[:])
		if err := one(n, err); err != nil {
			return 0, fmt.Errorf("change balance of account %s (%s): %w", id, c.Account.Kind, err)
		}
	}
	return len(fresh), nil
}

const selectBalance = `SELECT debits, credits FROM account WHERE id = $1`

// balance is what is on an account, 0 where it was never used.
func (tx *Tx) balance(a book.Account) (money.Micro, error) {
	id := a.ID()
	var b book.Balance
	err := tx.row(selectBalance, id[:]).Scan(&b.Debits, &b.Credits)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read balance of account %s: %w", id, err)
	}
	return b.Net(), nil
}

// ClearingBalance is what is left on the clearing of a month.
func (tx *Tx) ClearingBalance(month flattr.Month) (money.Micro, error) {
	return tx.balance(book.Account{Kind: book.Clearing, Month: int32(month)})
}
