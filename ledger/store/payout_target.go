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

// maxPayoutTargets bounds how often a member says where to pay: each stays in the
// history.
const maxPayoutTargets = 200

// PayoutTarget is where an author wants to be paid.
type PayoutTarget struct {
	IBAN    string // "": to the member's own means
	Holder  string // of the bank account
	At      time.Time
	Payable time.Time // nothing is paid there before: who took an account over is found out until then
}

const selectPayoutTargets = `
SELECT iban, holder, at, payable FROM payout_target WHERE member = $1 ORDER BY seq DESC LIMIT $2`

const selectLastTarget = `SELECT seq, iban, holder FROM payout_target WHERE member = $1 ORDER BY seq DESC LIMIT 1`

const insertPayoutTarget = `
INSERT INTO payout_target (member, seq, kind, iban, holder, at, payable) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const deletePayoutTargetsOf = `DELETE FROM payout_target WHERE member = $1`

// PayoutTargets are where an author wanted to be paid, the last first, which holds,
// and at most so many.
func (s *Store) PayoutTargets(ctx context.Context, member flattr.MemberID, most int) (targets []PayoutTarget, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		targets = nil
		return tx.each(selectPayoutTargets, func(rows *sql.Rows) error {
			var t PayoutTarget
			var at, payable int64
			err := rows.Scan(&t.IBAN, &t.Holder, &at, &payable)
			t.At, t.Payable = timeOf(at), timeOf(payable)
			targets = append(targets, t)
			return err
		}, int64(member), most)
	})
	if err != nil {
		return nil, fmt.Errorf("read payout targets: %w", err)
	}
	return targets, nil
}

// SetPayoutTarget notes where an author wants to be paid from seven days later on:
// to a bank account, or with an empty IBAN to their own means. What holds already
// is not noted again. It refuses with invalid_request what is no IBAN or no
// holder's name, and who has changed it too often.
func (s *Store) SetPayoutTarget(ctx context.Context, now time.Time, member flattr.MemberID, iban, holder string) (err error) {
	kind := "means"
	if iban != "" {
		kind = "iban"
		if iban, err = flattr.ReadIBAN(iban); err != nil {
			return err
		}
		if holder, err = flattr.ReadHolder(holder); err != nil {
			return err
		}
	} else {
		holder = ""
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(member); err != nil {
			return err
		}
		var seq int
		var has, by string
		if err := ignoreNone(tx.row(selectLastTarget, int64(member)).Scan(&seq, &has, &by)); err != nil {
			return fmt.Errorf("read payout target: %w", err)
		}
		switch {
		case seq > 0 && has == iban && by == holder:
			return nil
		case seq >= maxPayoutTargets:
			return flattr.Refuse(flattr.Invalid, "You have changed this as often as may be. Ask the operator of this ledger.")
		}
		_, err := tx.exec(insertPayoutTarget, int64(member), seq+1, kind, iban, holder, micros(now), micros(now.Add(flattr.PayoutCooling)))
		if err != nil {
			return fmt.Errorf("write payout target: %w", err)
		}
		return tx.notify(now, member, LetterPayout, "")
	})
}

// erasePayoutTargets forgets where a member who is deleted wanted to be paid.
func (tx *Tx) erasePayoutTargets(_ time.Time, member flattr.MemberID) error {
	if _, err := tx.exec(deletePayoutTargetsOf, int64(member)); err != nil {
		return fmt.Errorf("erase payout targets: %w", err)
	}
	return nil
}

// Unspent is what an author can move from revenue to means.
type Unspent struct {
	Balance money.Micro // of the account revenue
	Free    money.Micro // of it, what is not held back because a thing has changed hands
	Moved   money.Micro // all that has left the account so far: names the state in which a move was wanted
}

// Unspent is what of an author's revenue can be moved to means.
func (s *Store) Unspent(ctx context.Context, now time.Time, author flattr.MemberID) (u Unspent, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		u, err = tx.unspent(now, author)
		return err
	})
	return u, err
}

func (tx *Tx) unspent(now time.Time, author flattr.MemberID) (u Unspent, err error) {
	b, err := tx.sides(revenueOf(author))
	if err != nil {
		return u, err
	}
	cooling, err := tx.cooling(now, author)
	return Unspent{Balance: b.Net(), Free: max(0, b.Net()-cooling), Moved: b.Debits}, err
}

// UseRevenue moves an amount of an author's revenue to the same member's means,
// which repays first what the member owes. moved is what Unspent said when that
// was wanted: a move that was made in between is not made twice. It refuses with
// no_means more than is free, with once what was moved in between, and with
// invalid_request nothing and less.
func (s *Store) UseRevenue(ctx context.Context, now time.Time, author flattr.MemberID, amount, moved money.Micro) error {
	if amount <= 0 {
		return flattr.Refuse(flattr.Invalid, "Name an amount above 0.")
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.due(now, author); err != nil {
			return err
		}
		u, err := tx.unspent(now, author)
		switch {
		case err != nil:
			return err
		case u.Moved != moved:
			return flattr.Refuse(flattr.Once, "This has been moved already. See what is there now.")
		case amount > u.Free:
			return flattr.Refuse(flattr.NoMeans, fmt.Sprintf("%s EUR of revenue can be moved. Move at most that.", u.Free))
		}
		from, to := revenueOf(author), meansOf(author)
		if _, err := tx.spendable(from, amount); err != nil {
			return err
		}
		// What went out before tells one move from the next.
		return tx.receive(now, author, book.New(fmt.Sprintf("use:%d:%d", author, int64(u.Moved)), book.Use, from, to, from, amount))
	})
}
