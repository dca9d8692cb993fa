package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

var (
	bank = book.Account{Kind: book.Bank}
	gift = book.Account{Kind: book.Gift}
)

// receive books money that comes to a reader's means, repays from it what they
// owe, and makes the clicks that waited for it. The caller has called due.
func (tx *Tx) receive(now time.Time, member flattr.MemberID, in book.Transfer) error {
	owed, err := tx.owes(member)
	if err != nil {
		return err
	}
	transfers := []book.Transfer{in}
	if owed > 0 {
		owing := receivableOf(member)
		transfers = append(transfers, book.New(in.Batch, book.Repay, meansOf(member), owing, owing, min(owed, in.Amount)))
	}
	if _, err := tx.post(micros(now), transfers); err != nil {
		return err
	}
	tx.forget(member)
	return tx.settleUp(now, member)
}

const selectTopUpOf = `SELECT member, amount FROM topup WHERE ref = $1`

const insertReturn = `
INSERT INTO topup_return (ref, member, amount, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// Return books that the bank took back an amount of the top-up of the member of
// that name, and tells whether that is new, and what the member owes after it.
func (s *Store) Return(ctx context.Context, now time.Time, name, ref string, amount money.Micro) (owed money.Micro, booked bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		if booked, err = tx.Return(now, m.ID, ref, amount); err != nil {
			return err
		}
		owed, err = tx.owes(m.ID)
		return err
	})
	return owed, booked, err
}

// Return books that the bank took back an amount of the member's top-up of that
// reference: from the means as far as they go, the rest is owed. What is held
// stays held. A top-up that was returned before books nothing, which it answers
// with false. It refuses with not_found a reference that is not the member's, and
// with invalid_request an amount above the top-up.
func (tx *Tx) Return(now time.Time, member flattr.MemberID, ref string, amount money.Micro) (bool, error) {
	if err := tx.due(now, member); err != nil {
		return false, err
	}
	var of flattr.MemberID
	var topped money.Micro
	err := tx.row(selectTopUpOf, ref).Scan(&of, &topped)
	if err == nil && of != member || errors.Is(err, sql.ErrNoRows) {
		return false, flattr.Refuse(flattr.NotFound, fmt.Sprintf("This member has no top-up with the reference %.60q.", ref))
	}
	if err != nil {
		return false, fmt.Errorf("read top-up: %w", err)
	}
	if amount <= 0 || amount > topped {
		return false, flattr.Refuse(flattr.Invalid, fmt.Sprintf("The top-up was %s EUR: what comes back is more than 0.00 and no more than that.", topped))
	}
	n, err := tx.exec(insertReturn, ref, int64(member), int64(amount), micros(now))
	if err != nil {
		return false, fmt.Errorf("write returned top-up: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	cause := "return:" + ref
	means, owing := meansOf(member), receivableOf(member)
	have, err := tx.balance(means)
	if err != nil {
		return false, err
	}
	var transfers []book.Transfer
	if back := min(have, amount); back > 0 {
		transfers = append(transfers, book.New(cause, book.Return, means, bank, means, back))
	}
	if rest := amount - have; rest > 0 {
		transfers = append(transfers, book.New(cause, book.Return, owing, bank, owing, rest))
	}
	if _, err := tx.post(micros(now), transfers); err != nil {
		return false, err
	}
	tx.forget(member)
	return true, tx.retry(now, member)
}

const selectRefund = `SELECT 1 FROM refund WHERE ref = $1`

const insertRefund = `INSERT INTO refund (ref, member, amount, at) VALUES ($1, $2, $3, $4)`

// Refund books that means were paid back to the member of that name.
func (s *Store) Refund(ctx context.Context, now time.Time, name string, amount money.Micro, ref string) (booked bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		booked, err = tx.Refund(now, m.ID, amount, ref)
		return err
	})
	return booked, err
}

// Refund books that means were paid back to their reader. A reference that was
// booked before books nothing, which it answers with false. It refuses with
// no_means more than there is.
func (tx *Tx) Refund(now time.Time, member flattr.MemberID, amount money.Micro, ref string) (bool, error) {
	if amount <= 0 || ref == "" || len(ref) > MaxRefBytes {
		return false, flattr.Refuse(flattr.Invalid, "A refund is more than 0.00 EUR and has a reference of at most 200 bytes.")
	}
	if err := tx.due(now, member); err != nil {
		return false, err
	}
	var before int
	if err := tx.row(selectRefund, ref).Scan(&before); !errors.Is(err, sql.ErrNoRows) {
		if err != nil {
			err = fmt.Errorf("read refund: %w", err)
		}
		return false, err
	}
	means := meansOf(member)
	have, err := tx.spendable(means, amount)
	if err != nil {
		return false, err
	}
	if have < amount {
		return false, flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
			"%s EUR of means are there; what is held for a month stays until that is settled. Pay back at most that.", have))
	}
	if _, err := tx.exec(insertRefund, ref, int64(member), int64(amount), micros(now)); err != nil {
		return false, fmt.Errorf("write refund: %w", err)
	}
	_, err = tx.post(micros(now), []book.Transfer{book.New("refund:"+ref, book.Refund, means, bank, means, amount)})
	if err != nil {
		return false, err
	}
	return true, tx.retry(now, member)
}
