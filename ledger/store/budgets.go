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

const insertBudget = `INSERT INTO budget (bucket, member, seq, amount, at) VALUES ($1, $2, $3, $4, $5)`

const lastBudget = `
SELECT seq, amount, at FROM budget WHERE bucket = $1 AND member = $2 ORDER BY seq DESC LIMIT 1`

const budgetBefore = `
SELECT amount FROM budget WHERE bucket = $1 AND member = $2 AND at < $3 ORDER BY seq DESC LIMIT 1`

const firstBudget = `SELECT amount FROM budget WHERE bucket = $1 AND member = $2 AND seq = 1`

// budgetOf is the budget of a month: the one in force at its last instant
// (product rule 8). Who joined later gets the first one they set.
func (tx *Tx) budgetOf(member flattr.MemberID, month flattr.Month) (money.Micro, error) {
	var amount money.Micro
	bucket := member.Bucket()
	err := tx.row(budgetBefore, bucket, int64(member), micros(month.End())).Scan(&amount)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.row(firstBudget, bucket, int64(member)).Scan(&amount)
	}
	if err != nil {
		return 0, fmt.Errorf("read budget of %s: %w", month, err)
	}
	return amount, nil
}

// MaxBudget is the largest budget that can be set now, which is a policy.
func (s *Store) MaxBudget(ctx context.Context) (limit money.Micro, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		value, err := tx.policy(PolicyMaxBudget)
		limit = money.Micro(value)
		return err
	})
	return limit, err
}

// SetBudget changes what a member gives per month, from the running month on.
// It refuses with budget_range, and with no_means when a raise is more than
// the means; then nothing changes.
func (s *Store) SetBudget(ctx context.Context, now time.Time, member flattr.MemberID, amount money.Micro) error {
	return s.write(ctx, func(tx *Tx) error { return tx.SetBudget(now, member, amount) })
}

// SetBudget is Store.SetBudget inside a transaction.
func (tx *Tx) SetBudget(now time.Time, member flattr.MemberID, amount money.Micro) error {
	if err := tx.due(now, member); err != nil {
		return err
	}
	limit, err := tx.policy(PolicyMaxBudget)
	if err != nil {
		return err
	}
	if err := checkBudget(amount, money.Micro(limit)); err != nil {
		return err
	}
	var seq, last int64
	var before money.Micro
	if err := tx.row(lastBudget, member.Bucket(), int64(member)).Scan(&seq, &before, &last); err != nil {
		return fmt.Errorf("read budget: %w", err)
	}
	// A change never comes before the one it follows, even where the clock was
	// put back in between: it counts from there on.
	from := now
	if made := timeOf(last); from.Before(made) {
		from = made
	}
	month, err := tx.runningMonth(from)
	if err != nil {
		return err
	}
	at := max(micros(from), micros(month.Start()))
	if err := tx.changeHeld(at, member, month, amount, fmt.Sprintf("budget:%d:%d", member, seq+1)); err != nil {
		return err
	}
	if _, err := tx.exec(insertBudget, member.Bucket(), int64(member), seq+1, int64(amount), at); err != nil {
		return fmt.Errorf("write budget: %w", err)
	}
	return tx.retry(now, member)
}

// checkBudget refuses what is out of range.
func checkBudget(amount, limit money.Micro) error {
	if amount < flattr.MinBudget || amount > limit {
		return flattr.Refuse(flattr.BudgetRange, fmt.Sprintf(
			"A budget is from %s to %s EUR a month.", flattr.MinBudget, limit))
	}
	return nil
}

// changeHeld makes what is held for the month, and for later ones that a clock
// ahead of the time has begun, the amount, or refuses with no_means. Where
// nothing is held, nothing is to be changed.
func (tx *Tx) changeHeld(at int64, member flattr.MemberID, from flattr.Month, amount money.Micro, cause string) error {
	months, err := tx.openMonths()
	if err != nil {
		return err
	}
	means := meansOf(member)
	var transfers []book.Transfer
	need := money.Micro(0)
	for _, month := range months {
		held := heldOf(member, month)
		have, err := tx.balance(held)
		if err != nil {
			return err
		}
		if month < from || have == 0 || have == amount {
			continue
		}
		need += amount - have
		if amount > have {
			transfers = append(transfers, book.New(cause, book.Raise, means, held, held, amount-have))
		} else {
			transfers = append(transfers, book.New(cause, book.Lower, held, means, held, have-amount))
		}
	}
	have, err := tx.spendable(means, max(need, 0))
	if err != nil {
		return err
	}
	if need > 0 && have < need {
		return noMeans(need, have)
	}
	_, err = tx.post(at, transfers)
	return err
}

// noMeans says what is missing and how to go on.
func noMeans(need, have money.Micro) *flattr.Error {
	return flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
		"This needs %s EUR of your means, and %s EUR are there. Top up at least %s EUR (the operator of this ledger books it), then try again.",
		need, have, need-have))
}

const insertTopup = `INSERT INTO topup (ref, member, amount, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// MaxRefBytes bounds the reference of a top-up: bank references are shorter.
const MaxRefBytes = 200

// TopUp is what was booked under a reference.
type TopUp struct {
	Name   string // of the member
	Amount money.Micro
	At     time.Time
}

const selectTopUp = `
SELECT m.name, t.amount, t.at FROM topup t JOIN member m ON m.id = t.member WHERE t.ref = $1`

// Credit tops up the means of the member of that name from the bank, and tells
// what stands under the reference. One that was booked before books nothing,
// whoever and whatever it names now, and answers false.
func (s *Store) Credit(ctx context.Context, now time.Time, name string, amount money.Micro, ref string) (top TopUp, booked bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		if booked, err = tx.Credit(now, m.ID, amount, ref); err != nil {
			return err
		}
		var at int64
		if err := tx.row(selectTopUp, ref).Scan(&top.Name, &top.Amount, &at); err != nil {
			return fmt.Errorf("read top-up: %w", err)
		}
		top.At = timeOf(at)
		return nil
	})
	return top, booked, err
}

// Credit is Store.Credit inside a transaction. It refuses with invalid_request
// what is no top-up, and with books_full more than the books can count.
func (tx *Tx) Credit(now time.Time, member flattr.MemberID, amount money.Micro, ref string) (bool, error) {
	if amount <= 0 || ref == "" || len(ref) > MaxRefBytes {
		return false, flattr.Refuse(flattr.Invalid, "A top-up is more than 0.00 EUR and has a reference of at most 200 bytes.")
	}
	if err := tx.due(now, member); err != nil {
		return false, err
	}
	if err := tx.takeIn(bank, amount); err != nil {
		return false, err
	}
	n, err := tx.exec(insertTopup, ref, int64(member), int64(amount), micros(now))
	if err != nil {
		return false, fmt.Errorf("write top-up: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	means := meansOf(member)
	return true, tx.receive(now, member, book.New("ref:"+ref, book.Credit, bank, means, means, amount))
}
