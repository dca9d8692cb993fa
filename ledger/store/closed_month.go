package store

import (
	"context"
	"fmt"

	"flattr/ledger/flattr"
)

// What everybody may see of the whole.

const selectLastClosed = `SELECT COALESCE(MAX(month), 0) FROM month WHERE state = 'closed'`

const sumClosedReaders = `
SELECT COUNT(*), CAST(COALESCE(SUM(budget), 0) AS BIGINT) FROM snapshot_budget WHERE month = $1 AND budget > 0`

const sumClosedClicks = `SELECT CAST(COALESCE(SUM(clicks), 0) AS BIGINT) FROM thing_sum WHERE month = $1`

// LastClosed is the newest closed month, 0 where there is none.
func (s *Store) LastClosed(ctx context.Context) (month flattr.Month, err error) {
	err = s.read(ctx, func(tx *Tx) error { return tx.row(selectLastClosed).Scan(&month) })
	if err != nil {
		return 0, fmt.Errorf("find closed month: %w", err)
	}
	return month, nil
}

// ClosedMonth sums a closed month, which never changes again; its sums take time
// in proportion to it.
func (s *Store) ClosedMonth(ctx context.Context, month flattr.Month) (sums flattr.ClosedMonth, err error) {
	sums.Month = month
	err = s.read(ctx, func(tx *Tx) error {
		for _, part := range []struct {
			query string
			to    []any
		}{
			{sumClosedReaders, []any{&sums.Readers, &sums.Given}},
			{sumClosedClicks, []any{&sums.Clicks}},
			{sumAuthorSums, []any{&sums.Authors, &sums.Fee, &sums.Net}},
		} {
			if err := tx.row(part.query, int32(month)).Scan(part.to...); err != nil {
				return fmt.Errorf("sum %s: %w", month, err)
			}
		}
		return nil
	})
	return sums, err
}

// SettlementPolicy is what a month would be settled by today.
func (s *Store) SettlementPolicy(ctx context.Context) (policy SettlementPolicy, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		policy, err = tx.settlementPolicy()
		return err
	})
	if err != nil {
		return policy, fmt.Errorf("read policies: %w", err)
	}
	return policy, nil
}
