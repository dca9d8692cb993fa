package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// auditTransfers is how many transfers are summed at once, about.
const auditTransfers = 2_000_000

// balances proves each balance from the transfers of the accounts whose ids lie
// from $1 on and before $2.
var balances = proof{
	"account %v (%v of %v) has debits %v and credits %v, its transfers sum to %v and %v",
	`
WITH moved AS (
    SELECT account, SUM(debit) AS debits, SUM(credit) AS credits FROM (
        SELECT debit_account AS account, amount AS debit, 0 AS credit FROM transfer
        WHERE debit_account >= $1 AND debit_account < $2
        UNION ALL
        SELECT credit_account, 0, amount FROM transfer WHERE credit_account >= $1 AND credit_account < $2
    ) side GROUP BY account
)
SELECT a.id AS account, a.kind, a.owner, a.debits, a.credits, CAST(COALESCE(m.debits, 0) AS TEXT), CAST(COALESCE(m.credits, 0) AS TEXT)
FROM account a LEFT JOIN moved m ON m.account = a.id
WHERE a.id >= $1 AND a.id < $2 AND (a.debits <> COALESCE(m.debits, 0) OR a.credits <> COALESCE(m.credits, 0))`,
}

const countAllTransfers = `SELECT COUNT(*) FROM transfer`

// ProveBalances proves all balances, and answers how many transfers there are.
func (tx *Tx) ProveBalances(found func(string)) (n int, err error) {
	if err := tx.row(countAllTransfers).Scan(&n); err != nil {
		return 0, fmt.Errorf("count transfers: %w", err)
	}
	parts := 1 + n/auditTransfers
	for i := range parts {
		// The id of an account begins with the bucket.
		from, to := idFrom(i*flattr.Buckets/parts), idFrom((i+1)*flattr.Buckets/parts)
		if i == parts-1 {
			to = []byte{0xff, 0xff, 0xff}
		}
		if err := balances.run(tx, found, from, to); err != nil {
			return n, err
		}
	}
	return n, nil
}

func idFrom(bucket int) []byte { return []byte{byte(bucket >> 8), byte(bucket)} }

// bookProofs are what must hold for accounts and transfers beside the balances.
var bookProofs = []proof{
	{
		"transfer %v (%v) names an account that is not there",
		`
SELECT t.id, t.code FROM transfer t
WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.debit_account)
   OR NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.credit_account)`,
	},
	{
		"transfer %v (%v of %v) reverses none of that amount the other way, or a reversal",
		`
SELECT t.id, t.code, t.amount FROM transfer t
LEFT JOIN transfer r ON r.id = t.reverses AND r.amount = t.amount AND r.debit_account = t.credit_account
    AND r.credit_account = t.debit_account AND r.reverses IS NULL
WHERE (t.reverses IS NOT NULL OR t.code = 'reverse') AND r.id IS NULL`,
	},
	{
		"%v transfers reverse one that another one reverses",
		`
SELECT COUNT(*) FROM (SELECT reverses FROM transfer WHERE reverses IS NOT NULL GROUP BY reverses HAVING COUNT(*) > 1) twice
HAVING COUNT(*) > 0`,
	},
	{
		"account %v was given the means it began with %v times",
		`
SELECT credit_account AS account, COUNT(*) FROM transfer WHERE code IN ('opening', 'welcome')
GROUP BY credit_account HAVING COUNT(*) > 1`,
	},
	{
		"%v: %v micro-EUR for member %v are %v",
		`
SELECT batch, amount, owner, CASE WHEN SUM(side) < 0 THEN 'booked as a top-up that nobody told of' ELSE 'a top-up that is not booked so' END
FROM (
    SELECT 'ref:' || ref AS batch, amount, member AS owner, 1 AS side FROM topup
    UNION ALL
    SELECT t.batch, t.amount, a.owner, -1 FROM transfer t JOIN account a ON a.id = t.credit_account WHERE t.code = 'credit'
) told GROUP BY batch, amount, owner HAVING SUM(side) <> 0`,
	},
	{
		"invites of %v micro-EUR welcomed member %v, %v are booked",
		`
SELECT CAST(SUM(told) AS TEXT), owner, CAST(SUM(booked) AS TEXT) FROM (
    SELECT used_by AS owner, means AS told, 0 AS booked FROM invite WHERE used_by IS NOT NULL AND means > 0
    UNION ALL
    SELECT a.owner, 0, t.amount FROM transfer t JOIN account a ON a.id = t.credit_account WHERE t.code = 'welcome'
) given GROUP BY owner HAVING SUM(told) <> SUM(booked)`,
	},
	{
		"top-ups of %v micro-EUR of member %v were taken back, %v are booked",
		`
SELECT CAST(SUM(told) AS TEXT), owner, CAST(SUM(booked) AS TEXT) FROM (
    SELECT member AS owner, amount AS told, 0 AS booked FROM topup_return
    UNION ALL
    SELECT a.owner, 0, t.amount FROM transfer t JOIN account a ON a.id = t.debit_account WHERE t.code = 'return'
    UNION ALL
    SELECT a.owner, 0, t.amount FROM transfer t JOIN transfer c ON c.id = t.reverses JOIN account a ON a.id = t.debit_account
    WHERE c.code = 'credit'
) given GROUP BY owner HAVING SUM(told) <> SUM(booked)`,
	},
	{
		"top-up %q was taken back with %v micro-EUR, which is not that of the member or more than it was",
		`
SELECT r.ref, r.amount FROM topup_return r
LEFT JOIN topup t ON t.ref = r.ref AND t.member = r.member AND t.amount >= r.amount WHERE t.ref IS NULL`,
	},
	{
		"%v micro-EUR were paid back to member %v, %v are booked",
		`
SELECT CAST(SUM(told) AS TEXT), owner, CAST(SUM(booked) AS TEXT) FROM (
    SELECT member AS owner, amount AS told, 0 AS booked FROM refund
    UNION ALL
    SELECT a.owner, 0, t.amount FROM transfer t JOIN account a ON a.id = t.debit_account WHERE t.code = 'refund'
) given GROUP BY owner HAVING SUM(told) <> SUM(booked)`,
	},
	{
		"account %v (revenue of %v) is at %v, and nothing that it earned was reversed",
		`
SELECT id AS account, owner, credits - debits FROM account
WHERE kind = 'revenue' AND credits < debits AND id NOT IN (SELECT debit_account FROM transfer WHERE code = 'reverse')`,
	},
}

// ProveBooks holds what must hold for accounts and transfers as a whole.
func (tx *Tx) ProveBooks(found func(string)) error { return tx.proveAll(bookProofs, found) }

// heldOpen compares what is held in an open month, $2, with the budgets, at its
// last instant $1, of the readers whose clicks count (product rule 3).
var heldOpen = proof{
	"%v, which is open: %v are held for reader %v, by the log it must be %v",
	`
WITH history AS (
    SELECT bucket, member, amount,
           ROW_NUMBER() OVER (PARTITION BY bucket, member ORDER BY CASE WHEN at < $1 THEN -seq ELSE seq END) AS n
    FROM budget
), compared AS (
    SELECT c.reader, h.amount AS must, 0 AS kept
    FROM (SELECT DISTINCT bucket, reader FROM counted WHERE month = $2) c
    JOIN history h ON h.bucket = c.bucket AND h.member = c.reader AND h.n = 1
    UNION ALL
    SELECT owner, 0, credits - debits FROM account WHERE kind = 'held' AND month = $2
)
SELECT CAST($2 AS BIGINT) AS month, CAST(SUM(kept) AS TEXT), reader, CAST(SUM(must) AS TEXT)
FROM compared GROUP BY reader HAVING SUM(must) <> SUM(kept)`,
}

// heldFrozen compares what is held in a frozen month with its snapshot; once it
// is computed ($2 is 1) what was given already is held no more.
var heldFrozen = proof{
	"%v, which is not posted: %v are held for reader %v, by the snapshot it must be %v",
	`
SELECT CAST($1 AS BIGINT) AS month, CAST(SUM(kept) AS TEXT), reader, CAST(SUM(must) AS TEXT) FROM (
    SELECT reader, budget AS must, 0 AS kept FROM snapshot_budget WHERE month = $1
    UNION ALL
    SELECT owner, 0, credits - debits FROM account WHERE kind = 'held' AND month = $1
) compared GROUP BY reader HAVING SUM(must) <> SUM(kept) AND ($2 = 0 OR SUM(kept) <> 0)`,
}

// ProveHeld proves what is held in a month that is not posted.
func (tx *Tx) ProveHeld(month flattr.Month, state flattr.State, found func(string)) error {
	if state == flattr.Open {
		return heldOpen.run(tx, found, micros(month.End()), int32(month))
	}
	return heldFrozen.run(tx, found, int32(month), number(state == flattr.Computed))
}

// KeptAccount is an account as the store has it.
type KeptAccount struct {
	ID book.AccountID
	book.Account
	book.Balance
}

const selectAccounts = `SELECT id, kind, owner, month, debits, credits FROM account ORDER BY id`

// EachAccount hands over all accounts, in the order of ids.
func (tx *Tx) EachAccount(use func(KeptAccount)) error {
	err := tx.each(selectAccounts, func(rows *sql.Rows) error {
		var a KeptAccount
		var raw []byte
		if err := rows.Scan(&raw, &a.Kind, &a.Owner, &a.Month, &a.Debits, &a.Credits); err != nil {
			return err
		}
		copy(a.ID[:], raw)
		if a.Owner != 0 {
			a.Bucket = flattr.MemberID(a.Owner).Bucket()
		}
		if len(raw) != len(a.ID) {
			return fmt.Errorf("the id of an account has %d bytes", len(raw))
		}
		use(a)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	return nil
}

const selectTransfers = `
SELECT t.id, t.code, t.batch, t.amount, t.debit_account, t.credit_account,
       d.kind, d.owner, d.month, c.kind, c.owner, c.month
FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account`

// BookedTransfer is a transfer as the store has it. The buckets of its accounts
// are not filled in.
type BookedTransfer struct {
	book.Transfer
	DebitID, CreditID book.AccountID
}

// EachTransfer hands over all transfers between accounts that are there, in no
// order. The transfer is valid until the next one.
func (tx *Tx) EachTransfer(use func(*BookedTransfer)) error {
	t := new(BookedTransfer)
	err := tx.each(selectTransfers, func(rows *sql.Rows) error {
		var id, debit, credit sql.RawBytes
		err := rows.Scan(&id, &t.Code, &t.Batch, &t.Amount, &debit, &credit,
			&t.Debit.Kind, &t.Debit.Owner, &t.Debit.Month, &t.Credit.Kind, &t.Credit.Owner, &t.Credit.Month)
		if err != nil {
			return err
		}
		t.ID = uuid.UUID{}
		copy(t.ID[:], id)
		copy(t.DebitID[:], debit)
		copy(t.CreditID[:], credit)
		use(t)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read transfers: %w", err)
	}
	return nil
}

const selectTransfer = `SELECT debit_account, credit_account, amount FROM transfer WHERE id = $1`

// Booked reports whether a transfer is booked just so.
func (tx *Tx) Booked(t book.Transfer) (bool, error) {
	var debit, credit []byte
	var amount money.Micro
	err := tx.row(selectTransfer, t.ID[:]).Scan(&debit, &credit, &amount)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read transfer: %w", err)
	}
	d, c := t.Debit.ID(), t.Credit.ID()
	return amount == t.Amount && string(debit) == string(d[:]) && string(credit) == string(c[:]), nil
}
