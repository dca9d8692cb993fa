package store

import (
	"context"
	"fmt"

	"flattr/ledger/flattr"
)

const updatePassword = `UPDATE member SET password_hash = $1 WHERE name_key = $2`

// SetPassword replaces the hash with which the member of that name signs in,
// or refuses with not_found. Members that were loaded have none before.
func (s *Store) SetPassword(ctx context.Context, name, hash string) error {
	return s.write(ctx, func(tx *Tx) error {
		changed, err := tx.exec(updatePassword, hash, flattr.NameKey(name))
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if changed == 0 {
			return unknownMember(name)
		}
		return nil
	})
}
