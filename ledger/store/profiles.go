package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const selectProfile = `
SELECT firstname, lastname, about, city, country, url, email, COALESCE(public_since, 0) FROM profile WHERE member = $1`

const upsertProfile = `
INSERT INTO profile (member, firstname, lastname, about, city, country, url, email, public_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (member) DO UPDATE SET firstname = excluded.firstname, lastname = excluded.lastname, about = excluded.about,
    city = excluded.city, country = excluded.country, url = excluded.url, email = excluded.email,
    public_since = CASE WHEN excluded.public_since IS NULL THEN NULL ELSE COALESCE(profile.public_since, excluded.public_since) END`

const deleteProfile = `DELETE FROM profile WHERE member = $1`

// Profile is what a member says of themselves: empty and private where they
// have said nothing.
func (s *Store) Profile(ctx context.Context, member flattr.MemberID) (p flattr.Profile, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		p, err = tx.profile(member)
		return err
	})
	return p, err
}

func (tx *Tx) profile(member flattr.MemberID) (flattr.Profile, error) {
	var p flattr.Profile
	var since int64
	err := tx.row(selectProfile, int64(member)).Scan(&p.FirstName, &p.LastName, &p.About, &p.City, &p.Country, &p.URL, &p.Email, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return flattr.Profile{}, nil
	}
	if err != nil {
		return p, fmt.Errorf("read profile: %w", err)
	}
	if since != 0 {
		p.Public, p.PublicSince = true, timeOf(since)
	}
	return p, nil
}

// SetProfile keeps what a member says of themselves. A profile that is made
// public is so from now on; one that was public stays so since then. It refuses
// with invalid_request what is too long or no address, and with not_found who
// is no member.
func (s *Store) SetProfile(ctx context.Context, now time.Time, member flattr.MemberID, p flattr.Profile) error {
	if err := flattr.CheckProfile(p); err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.member(member); err != nil {
			return err
		}
		_, err := tx.exec(upsertProfile, int64(member), cut(p.FirstName, maxText), cut(p.LastName, maxText), p.About, cut(p.City, maxText),
			cut(p.Country, maxText), cut(p.URL, maxText), cut(p.Email, maxText), sql.NullInt64{Int64: micros(now), Valid: p.Public})
		if err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
		return nil
	})
}

// maxText is longer than any line of a profile that is let in.
const maxText = 1000

// eraseProfile forgets what a member who is deleted said of themselves.
func (tx *Tx) eraseProfile(_ time.Time, member flattr.MemberID) error {
	if _, err := tx.exec(deleteProfile, int64(member)); err != nil {
		return fmt.Errorf("erase profile: %w", err)
	}
	return nil
}
