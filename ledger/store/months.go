package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const selectState = `SELECT state FROM month WHERE month = $1`

const insertMonth = `INSERT INTO month (month, state, next_bucket) VALUES ($1, 'open', 0) ON CONFLICT DO NOTHING`

// state is the state of a month; one that nothing has touched is open.
func (tx *Tx) state(month flattr.Month) (flattr.State, error) {
	if st, ok := tx.months[int32(month)]; ok {
		return st, nil
	}
	var st flattr.State
	query := selectState
	if tx.writes {
		query += tx.sharing // the freeze waits for us, or we for it
	}
	err := tx.row(query, int32(month)).Scan(&st)
	if errors.Is(err, sql.ErrNoRows) {
		return flattr.Open, nil
	}
	if err != nil {
		return "", fmt.Errorf("read state of %s: %w", month, err)
	}
	tx.months[int32(month)] = st
	return st, nil
}

// await waits, where writers run at the same time, for a freeze under way. What
// changes an account does so first: else it would hold what the freeze is to
// write while it waits for the freeze, or take it away from a freeze that has
// read it, and one of the two, which may have worked for minutes, would begin anew.
func (tx *Tx) await(now time.Time) error {
	if !tx.writes || tx.sharing == "" || tx.awaited {
		return nil
	}
	tx.awaited = true
	_, err := tx.state(flattr.MonthOf(now))
	return err
}

// touch makes sure that a month has a row for the freeze to write.
func (tx *Tx) touch(month flattr.Month) error {
	if _, ok := tx.months[int32(month)]; ok {
		return nil
	}
	if _, err := tx.exec(insertMonth, int32(month)); err != nil {
		return fmt.Errorf("begin month %s: %w", month, err)
	}
	_, err := tx.state(month)
	return err
}

// runningMonth is the first month from now's on that is not frozen. It is
// later than now's own only where a month was frozen before its time.
func (tx *Tx) runningMonth(now time.Time) (flattr.Month, error) {
	for month := flattr.MonthOf(now); ; month = month.Next() {
		st, err := tx.state(month)
		if err != nil || st == flattr.Open {
			return month, err
		}
	}
}

// monthFor is the month in which a click of the time at counts when it arrives
// at now (product rule 5), and whether that is later than its own.
func (tx *Tx) monthFor(at, now time.Time) (month flattr.Month, late bool, err error) {
	month = flattr.MonthOf(at)
	if now.Before(month.FreezeAt()) {
		st, err := tx.state(month)
		if err != nil || st == flattr.Open {
			return month, false, err
		}
	}
	running, err := tx.runningMonth(now)
	return running, running != month, err
}

// Policy names a value that the operator sets.
type Policy string

// The policies that can be set.
const (
	PolicyFeeBP         Policy = "fee_bp"         // basis points of an author's gross
	PolicyPromiseMonths Policy = "promise_months" // how long promises live
	PolicyMaxBudget     Policy = "max_budget"     // micro-EUR a month
)

// byDefault is the value of a policy that was never set.
func (p Policy) byDefault() int64 {
	switch p {
	case PolicyFeeBP:
		return 0
	case PolicyPromiseMonths:
		return 6
	case PolicyMaxBudget:
		return int64(flattr.DefaultMaxBudget)
	}
	panic("store: unknown policy " + string(p))
}

const selectPolicy = `SELECT value FROM policy WHERE name = $1 ORDER BY seq DESC LIMIT 1`

const insertPolicy = `
INSERT INTO policy (name, seq, value, at)
SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3 FROM policy WHERE name = $1`

// policy is the value in force.
func (tx *Tx) policy(name Policy) (int64, error) {
	var value int64
	err := tx.row(selectPolicy, string(name)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return name.byDefault(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("read policy %s: %w", name, err)
	}
	return value, nil
}

const selectPolicyBefore = `SELECT value FROM policy WHERE name = $1 AND at < $2 ORDER BY seq DESC LIMIT 1`

// policyBefore is the value that was in force when an instant came.
func (tx *Tx) policyBefore(name Policy, instant time.Time) (int64, error) {
	var value int64
	err := tx.row(selectPolicyBefore, string(name), micros(instant)).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return name.byDefault(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("read policy %s: %w", name, err)
	}
	return value, nil
}

// SetPolicy sets a value from now on. The caller has checked its range.
func (tx *Tx) SetPolicy(now time.Time, name Policy, value int64) error {
	if _, err := tx.exec(insertPolicy, string(name), value, micros(now)); err != nil {
		return fmt.Errorf("write policy %s: %w", name, err)
	}
	return nil
}
