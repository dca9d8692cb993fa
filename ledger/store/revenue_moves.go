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

// RevenueMove is a transfer to or from an author's revenue.
type RevenueMove struct {
	At     time.Time
	Code   book.Code
	Month  flattr.Month // whose settlement brought it, or took it back; 0: none
	To     string       // name of the other member whom it was given to; "": nobody
	Amount money.Micro  // below 0: it left the account
}

// What the indexes leave out is of no author: nothing is earned from revenue, and
// nothing given to it.
const selectRevenueMoves = `
SELECT m.at, m.code, m.amount, a.month, COALESCE(n.name, '') FROM (
    SELECT id, at, code, -amount AS amount, credit_account AS other FROM transfer WHERE code <> 'earn' AND debit_account = $1
    UNION ALL
    SELECT id, at, code, amount, debit_account FROM transfer WHERE code <> 'give' AND credit_account = $2
) m JOIN account a ON a.id = m.other LEFT JOIN member n ON n.id = a.owner AND a.owner <> $3
ORDER BY m.at DESC, a.month DESC, m.id LIMIT $4 OFFSET $5`

// RevenueMoves are what came to an author's revenue and what left it, the last
// first and at most limit after offset.
func (s *Store) RevenueMoves(ctx context.Context, author flattr.MemberID, limit, offset int) (moves []RevenueMove, err error) {
	account := revenueOf(author).ID()
	err = s.read(ctx, func(tx *Tx) error {
		moves = nil
		return tx.each(selectRevenueMoves, func(rows *sql.Rows) error {
			var m RevenueMove
			var at int64
			err := rows.Scan(&at, &m.Code, &m.Amount, &m.Month, &m.To)
			m.At = timeOf(at)
			moves = append(moves, m)
			return err
		}, account[:], account[:], int64(author), limit, offset)
	})
	if err != nil {
		return nil, fmt.Errorf("read transfers of revenue: %w", err)
	}
	return moves, nil
}
