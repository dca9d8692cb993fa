package store

import (
	"database/sql"
	"fmt"

	"flattr/ledger/book"
	"flattr/ledger/money"
)

// What the audit reads of the transfers as a whole.

const countTransfers = `SELECT code, batch, COUNT(*) FROM transfer WHERE code IN ('give', 'earn', 'charge', 'credit') GROUP BY code, batch`

const countAllTransfers = `SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM transfer`

// Transfers counts all transfers and what they move, the postings of each month,
// and the top-ups.
func (tx *Tx) Transfers() (all int, moved money.Micro, postings map[string]int, credits int, err error) {
	postings = make(map[string]int)
	err = tx.each(countTransfers, func(rows *sql.Rows) error {
		var code book.Code
		var batch string
		var n int
		err := rows.Scan(&code, &batch, &n)
		if code == book.Credit {
			credits += n
		} else {
			postings[batch] += n
		}
		return err
	})
	if err == nil {
		err = tx.row(countAllTransfers).Scan(&all, &moved)
	}
	if err != nil {
		return 0, 0, nil, 0, fmt.Errorf("count transfers: %w", err)
	}
	return all, moved, postings, credits, nil
}

// What each code moves money between: both sides of one owner, or month, where
// both have one.
const selectStrangeTransfers = `
SELECT t.id, t.code, d.kind, c.kind
FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
WHERE NOT (
    t.code IN ('credit', 'opening') AND d.kind = 'bank' AND c.kind = 'means'
 OR t.code = 'welcome' AND d.kind = 'gift' AND c.kind = 'means'
 OR t.code IN ('hold', 'raise') AND d.kind = 'means' AND c.kind = 'held' AND d.owner = c.owner
 OR t.code IN ('release', 'lower') AND d.kind = 'held' AND c.kind = 'means' AND d.owner = c.owner
 OR t.code = 'give' AND d.kind = 'held' AND c.kind = 'clearing' AND d.month = c.month
 OR t.code = 'earn' AND d.kind = 'clearing' AND c.kind = 'revenue'
 OR t.code = 'charge' AND d.kind = 'clearing' AND c.kind = 'fee'
) ORDER BY t.id`

// EachStrangeTransfer hands over the transfers between accounts that their code
// moves nothing between.
func (tx *Tx) EachStrangeTransfer(use func(id string, code book.Code, debit, credit book.Kind)) error {
	err := tx.each(selectStrangeTransfers, func(rows *sql.Rows) error {
		var id []byte
		var code book.Code
		var debit, credit book.Kind
		err := rows.Scan(&id, &code, &debit, &credit)
		if err == nil {
			use(fmt.Sprintf("%x", id), code, debit, credit)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read transfers: %w", err)
	}
	return nil
}

const countDoubleOpenings = `
SELECT COUNT(*) FROM (
    SELECT credit_account FROM transfer WHERE code IN ('opening', 'welcome') GROUP BY credit_account HAVING COUNT(*) > 1
) twice`

// DoubleOpenings is how many members were given the means they began with more
// than once: by the file that brought them, or by their invite.
func (tx *Tx) DoubleOpenings() (n int, err error) {
	if err := tx.row(countDoubleOpenings).Scan(&n); err != nil {
		return 0, fmt.Errorf("count openings: %w", err)
	}
	return n, nil
}
