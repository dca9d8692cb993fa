package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

const selectSecret = `SELECT value FROM secret WHERE name = $1`

const insertSecret = `INSERT INTO secret (name, value) VALUES ($1, $2)`

// Secret is a random value of that many bytes, made the first time it is asked
// for and the same ever after.
func (s *Store) Secret(ctx context.Context, name string, bytes int) (value []byte, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		err := tx.row(selectSecret, name).Scan(&value)
		if err == nil && len(value) != bytes {
			return fmt.Errorf("it has %d bytes, not %d", len(value), bytes)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		value = make([]byte, bytes)
		rand.Read(value) // never fails
		_, err = tx.exec(insertSecret, name, value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	}
	return value, nil
}
