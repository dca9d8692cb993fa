package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// Bounds of passkeys.
const (
	maxPasskeys    = 20 // of one member
	MaxPasskeyName = 60 // characters
)

// Passkey is a key pair of which a member's device keeps the secret half.
type Passkey struct {
	ID        []byte // as the device named it
	Member    flattr.MemberID
	Name      string // by which the member knows it
	PublicKey []byte // COSE
	Counter   uint32 // of its signatures; 0: the device keeps none
	Backup    bool   // may be copied to other devices of the member
	Since     time.Time
	Used      time.Time // zero: never yet
}

const countPasskeys = `SELECT COUNT(*) FROM passkey WHERE member = $1`

const insertPasskey = `
INSERT INTO passkey (id, member, name, public_key, counter, backup, since, used)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING`

// AddPasskey lets a member in by a passkey from now on, and tells them by
// letter. It refuses with invalid_request a name that is none, with
// passkeys_full where the member has too many, and with passkey_known where it is
// somebody's already.
func (s *Store) AddPasskey(ctx context.Context, now time.Time, key Passkey) error {
	if n := utf8.RuneCountInString(key.Name); n == 0 || n > MaxPasskeyName {
		return flattr.Refuse(flattr.Invalid, "A passkey's name has 1 to 60 characters. Choose one by which you know the device.")
	}
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.member(key.Member); err != nil {
			return err
		}
		var have int
		if err := tx.row(countPasskeys, int64(key.Member)).Scan(&have); err != nil {
			return fmt.Errorf("count passkeys: %w", err)
		}
		if have >= maxPasskeys {
			return flattr.Refuse(flattr.PasskeysFull, "You have as many passkeys as may be. Remove one first.")
		}
		n, err := tx.exec(insertPasskey, key.ID, int64(key.Member), key.Name, key.PublicKey, int64(key.Counter), number(key.Backup), micros(now))
		if err != nil {
			return fmt.Errorf("add passkey: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.PasskeyKnown, "This passkey is in use already. Use another one.")
		}
		return tx.notify(now, key.Member, LetterPasskey, key.Name)
	})
}

const passkeyColumns = `SELECT p.id, p.member, p.name, p.public_key, p.counter, p.backup, p.since, p.used FROM passkey p `

const selectPasskeys = passkeyColumns + `WHERE p.member = $1 ORDER BY p.since, p.id`

// Passkeys are those of a member, the first added first.
func (s *Store) Passkeys(ctx context.Context, member flattr.MemberID) (keys []Passkey, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		keys = nil
		return tx.each(selectPasskeys, func(rows *sql.Rows) error {
			key, err := scanPasskey(rows)
			keys = append(keys, key)
			return err
		}, int64(member))
	})
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return keys, nil
}

const selectPasskey = passkeyColumns + `JOIN member m ON m.id = p.member AND m.deleted IS NULL WHERE p.id = $1`

// Passkey is the passkey with that id, or refuses with not_found.
func (s *Store) Passkey(ctx context.Context, id []byte) (key Passkey, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		key, err = scanPasskey(tx.row(selectPasskey, id))
		return found(err, "passkey")
	})
	return key, err
}

func scanPasskey(r interface{ Scan(...any) error }) (key Passkey, err error) {
	var since, used int64
	err = r.Scan(&key.ID, &key.Member, &key.Name, &key.PublicKey, &key.Counter, &key.Backup, &since, &used)
	key.Since = timeOf(since)
	if used != 0 {
		key.Used = timeOf(used)
	}
	return key, err
}

const insertSpent = `INSERT INTO passkey_spent (challenge, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING`

const deleteOldSpent = `DELETE FROM passkey_spent WHERE expires <= $1`

// SpendChallenge uses up a question to a passkey that holds until expires. It
// refuses with not_found one that was answered before.
func (s *Store) SpendChallenge(ctx context.Context, now time.Time, challenge string, expires time.Time) error {
	hash := sha256.Sum256([]byte(challenge))
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(deleteOldSpent, micros(now)); err != nil {
			return fmt.Errorf("forget old challenges: %w", err)
		}
		n, err := tx.exec(insertSpent, hash[:], micros(expires))
		if err != nil {
			return fmt.Errorf("spend challenge: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This was answered before. Try again.")
		}
		return nil
	})
}

// A device that counts its signatures never repeats a number: a copy of it would.
const usePasskey = `
UPDATE passkey SET counter = $1, used = $2 WHERE id = $3 AND (counter < $1 OR (counter = 0 AND $1 = 0))`

// UsePasskey notes that somebody got in by a passkey, with the count of its
// signatures so far. It refuses with not_found a count that was there before, and
// a passkey that is gone.
func (s *Store) UsePasskey(ctx context.Context, now time.Time, id []byte, counter uint32) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(usePasskey, int64(counter), micros(now), id)
		if err != nil {
			return fmt.Errorf("use passkey: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This passkey is not known, or there is a copy of it.")
		}
		return nil
	})
}

const selectPasskeyName = `SELECT name FROM passkey WHERE id = $1 AND member = $2`

const deletePasskey = `DELETE FROM passkey WHERE id = $1 AND member = $2`

// RemovePasskey lets a member in by a passkey no more, and tells them by letter;
// not_found where it is none of theirs.
func (s *Store) RemovePasskey(ctx context.Context, now time.Time, member flattr.MemberID, id []byte) error {
	return s.write(ctx, func(tx *Tx) error {
		var name string
		if err := tx.row(selectPasskeyName, id, int64(member)).Scan(&name); err != nil {
			return found(err, "passkey")
		}
		if _, err := tx.exec(deletePasskey, id, int64(member)); err != nil {
			return fmt.Errorf("remove passkey: %w", err)
		}
		return tx.notify(now, member, LetterPasskeyGone, name)
	})
}
