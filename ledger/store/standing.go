package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Standing is the money between a member and the ledger.
type Standing struct {
	Means   money.Micro
	Held    money.Micro // for all months
	Revenue money.Micro // below zero after a reversal
	Owed    money.Micro // by the member, after a returned top-up
}

const selectAllHeld = `
SELECT COALESCE(CAST(SUM(credits - debits) AS BIGINT), 0) FROM account WHERE id >= $1 AND id <= $2 AND kind = 'held'`

// standing reads how a member stands.
func (tx *Tx) standing(member flattr.MemberID) (st Standing, err error) {
	for _, side := range []struct {
		of book.Account
		to *money.Micro
	}{{meansOf(member), &st.Means}, {revenueOf(member), &st.Revenue}, {receivableOf(member), &st.Owed}} {
		if *side.to, err = tx.balance(side.of); err != nil {
			return st, err
		}
	}
	st.Owed = -st.Owed
	first, last := accountsOf(member)
	if err := tx.row(selectAllHeld, first[:], last[:]).Scan(&st.Held); err != nil {
		return st, fmt.Errorf("read what is held: %w", err)
	}
	return st, nil
}

// accountsOf are the ends of the range in which the ids of a member's accounts lie.
func accountsOf(member flattr.MemberID) (first, last book.AccountID) {
	a := meansOf(member).ID()
	copy(first[:], a[:10]) // bucket and owner
	copy(last[:], bytes.Repeat([]byte{0xff}, len(last)))
	copy(last[:], a[:10])
	return first, last
}

// Movement is a transfer as it concerns a member.
type Movement struct {
	ID       uuid.UUID
	At       time.Time
	Code     book.Code
	From, To book.Kind
	Amount   money.Micro
}

// Movements are the last transfers from or to a member's accounts, at most most
// of them, newest first, and how the member stands. It refuses with not_found.
func (s *Store) Movements(ctx context.Context, name string, most int) (m flattr.Member, st Standing, moves []Movement, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		if m, err = tx.memberByName(name); err != nil {
			return err
		}
		if st, err = tx.standing(m.ID); err != nil {
			return err
		}
		moves, err = tx.movements(m.ID, most)
		return err
	})
	return m, st, moves, err
}

const selectMovements = `
SELECT t.id, t.at, t.code, d.kind, c.kind, t.amount
FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
WHERE t.debit_account >= $1 AND t.debit_account <= $2 OR t.credit_account >= $1 AND t.credit_account <= $2
ORDER BY t.at DESC, t.id LIMIT $3`

func (tx *Tx) movements(member flattr.MemberID, most int) (moves []Movement, err error) {
	first, last := accountsOf(member)
	err = tx.each(selectMovements, func(rows *sql.Rows) error {
		var m Movement
		var id flattr.EventID
		var at int64
		err := scanID(rows, &id, &at, &m.Code, &m.From, &m.To, &m.Amount)
		m.ID, m.At = uuid.UUID(id), timeOf(at)
		moves = append(moves, m)
		return err
	}, first[:], last[:], most)
	if err != nil {
		return nil, fmt.Errorf("read transfers: %w", err)
	}
	return moves, nil
}
