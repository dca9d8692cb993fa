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
	read := func(tx *Tx) error {
		err := tx.row(selectSecret, name).Scan(&value)
		if err == nil && len(value) != bytes {
			return fmt.Errorf("it has %d bytes, not %d", len(value), bytes)
		}
		return err
	}
	// It is there but for the first time, and whoever only reads waits for no writer.
	if err = s.read(ctx, read); errors.Is(err, sql.ErrNoRows) {
		err = s.write(ctx, func(tx *Tx) error {
			if err := read(tx); !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			value = make([]byte, bytes)
			rand.Read(value) // never fails
			_, err := tx.exec(insertSecret, name, value)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read secret %s: %w", name, err)
	}
	return value, nil
}
