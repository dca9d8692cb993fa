package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// maxSignIns bounds the browsers in which one member is signed in; beyond it the
// oldest goes.
const maxSignIns = 50

// seenEvery is how exactly it is known when a browser was last seen: a page view
// is not worth a write.
const seenEvery = 10 * time.Minute

// signInIdle is how long a browser that shows no page stays signed in: a month is
// looked at now and then, and a browser that was given away is not.
const signInIdle = 14 * 24 * time.Hour

// SignIn is a browser in which a member is signed in.
type SignIn struct {
	ID      string
	Agent   string // browser and system, in words; "" where they are not known
	Passkey bool   // entered by a passkey, else by the password
	Since   time.Time
	Seen    time.Time // lags behind by up to ten minutes
}

const insertSignIn = `
INSERT INTO signin (id, member, agent, passkey, since, seen, expires) VALUES ($1, $2, $3, $4, $5, $5, $6)`

const deleteEndedSignIns = `DELETE FROM signin WHERE expires <= $1`

const trimSignIns = `
DELETE FROM signin WHERE member = $1 AND id NOT IN (SELECT id FROM signin WHERE member = $1 ORDER BY since DESC, id LIMIT $2)`

// AddSignIn notes that a member has signed in, until expires, and answers the id
// by which the session names it.
func (s *Store) AddSignIn(ctx context.Context, now time.Time, member flattr.MemberID, in SignIn, expires time.Time) (string, error) {
	id := rand.Text()
	err := s.write(ctx, func(tx *Tx) error {
		if err := tx.there(member); err != nil {
			return err
		}
		if _, err := tx.exec(deleteEndedSignIns, micros(now)); err != nil {
			return err
		}
		if _, err := tx.exec(insertSignIn, id, int64(member), in.Agent, number(in.Passkey), micros(now), micros(expires)); err != nil {
			return err
		}
		_, err := tx.exec(trimSignIns, int64(member), maxSignIns)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("note sign-in: %w", err)
	}
	return id, nil
}

const selectSignIn = `
SELECT m.password_hash, s.seen FROM signin s JOIN member m ON m.bucket = $1 AND m.id = s.member
WHERE s.id = $2 AND s.member = $3 AND s.expires > $4 AND s.seen > $5`

const updateSeen = `UPDATE signin SET seen = $1 WHERE id = $2 AND seen < $3`

// SessionMember is the member with that id who signed in under signIn, and the
// hash of the password in force, or refuses with not_found. A session that was
// opened with another password than that has ended.
func (s *Store) SessionMember(ctx context.Context, now time.Time, id flattr.MemberID, signIn string) (m flattr.Member, hash string, err error) {
	var seen int64
	err = s.read(ctx, func(tx *Tx) error {
		if m, err = tx.member(id); err != nil {
			return err
		}
		return found(tx.row(selectSignIn, id.Bucket(), signIn, int64(id), micros(now), micros(now.Add(-signInIdle))).Scan(&hash, &seen), "sign-in")
	})
	if due := micros(now.Add(-seenEvery)); err == nil && seen < due {
		err = s.write(ctx, func(tx *Tx) error {
			_, err := tx.exec(updateSeen, micros(now), signIn, due)
			return err
		})
		if Busy(err) {
			err = nil // a page is shown all the same; the next one notes it
		}
	}
	return m, hash, err
}

const selectSignIns = `
SELECT id, agent, passkey, since, seen FROM signin WHERE member = $1 AND expires > $2 AND seen > $3 ORDER BY seen DESC, since DESC, id`

// SignIns are the browsers in which a member is signed in, the last seen first.
func (s *Store) SignIns(ctx context.Context, now time.Time, member flattr.MemberID) (list []SignIn, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		list = nil
		return tx.each(selectSignIns, func(rows *sql.Rows) error {
			var in SignIn
			var since, seen int64
			err := rows.Scan(&in.ID, &in.Agent, &in.Passkey, &since, &seen)
			in.Since, in.Seen = timeOf(since), timeOf(seen)
			list = append(list, in)
			return err
		}, int64(member), micros(now), micros(now.Add(-signInIdle)))
	})
	if err != nil {
		return nil, fmt.Errorf("list sign-ins: %w", err)
	}
	return list, nil
}

const deleteSignIn = `DELETE FROM signin WHERE id = $1 AND member = $2`

// EndSignIn signs a member out of one browser; not_found where that is not
// signed in.
func (s *Store) EndSignIn(ctx context.Context, member flattr.MemberID, id string) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(deleteSignIn, id, int64(member))
		if err != nil {
			return fmt.Errorf("end sign-in: %w", err)
		}
		if n == 0 {
			return flattr.Refuse(flattr.NotFound, "This browser is not signed in any more.")
		}
		return nil
	})
}

const deleteOtherSignIns = `DELETE FROM signin WHERE member = $1 AND id <> $2`

// Exit is how far access to an account is to end.
type Exit struct {
	Keep     string // id of the sign-in that stays; "" none
	Programs bool   // also of linked companions and of applications
	Passkeys bool   // also by passkeys
}

// EndAccess signs a member out everywhere, and ends the links that were sent.
func (s *Store) EndAccess(ctx context.Context, now time.Time, member flattr.MemberID, exit Exit) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.endAccess(now, member, exit); err != nil {
			return err
		}
		return tx.endAllLinks(member)
	})
}

const revokeAllTokens = `UPDATE oauth_token SET revoked = $1 WHERE member = $2 AND revoked IS NULL`

const endAllCodes = `UPDATE oauth_code SET ended = $1 WHERE member = $2 AND ended IS NULL`

const deletePasskeysOf = `DELETE FROM passkey WHERE member = $1`

func (tx *Tx) endAccess(now time.Time, member flattr.MemberID, exit Exit) error {
	if _, err := tx.exec(deleteOtherSignIns, int64(member), exit.Keep); err != nil {
		return fmt.Errorf("end sign-ins: %w", err)
	}
	if exit.Programs {
		for _, statement := range []string{revokeAllTokens, endAllCodes} {
			if _, err := tx.exec(statement, micros(now), int64(member)); err != nil {
				return fmt.Errorf("revoke tokens: %w", err)
			}
		}
	}
	if exit.Passkeys {
		if _, err := tx.exec(deletePasskeysOf, int64(member)); err != nil {
			return fmt.Errorf("remove passkeys: %w", err)
		}
	}
	return nil
}

const updateHash = `UPDATE member SET password_hash = $1 WHERE bucket = $2 AND id = $3 AND password_hash = $4 AND deleted IS NULL`

// RenewHash keeps the same password under another hash. It does nothing where the
// password has been changed meanwhile.
func (s *Store) RenewHash(ctx context.Context, member flattr.MemberID, old, hash string) (done bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(updateHash, hash, member.Bucket(), int64(member), old)
		done = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("renew hash of a password: %w", err)
	}
	return done, nil
}

const updatePasswordOf = `UPDATE member SET password_hash = $1 WHERE bucket = $2 AND id = $3 AND deleted IS NULL`

// ChangePassword sets the hash with which a member signs in, ends what exit
// names, and the links that were sent: by one for a password another could be set,
// and whoever knew the old one may have asked for one that confirms an address of
// theirs. It tells the member by letter, and refuses with not_found who is no
// member.
func (s *Store) ChangePassword(ctx context.Context, now time.Time, member flattr.MemberID, hash string, exit Exit) error {
	return s.write(ctx, func(tx *Tx) error { return tx.changePassword(now, member, hash, exit) })
}

func (tx *Tx) changePassword(now time.Time, member flattr.MemberID, hash string, exit Exit) error {
	n, err := tx.exec(updatePasswordOf, hash, member.Bucket(), int64(member))
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	if n == 0 {
		return flattr.Refuse(flattr.NotFound, "There is no such member.")
	}
	if err := tx.endAccess(now, member, exit); err != nil {
		return err
	}
	if err := tx.endAllLinks(member); err != nil {
		return err
	}
	return tx.notify(now, member, LetterPassword, "")
}
