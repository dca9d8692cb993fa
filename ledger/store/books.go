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

func receivableOf(m flattr.MemberID) book.Account {
	return book.Account{Kind: book.Receivable, Bucket: m.Bucket(), Owner: int64(m)}
}

func revenueOf(m flattr.MemberID) book.Account {
	return book.Account{Kind: book.Revenue, Bucket: m.Bucket(), Owner: int64(m)}
}

const insertTransfer = `
INSERT INTO transfer (id, debit_account, credit_account, amount, code, batch, at) VALUES `

const changeBalance = `
UPDATE account SET debits = debits + $1, credits = credits + $2 WHERE id = $3 AND debits <= $4 AND credits <= $5`

const openAccount = `
INSERT INTO account (id, kind, owner, month, currency, debits, credits)
VALUES ($1, $2, $3, $4, 'EUR', $5, $6) ON CONFLICT DO NOTHING`

// post books transfers. One whose id is booked already changes nothing, so
// that doing it twice is harmless. It returns how many were new.
func (tx *Tx) post(at int64, transfers []book.Transfer) (int, error) {
	// In the order of the key, neighbours are written together, and two writers
	// of one database never wait for each other in a circle.
	sorted := slices.Clone(transfers)
	slices.SortFunc(sorted, func(a, b book.Transfer) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	// The same transfer may be given twice.
	sorted = slices.CompactFunc(sorted, func(a, b book.Transfer) bool { return a.ID == b.ID })
	isNew := make([]bool, len(sorted))
	rows := tx.many(insertTransfer, onceOnly+" RETURNING id", 7)
	rows.each = func(row *sql.Rows) error {
		var id flattr.EventID
		if err := scanID(row, &id); err != nil {
			return err
		}
		i, given := slices.BinarySearchFunc(sorted, id, func(t book.Transfer, id flattr.EventID) int { return bytes.Compare(t.ID[:], id[:]) })
		if !given {
			return fmt.Errorf("the database answers transfer %s, which was not given", id)
		}
		isNew[i] = true
		return nil
	}
	for _, t := range sorted {
		if err := t.Check(); err != nil {
			return 0, err
		}
		debit, credit := t.Debit.ID(), t.Credit.ID()
		if err := rows.add(t.ID[:], debit[:], credit[:], int64(t.Amount), string(t.Code), t.Batch, at); err != nil {
			return 0, fmt.Errorf("book transfers: %w", err)
		}
	}
	if err := rows.flush(); err != nil {
		return 0, fmt.Errorf("book transfers: %w", err)
	}
	fresh := sorted[:0]
	for i, t := range sorted {
		if isNew[i] {
			fresh = append(fresh, t)
		}
	}
	return len(fresh), tx.change(fresh)
}

// errBeyond is what no transfer may do; what could is refused before (spendable, takeIn).
var errBeyond = errors.New("it would count more than fits into the books")

// change changes the balances of the accounts between which new transfers move
// money.
func (tx *Tx) change(fresh []book.Transfer) error {
	changes, err := book.Changes(fresh)
	if err != nil {
		return err
	}
	// One order for all, so that two writers of one database never wait for each other in a circle.
	slices.SortFunc(changes, func(a, b book.Change) int {
		x, y := a.Account.ID(), b.Account.ID()
		return bytes.Compare(x[:], y[:])
	})
	for _, c := range changes {
		id := c.Account.ID()
		n, err := tx.exec(changeBalance, int64(c.Debits), int64(c.Credits), id[:],
			int64(book.MaxDebits-c.Debits), int64(book.MaxCredits-c.Credits))
		if err == nil && n == 0 {
			n, err = tx.exec(openAccount, id[:], string(c.Account.Kind), c.Account.Owner, c.Account.Month,
				int64(c.Debits), int64(c.Credits))
		}
		if err == nil && n == 0 {
			err = errBeyond
		}
		if err != nil {
			return fmt.Errorf("change balance of account %s (%s): %w", id, c.Account.Kind, err)
		}
	}
	return nil
}

const selectBalance = `SELECT debits, credits FROM account WHERE id = $1`

// balance is what is on an account, 0 where it was never used.
func (tx *Tx) balance(a book.Account) (money.Micro, error) {
	b, err := tx.sides(a)
	return b.Net(), err
}

// sides are debits and credits of an account.
func (tx *Tx) sides(a book.Account) (b book.Balance, err error) {
	id := a.ID()
	err = tx.row(selectBalance, id[:]).Scan(&b.Debits, &b.Credits)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return b, fmt.Errorf("read balance of account %s: %w", id, err)
	}
	return b, nil
}

// spendable is what is on an account from which an amount is to be taken. It
// refuses with books_full where the account has moved too much to count that.
func (tx *Tx) spendable(a book.Account, amount money.Micro) (money.Micro, error) {
	b, err := tx.sides(a)
	if err == nil && b.Debits > book.MaxDebits-amount {
		err = booksFull(a)
	}
	return b.Net(), err
}

// takeIn refuses with books_full an amount that is to come to members from the
// account bank or gift when more was put in than the books can count.
func (tx *Tx) takeIn(from book.Account, amount money.Micro) error {
	b, err := tx.sides(from)
	if err == nil && b.Debits > book.MaxPutIn-amount {
		err = booksFull(from)
	}
	return err
}

// booksFull says that an account has moved all that can be counted.
func booksFull(a book.Account) error {
	return flattr.Refuse(flattr.BooksFull, fmt.Sprintf(
		"The account %s of these books has moved all that it can count. Nothing was booked; go on in a new ledger.", a.Kind))
}

// ClearingBalance is what is left on the clearing of a month.
func (tx *Tx) ClearingBalance(month flattr.Month) (money.Micro, error) {
	return tx.balance(book.Account{Kind: book.Clearing, Month: int32(month)})
}
