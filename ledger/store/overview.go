package store

import (
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What an operator is told of months.

// Overview is what a month amounts to, as far as it has come: of an open month
// what counts now and what is held for it, of a frozen one what its snapshot says.
type Overview struct {
	Month    flattr.Month
	State    flattr.State
	Readers  int // with clicks that count
	Clicks   int // that count, promises too
	Promises int // clicks on things without owner
	Budget   money.Micro
	Settled  bool // is frozen: the policy is that of the settlement, else that of today
	Policy   SettlementPolicy
	FrozenAt time.Time

	NextBucket int // compute has done the buckets before this one

	// Known once the month is Divided, else 0:
	Authors  int
	Fee, Net money.Micro
}

// Divided reports whether the month is computed, so that it is known what its
// authors get.
func (o Overview) Divided() bool { return o.State != flattr.Open && o.State != flattr.Frozen }

// SettlementPolicy is the values of policies that a settlement goes by.
type SettlementPolicy struct {
	FeeBP         int // basis points of an author's gross
	PromiseMonths int // how long promises live
	MaxBudget     money.Micro
	Grace         time.Duration // after the month's end
}

const selectOverview = `
SELECT state, COALESCE(frozen_at, 0), next_bucket,
       COALESCE(fee_bp, 0), COALESCE(promise_months, 0), COALESCE(max_budget, $1), COALESCE(grace_hours, $2)
FROM month WHERE month = $3`

const selectOpenTotals = `
SELECT COUNT(*), CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM (
    SELECT COUNT(*) AS n FROM counted WHERE month = $1 GROUP BY bucket, reader
) r`

const countOpenPromises = `
SELECT COUNT(*) FROM counted c JOIN thing t ON t.id = c.thing LEFT JOIN thing o ON o.id = t.alias_of
WHERE c.month = $1 AND CASE WHEN t.alias_of IS NULL THEN t.owner ELSE o.owner END IS NULL`

const sumHeld = `
SELECT CAST(COALESCE(SUM(credits - debits), 0) AS BIGINT) FROM account WHERE kind = 'held' AND month = $1`

const countFrozenPromises = `
SELECT COUNT(*) FROM snapshot_thing s JOIN counted c ON c.month = s.month AND c.thing = s.thing
WHERE s.month = $1 AND s.owner IS NULL`

const sumBudgets = `SELECT CAST(COALESCE(SUM(budget), 0) AS BIGINT) FROM snapshot_budget WHERE month = $1`

const sumAuthorSums = `
SELECT COUNT(*), CAST(COALESCE(SUM(fee), 0) AS BIGINT), CAST(COALESCE(SUM(net), 0) AS BIGINT)
FROM author_sum WHERE month = $1`

// Overview is what a month amounts to; nothing where nothing has touched it.
func (tx *Tx) Overview(month flattr.Month) (Overview, error) {
	o := Overview{Month: month, State: flattr.Open}
	var at, hours int64
	err := ignoreNone(tx.row(selectOverview, int64(flattr.DefaultMaxBudget), int64(flattr.Grace/time.Hour), int32(month)).Scan(
		&o.State, &at, &o.NextBucket, &o.Policy.FeeBP, &o.Policy.PromiseMonths, &o.Policy.MaxBudget, &hours))
	if err != nil {
		return o, fmt.Errorf("read month %s: %w", month, err)
	}
	o.Settled = o.State != flattr.Open
	o.FrozenAt, o.Policy.Grace = timeOf(at), time.Duration(hours)*time.Hour
	type part struct {
		query string
		to    []any
	}
	parts := []part{{selectOpenTotals, []any{&o.Readers, &o.Clicks}}}
	if o.Settled {
		parts = append(parts, part{countFrozenPromises, []any{&o.Promises}}, part{sumBudgets, []any{&o.Budget}},
			part{sumAuthorSums, []any{&o.Authors, &o.Fee, &o.Net}})
	} else {
		parts = append(parts, part{countOpenPromises, []any{&o.Promises}}, part{sumHeld, []any{&o.Budget}})
		if o.Policy, err = tx.settlementPolicy(); err != nil {
			return o, err
		}
	}
	for _, p := range parts {
		if err := tx.row(p.query, int32(month)).Scan(p.to...); err != nil {
			return o, fmt.Errorf("sum month %s: %w", month, err)
		}
	}
	return o, nil
}

// settlementPolicy is what a freeze would write down now.
func (tx *Tx) settlementPolicy() (p SettlementPolicy, err error) {
	p.Grace = flattr.Grace
	for _, value := range []struct {
		name Policy
		set  func(int64)
	}{
		{PolicyFeeBP, func(v int64) { p.FeeBP = int(v) }},
		{PolicyPromiseMonths, func(v int64) { p.PromiseMonths = int(v) }},
		{PolicyMaxBudget, func(v int64) { p.MaxBudget = money.Micro(v) }},
	} {
		v, err := tx.policy(value.name)
		if err != nil {
			return p, err
		}
		value.set(v)
	}
	return p, nil
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

const selectLargest = `
SELECT a.author, m.name, a.clicks, a.gross, a.fee, a.net
FROM author_sum a JOIN member m ON m.id = a.author WHERE a.month = $1 ORDER BY a.net DESC, m.name LIMIT $2`

// LargestAuthors are the authors who earn most in a computed month.
func (tx *Tx) LargestAuthors(month flattr.Month, most int) ([]AuthorSum, error) {
	return tx.authorSums(month, selectLargest, int32(month), most)
}
