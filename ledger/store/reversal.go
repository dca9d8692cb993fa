package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Reversal is what became of a reversed transfer.
type Reversal struct {
	ID     uuid.UUID // of the transfer that reverses
	Code   book.Code // of the reversed one
	Amount money.Micro
	Name   string // of the member
}

// Reverse books a transfer the other way.
func (s *Store) Reverse(ctx context.Context, now time.Time, transfer uuid.UUID) (r Reversal, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		r, err = tx.Reverse(now, transfer)
		return err
	})
	return r, err
}

const selectReversible = `
SELECT t.code, t.amount, t.batch, d.kind, d.owner, d.month, c.kind, c.owner, c.month
FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account WHERE t.id = $1`

// transfer reads a transfer, or refuses with not_found.
func (tx *Tx) transfer(id uuid.UUID) (book.Transfer, error) {
	t := book.Transfer{ID: id}
	err := tx.row(selectReversible, id[:]).Scan(&t.Code, &t.Amount, &t.Batch,
		&t.Debit.Kind, &t.Debit.Owner, &t.Debit.Month, &t.Credit.Kind, &t.Credit.Owner, &t.Credit.Month)
	if errors.Is(err, sql.ErrNoRows) {
		return t, flattr.Refuse(flattr.NotFound, "There is no such transfer.")
	}
	if err != nil {
		return t, fmt.Errorf("read transfer %s: %w", id, err)
	}
	for _, a := range []*book.Account{&t.Debit, &t.Credit} {
		if a.Owner != 0 {
			a.Bucket = flattr.MemberID(a.Owner).Bucket()
		}
	}
	return t, nil
}

const selectReverses = `SELECT 1 FROM transfer WHERE reverses = $1`

// Reverse books a transfer the other way (product rule 9): a top-up, what a
// member was loaded or welcomed with, a refund, or what an author earned, which
// then goes to the account gift. It refuses with not_found, with reversed what
// was reversed or returned before, with no_means where the means are spent, and
// with invalid_request a transfer that is put right in another way.
func (tx *Tx) Reverse(now time.Time, id uuid.UUID) (Reversal, error) {
	t, err := tx.transfer(id)
	if err != nil {
		return Reversal{}, err
	}
	r := Reversal{Code: t.Code, Amount: t.Amount}
	var reversed int
	if err := tx.row(selectReverses, id[:]).Scan(&reversed); !errors.Is(err, sql.ErrNoRows) {
		if err == nil {
			err = flattr.Refuse(flattr.Reversed, "This transfer was reversed before. Each is reversed once.")
		}
		return r, err
	}
	var member flattr.MemberID
	switch t.Code {
	case book.Credit, book.Opening, book.Welcome, book.Earn:
		member = flattr.MemberID(t.Credit.Owner)
	case book.Refund:
		member = flattr.MemberID(t.Debit.Owner)
	case book.Hold, book.Release, book.Raise, book.Lower, book.Give, book.Charge,
		book.Return, book.Repay, book.Present, book.Use, book.Reverse, book.Reclaim:
		fallthrough
	default:
		return r, flattr.Refuse(flattr.Invalid, fmt.Sprintf(
			"A transfer %s is not reversed. Reversed are credit, opening, welcome, refund and earn.", t.Code))
	}
	m, err := tx.member(member)
	if err != nil {
		return r, err
	}
	r.Name = m.Name
	if err := tx.due(now, member); err != nil {
		return r, err
	}
	back := book.New("reverse:"+id.String(), book.Reverse, t.Credit, t.Debit, t.Credit, t.Amount)
	r.ID = back.ID
	switch t.Code {
	case book.Refund:
		return r, tx.reverseRefund(now, member, back, id)
	case book.Earn:
		return r, tx.reverseEarn(now, back, id)
	}
	return r, tx.reverseMeans(now, member, t, back)
}

const insertReversal = `
INSERT INTO transfer (id, debit_account, credit_account, amount, code, batch, reverses, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// reverse books the transfer that reverses the one of that id.
func (tx *Tx) reverse(now time.Time, back book.Transfer, id uuid.UUID) error {
	debit, credit := back.Debit.ID(), back.Credit.ID()
	_, err := tx.exec(insertReversal, back.ID[:], debit[:], credit[:], int64(back.Amount), string(back.Code), back.Batch, id[:], micros(now))
	if err != nil {
		return fmt.Errorf("reverse transfer %s: %w", id, err)
	}
	return tx.change([]book.Transfer{back})
}

// reverseMeans takes back what was put into the means.
func (tx *Tx) reverseMeans(now time.Time, member flattr.MemberID, t, back book.Transfer) error {
	have, err := tx.spendable(back.Debit, back.Amount)
	if err != nil {
		return err
	}
	if have < back.Amount {
		return flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
			"%s EUR of means are there, too few to take %s EUR back. Book a top-up that the bank took back with return.", have, back.Amount))
	}
	if ref, topUp := strings.CutPrefix(t.Batch, "ref:"); topUp && t.Code == book.Credit {
		n, err := tx.exec(insertReturn, ref, int64(member), int64(t.Amount), micros(now))
		if err != nil {
			return fmt.Errorf("write returned top-up: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.Reversed, "The bank took this top-up back before. Each is taken back once.")
		}
	}
	if err := tx.reverse(now, back, t.ID); err != nil {
		return err
	}
	return tx.retry(now, member)
}

// reverseRefund puts back into the means what was paid back.
func (tx *Tx) reverseRefund(now time.Time, member flattr.MemberID, back book.Transfer, id uuid.UUID) error {
	if err := tx.takeIn(bank, back.Amount); err != nil {
		return err
	}
	if err := tx.reverse(now, back, id); err != nil {
		return err
	}
	return tx.settleUp(now, member)
}

// reverseEarn takes back from an author what a settlement posted. The month stays
// as it was: the money goes through its clearing to the account gift, and where
// the revenue is spent by now, later months set it off.
func (tx *Tx) reverseEarn(now time.Time, back book.Transfer, id uuid.UUID) error {
	if _, err := tx.spendable(back.Debit, back.Amount); err != nil {
		return err
	}
	if err := tx.reverse(now, back, id); err != nil {
		return err
	}
	_, err := tx.post(micros(now), []book.Transfer{
		book.New(back.Batch, book.Reclaim, back.Credit, gift, back.Credit, back.Amount),
	})
	return err
}
