package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"flattr/daemon/database"
)

// ErrForeign says that two files give one number to two accounts: the clicks
// of one reader would become those of another.
var ErrForeign = errors.New("the backup is of another companion, whose accounts have other numbers; move the files in the state folder away first")

const readable = `SELECT count(*) FROM device LEFT JOIN account ON account.id = device.account`

// Check reads the whole file at path, which must be one of accounts. The error
// satisfies database.Damaged if something is wrong with it.
func Check(ctx context.Context, path string, thorough bool) error {
	if err := database.Check(ctx, path, thorough); err != nil {
		return err
	}
	db, err := database.Reader(path)
	if err != nil {
		return fmt.Errorf("check accounts: %w", err)
	}
	defer db.Close()
	var devices int
	if err := db.QueryRowContext(ctx, readable).Scan(&devices); err != nil {
		return fmt.Errorf("check accounts: %w", err)
	}
	return nil
}

const (
	listRevoked = `SELECT id FROM revoked`
	keepRevoked = `INSERT OR IGNORE INTO revoked VALUES ($1)`
	dropRevoked = `DELETE FROM device WHERE id IN (SELECT id FROM revoked)`
)

// KeepRevoked revokes the browsers that were revoked by the file at from, which
// may be damaged or of an older version: what it cannot tell is left out.
func (s *Store) KeepRevoked(ctx context.Context, from string) error {
	ids, err := readRevoked(ctx, from)
	if ctx.Err() != nil {
		return fmt.Errorf("keep what was revoked: %w", err)
	}
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, keepRevoked, id); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, dropRevoked)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep what was revoked: %w", err)
	}
	return nil
}

// readRevoked gives what it could read, beside an error.
func readRevoked(ctx context.Context, from string) (ids [][]byte, err error) {
	db, err := database.Reader(from)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, listRevoked)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return ids, err
		}
		if len(id) == len(DeviceID{}) {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

const (
	listNumbered = `SELECT id, uid, ledger, member, name, linked_ms FROM account ORDER BY id`
	sameOrOther  = `SELECT id = $1 AND uid = $2 AND ledger = $3 AND member = $4 FROM account WHERE id = $1 OR (uid = $2 AND ledger = $3 AND member = $4)`
	keepNumbered = `INSERT INTO account (id, uid, ledger, member, name, token, linked_ms) VALUES ($1, $2, $3, $4, $5, '', $6)`
)

// numbered is an account without its token.
type numbered struct {
	Account
	linkedMS int64
}

// KeepNumbers takes over, signed out, the accounts that only the file at from
// has, so that their clicks find their member again. ErrForeign if a number
// stands for one member here and for another there.
func (s *Store) KeepNumbers(ctx context.Context, from string) error {
	all, err := readNumbered(ctx, from)
	if err != nil {
		return fmt.Errorf("keep accounts: %w", err)
	}
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		for _, a := range all {
			if err := keepNumber(ctx, tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep accounts: %w", err)
	}
	return nil
}

func keepNumber(ctx context.Context, tx *sql.Tx, a numbered) error {
	var same bool
	err := tx.QueryRowContext(ctx, sameOrOther, a.ID, a.UID, a.Ledger, a.Member).Scan(&same)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.ExecContext(ctx, keepNumbered, a.ID, a.UID, a.Ledger, a.Member, a.Name, a.linkedMS)
	case err == nil && !same:
		err = ErrForeign
	}
	return err
}

func readNumbered(ctx context.Context, from string) (all []numbered, err error) {
	db, err := database.Reader(from)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, listNumbered)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a numbered
		if err := rows.Scan(&a.ID, &a.UID, &a.Ledger, &a.Member, &a.Name, &a.linkedMS); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}
