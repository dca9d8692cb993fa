package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// What is wrong with a database, where that can be said. Each names the next
// step; nothing is ever repaired without being asked.
var (
	// ErrDamaged is what everything answers when the engine found the database damaged.
	ErrDamaged = errors.New("the database is damaged; nothing was repaired: keep it as it is and go on with the last backup")
	// ErrAway is what everything answers while the PostgreSQL server cannot be reached.
	ErrAway = errors.New("the database cannot be reached; what was finished before is kept, and the same can be done again when it is back")
)

// Busy reports whether err means that the database could not be reached just
// now: locked by others for too long, away, closing, or not within the deadline
// of the request. The same request can be sent again later.
func Busy(err error) bool {
	var lite sqlite3.Error
	if errors.As(err, &lite) && (lite.Code == sqlite3.ErrBusy || lite.Code == sqlite3.ErrLocked) {
		return true
	}
	if errors.Is(err, ErrAway) || lostAgainstAnother(err) || sqlState(err) == lockNotAvailable {
		return true
	}
	// database/sql has no exported error for a closed pool.
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrConnDone) ||
		err != nil && strings.Contains(err.Error(), "sql: database is closed")
}

// Full reports whether err means that the database found no room on its disk.
// Nothing of the transaction was kept.
func Full(err error) bool {
	var lite sqlite3.Error
	return errors.As(err, &lite) && lite.Code == sqlite3.ErrFull || sqlState(err) == diskFull
}

const selectOne = `SELECT 1`

// checkTimeout is how long a database may take that is well.
const checkTimeout = 5 * time.Second

// Check reports whether the database answers.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return s.read(ctx, func(tx *Tx) error {
		var one int
		return tx.row(selectOne).Scan(&one)
	})
}

// Integrity reads every page of the database where the engine can prove them,
// which SQLite can, and answers ErrDamaged with the first that is not what it
// must be. A server looks after its pages itself.
func (tx *Tx) Integrity() error {
	if tx.proof == "" {
		return nil
	}
	var said string
	if err := tx.row(tx.proof).Scan(&said); err != nil {
		return fmt.Errorf("read all pages: %w", err)
	}
	if said != "ok" {
		return fmt.Errorf("%w: %s: %.200s", ErrDamaged, tx.name, said)
	}
	return nil
}
