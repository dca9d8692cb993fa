package accounts

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	readSequence  = `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'account'`
	beginSequence = `INSERT INTO sqlite_sequence (name, seq) SELECT 'account', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'account')`
	raiseSequence = `UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = 'account'`
)

// Reserve keeps new accounts from getting a number up to the highest given:
// after accounts were restored there may be clicks of one that is not here any
// more, and they must not become another member's.
func (s *Store) Reserve(ctx context.Context, highest int64) error {
	var present int64
	err := s.db.Read.QueryRowContext(ctx, readSequence).Scan(&present)
	if err == nil && present >= highest {
		return nil
	}
	if err == nil {
		err = s.raise(ctx, highest)
	}
	if err != nil {
		return fmt.Errorf("reserve account numbers: %w", err)
	}
	return nil
}

func (s *Store) raise(ctx context.Context, highest int64) error {
	return s.db.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, beginSequence); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, raiseSequence, highest)
		return err
	})
}
