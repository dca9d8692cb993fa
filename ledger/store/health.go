package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// Busy reports whether err means that the database could not be reached just
// now: locked by others for too long, closing, or not within the deadline of
// the request. The same request can be sent again later.
func Busy(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) && (lite.Code == sqlite3.ErrBusy || lite.Code == sqlite3.ErrLocked) {
		return true
	}
	// database/sql has no exported error for a closed pool.
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrConnDone) ||
		err != nil && strings.Contains(err.Error(), "sql: database is closed")
}

const selectOne = `SELECT 1`

// Check reports whether the database answers.
func (s *Store) Check(ctx context.Context) error {
	return s.read(ctx, func(tx *Tx) error {
		var one int
		return tx.row(selectOne).Scan(&one)
	})
}
