package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What only the audit reads.

const selectWrongAccounts = `
SELECT a.id, a.kind, a.debits, a.credits, COALESCE(t.debits, 0), COALESCE(t.credits, 0)
FROM account a LEFT JOIN (
    SELECT account, SUM(debit) AS debits, SUM(credit) AS credits FROM (
        SELECT debit_account AS account, amount AS debit, 0 AS credit FROM transfer
        UNION ALL SELECT credit_account, 0, amount FROM transfer
    ) sides GROUP BY account
) t ON t.account = a.id
WHERE a.debits <> COALESCE(t.debits, 0) OR a.credits <> COALESCE(t.credits, 0) ORDER BY a.id`

const countOrphans = `
SELECT COUNT(*) FROM transfer t
WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.debit_account)
   OR NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.credit_account)`

// EachWrongAccount hands over the accounts whose balance is not the sum of their
// transfers, and answers how many transfers name an account that is not there.
func (tx *Tx) EachWrongAccount(use func(id string, kind book.Kind, kept, proved book.Balance)) (orphans int, err error) {
	err = tx.each(selectWrongAccounts, func(rows *sql.Rows) error {
		var raw []byte
		var kind book.Kind
		var kept, proved book.Balance
		err := rows.Scan(&raw, &kind, &kept.Debits, &kept.Credits, &proved.Debits, &proved.Credits)
		if err == nil {
			use(fmt.Sprintf("%x", raw), kind, kept, proved)
		}
		return err
	})
	if err == nil {
		err = tx.row(countOrphans).Scan(&orphans)
	}
	if err != nil {
		return 0, fmt.Errorf("sum transfers: %w", err)
	}
	return orphans, nil
}

// KeptAccount is an account as the store has it.
type KeptAccount struct {
	ID book.AccountID
	book.Account
	book.Balance
}

const selectAccounts = `
SELECT id, kind, owner, month, debits, credits FROM account WHERE id > $1 ORDER BY id LIMIT $2`

// Accounts is the next page of accounts after an id.
func (tx *Tx) Accounts(after book.AccountID) ([]KeptAccount, error) {
	var accounts []KeptAccount
	err := tx.each(selectAccounts, func(rows *sql.Rows) error {
		var a KeptAccount
		var raw []byte
		err := rows.Scan(&raw, &a.Kind, &a.Owner, &a.Month, &a.Debits, &a.Credits)
		if err == nil && len(raw) != len(a.ID) {
			err = fmt.Errorf("the id of an account has %d bytes", len(raw))
		}
		copy(a.ID[:], raw)
		if a.Owner != 0 {
			a.Bucket = flattr.MemberID(a.Owner).Bucket()
		}
		accounts = append(accounts, a)
		return err
	}, after[:], page)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return accounts, nil
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

// Topup is a top-up as it was told.
type Topup struct {
	Ref    string
	Member flattr.MemberID
	Amount money.Micro
}

// Transfer is how the books have it.
func (t Topup) Transfer() book.Transfer {
	means := meansOf(t.Member)
	return book.New("ref:"+t.Ref, book.Credit, book.Account{Kind: book.Bank}, means, means, t.Amount)
}

const selectTopups = `SELECT ref, member, amount FROM topup WHERE ref > $1 ORDER BY ref LIMIT $2`

// Topups is the next page of top-ups after a reference.
func (tx *Tx) Topups(after string) ([]Topup, error) {
	var topups []Topup
	err := tx.each(selectTopups, func(rows *sql.Rows) error {
		var t Topup
		err := rows.Scan(&t.Ref, &t.Member, &t.Amount)
		topups = append(topups, t)
		return err
	}, after, page)
	if err != nil {
		return nil, fmt.Errorf("read top-ups: %w", err)
	}
	return topups, nil
}

// LoggedClick is a click of the log, with one undo or void that names it.
type LoggedClick struct {
	Month   flattr.Month
	Reader  flattr.MemberID
	Thing   flattr.ThingID
	Bucket  int
	Click   flattr.Logged
	Arrived time.Time
	Undo    flattr.Logged  // its Kind is empty when there is none
	Counted flattr.EventID // what the store says counts; zero: nothing
	Late    bool           // of what counts
}

const selectLog = `
SELECT e.id, e.month, e.bucket, e.reader, e.thing, e.at, e.late, e.arrived,
       u.id, COALESCE(u.kind, ''), COALESCE(u.at, 0), c.click, COALESCE(c.late, 0)
FROM event e
LEFT JOIN event u ON u.click = e.id AND u.reader = e.reader AND u.result <> 'refused'
LEFT JOIN counted c ON c.month = e.month AND c.bucket = e.bucket AND c.reader = e.reader AND c.thing = e.thing
WHERE e.month IS NOT NULL AND e.kind = 'click'
ORDER BY e.month, e.bucket, e.reader, e.thing, e.id`

// EachLogged hands over all accepted clicks in the order of month, bucket, reader
// and thing, once for each undo or void that names them, else once.
func (tx *Tx) EachLogged(use func(LoggedClick) error) error {
	err := tx.each(selectLog, func(rows *sql.Rows) error {
		c := LoggedClick{Click: flattr.Logged{Kind: flattr.KindClick}}
		var arrived int64
		var undo, counted sql.RawBytes
		err := scanID(rows, &c.Click.ID, &c.Month, &c.Bucket, &c.Reader, &c.Thing, &c.Click.At, &c.Click.Late, &arrived,
			&undo, &c.Undo.Kind, &c.Undo.At, &counted, &c.Late)
		if err != nil {
			return err
		}
		copy(c.Undo.ID[:], undo)
		copy(c.Counted[:], counted)
		c.Undo.Click = c.Click.ID
		c.Arrived = timeOf(arrived)
		return use(c)
	})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

const countCounted = `SELECT month, COUNT(*) FROM counted GROUP BY month`

const countThingSums = `SELECT month, COUNT(*) FROM thing_sum GROUP BY month`

// CountedRows and ThingSumRows are how many rows there are of each month.
func (tx *Tx) CountedRows() (map[flattr.Month]int, error) { return tx.perMonth(countCounted) }

// ThingSumRows is how many sums are kept of each month.
func (tx *Tx) ThingSumRows() (map[flattr.Month]int, error) { return tx.perMonth(countThingSums) }

func (tx *Tx) perMonth(query string) (map[flattr.Month]int, error) {
	counts := make(map[flattr.Month]int)
	err := tx.each(query, func(rows *sql.Rows) error {
		var m flattr.Month
		var n int
		err := rows.Scan(&m, &n)
		counts[m] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	return counts, nil
}

const selectMonths = `SELECT month FROM month ORDER BY month`

// Months are all months that something has touched.
func (tx *Tx) Months() ([]flattr.Month, error) {
	var months []flattr.Month
	err := tx.each(selectMonths, func(rows *sql.Rows) error {
		var m flattr.Month
		err := rows.Scan(&m)
		months = append(months, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read months: %w", err)
	}
	return months, nil
}

const countNobodys = `SELECT COUNT(DISTINCT owner) FROM account WHERE owner <> 0 AND owner NOT IN (SELECT id FROM member)`

// Nobodys is how many owners of accounts are no members.
func (tx *Tx) Nobodys() (n int, err error) {
	if err := tx.row(countNobodys).Scan(&n); err != nil {
		return 0, fmt.Errorf("count owners of accounts: %w", err)
	}
	return n, nil
}

const countUnknownMonths = `
SELECT COUNT(*) FROM (
    SELECT month FROM counted UNION SELECT month FROM snapshot_budget UNION SELECT month FROM author_sum
) used WHERE month NOT IN (SELECT month FROM month)`

// UnknownMonths is how many months have clicks or sums and no state.
func (tx *Tx) UnknownMonths() (n int, err error) {
	if err := tx.row(countUnknownMonths).Scan(&n); err != nil {
		return 0, fmt.Errorf("count months without state: %w", err)
	}
	return n, nil
}

// BudgetOf is the budget of a reader in force at the last instant of a month,
// from the history of budgets.
func (tx *Tx) BudgetOf(reader flattr.MemberID, month flattr.Month) (money.Micro, error) {
	return tx.budgetOf(reader, month)
}

// SnapshotBudget is what the snapshot says a reader gives, 0 where it says nothing.
func (tx *Tx) SnapshotBudget(reader flattr.MemberID, month flattr.Month) (money.Micro, error) {
	var budget money.Micro
	err := tx.row(selectSnapshotBudget, int32(month), reader.Bucket(), int64(reader)).Scan(&budget)
	return budget, ignoreNone(err)
}

// HasCounted reports whether any click of a reader counts in a month.
func (tx *Tx) HasCounted(reader flattr.MemberID, month flattr.Month) (bool, error) {
	var one int
	err := tx.row(anyCounted, int32(month), reader.Bucket(), int64(reader)).Scan(&one)
	return one == 1, ignoreNone(err)
}

const selectThingSums = `SELECT thing, clicks, gross FROM thing_sum WHERE month = $1 AND bucket = $2`

// ThingSums are the kept sums of a bucket.
func (tx *Tx) ThingSums(month flattr.Month, bucket int) ([]ThingSum, error) {
	var sums []ThingSum
	err := tx.each(selectThingSums, func(rows *sql.Rows) error {
		sum := ThingSum{Bucket: bucket}
		err := rows.Scan(&sum.Thing, &sum.Clicks, &sum.Gross)
		sums = append(sums, sum)
		return err
	}, int32(month), bucket)
	if err != nil {
		return nil, fmt.Errorf("read sums of %s: %w", month, err)
	}
	return sums, nil
}

const selectCountingReaders = `
SELECT DISTINCT bucket, reader FROM counted WHERE month = $1 AND (bucket, reader) > ($2, $3)
ORDER BY bucket, reader LIMIT $4`

// CountingReaders is the next page of readers of whom a click counts in a month.
func (tx *Tx) CountingReaders(month flattr.Month, after flattr.MemberID) ([]flattr.MemberID, error) {
	bucket := -1
	if after != 0 {
		bucket = after.Bucket()
	}
	var readers []flattr.MemberID
	err := tx.each(selectCountingReaders, func(rows *sql.Rows) error {
		var id flattr.MemberID
		var in int
		if err := rows.Scan(&in, &id); err != nil {
			return err
		}
		readers = append(readers, id)
		return inBucket(id, in)
	}, int32(month), bucket, int64(after), page)
	if err != nil {
		return nil, fmt.Errorf("read readers of %s: %w", month, err)
	}
	return readers, nil
}

// Held is what is held for a reader in a month.
func (tx *Tx) Held(reader flattr.MemberID, month flattr.Month) (money.Micro, error) {
	return tx.balance(heldOf(reader, month))
}
