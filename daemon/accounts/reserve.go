package accounts

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	beginSequence = `INSERT INTO sqlite_sequence (name, seq) SELECT 'account', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'account')`
	raiseSequence = `UPDATE sqlite_sequence SET seq = max(seq, $1) WHERE name = 'account'`
)

// Reserve keeps new accounts from getting a number up to the highest given:
// after accounts were restored there may be clicks of one that is not here any
// more, and they must not become another member's.
func (s *Store) Reserve(ctx context.Context, highest int64) error {
	err := s.db.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, beginSequence); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, raiseSequence, highest)
		return err
	})
	if err != nil {
		return fmt.Errorf("reserve account numbers: %w", err)
	}
	return nil
}
