package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// LinkKind is what a link does.
type LinkKind string

// What links do.
const (
	LinkConfirm LinkKind = "confirm" // confirms an address
	LinkReset   LinkKind = "reset"   // sets a password
)

// How long a link can be used: a confirmation for a day, a new password, with
// which one has the account, for as long as it takes to read a letter.
const (
	ConfirmFor = 24 * time.Hour
	ResetFor   = 30 * time.Minute
)

// Link is what a link does, and for whom.
type Link struct {
	Kind    LinkKind
	Member  flattr.MemberID
	Address string // that it confirms
	Expires time.Time
	Letter  flattr.EventID // that it stands in; zero: none
}

const insertLink = `
INSERT INTO link (token, kind, member, address, at, expires) VALUES ($1, $2, $3, $4, $5, $6)`

// linkKept is how long links are counted after they were made, so that nobody is
// sent more than their share.
const linkKept = 24 * time.Hour

const deleteOldLinks = `DELETE FROM link WHERE expires <= $1 AND at <= $2`

const selectLetter = `SELECT 1 FROM letter WHERE id = $1`

// MakeLink makes a link and answers its token, which is kept nowhere. It refuses
// with not_found where the letter in which it is to stand was withdrawn meanwhile.
func (s *Store) MakeLink(ctx context.Context, now time.Time, link Link) (token string, err error) {
	token = rand.Text()
	hash := sha256.Sum256([]byte(token))
	err = s.write(ctx, func(tx *Tx) error {
		if err := tx.there(link.Member); err != nil {
			return err
		}
		if _, err := tx.exec(deleteOldLinks, micros(now), micros(now.Add(-linkKept))); err != nil {
			return err
		}
		if link.Letter != (flattr.EventID{}) {
			var waits int
			if err := tx.row(selectLetter, link.Letter[:]).Scan(&waits); err != nil {
				return found(err, "letter")
			}
		}
		_, err := tx.exec(insertLink, hash[:], string(link.Kind), int64(link.Member), link.Address, micros(now), micros(link.Expires))
		return err
	})
	if flattr.CodeOf(err) != "" {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("make link: %w", err)
	}
	return token, nil
}

const selectLink = `
SELECT l.member, l.address, l.expires FROM link l JOIN member m ON m.id = l.member AND m.deleted IS NULL
WHERE l.token = $1 AND l.kind = $2 AND l.expires > $3`

// Link is the link with that token, and the member it is for, or refuses with
// not_found a link that is unknown, used or too old.
func (s *Store) Link(ctx context.Context, now time.Time, kind LinkKind, token string) (link Link, m flattr.Member, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		if link, err = tx.link(now, kind, token); err != nil {
			return err
		}
		m, err = tx.member(link.Member)
		return err
	})
	return link, m, err
}

func (tx *Tx) link(now time.Time, kind LinkKind, token string) (Link, error) {
	hash := sha256.Sum256([]byte(token))
	link := Link{Kind: kind}
	var expires int64
	err := tx.row(selectLink, hash[:], string(kind), micros(now)).Scan(&link.Member, &link.Address, &expires)
	link.Expires = timeOf(expires)
	return link, found(err, "link")
}

// Used links stay until they are too old to be counted.
const endLinksOf = `UPDATE link SET expires = 0 WHERE member = $1 AND kind = $2`

// endLinks lets no link of the kind do anything for the member any more, also
// none that is still to be sent.
func (tx *Tx) endLinks(kind LinkKind, member flattr.MemberID) error {
	if _, err := tx.exec(endLinksOf, int64(member), string(kind)); err != nil {
		return fmt.Errorf("end links: %w", err)
	}
	if _, err := tx.exec(deleteLettersOf, int64(member), string(kind)); err != nil {
		return fmt.Errorf("withdraw letters: %w", err)
	}
	return nil
}

// endAllLinks lets no link that was sent, or waits to be, do anything for the
// member any more.
func (tx *Tx) endAllLinks(member flattr.MemberID) error {
	return errors.Join(tx.endLinks(LinkReset, member), tx.endLinks(LinkConfirm, member))
}

// ResetPassword sets the hash with which the member of a link signs in, uses the
// link up, and ends what exit names. It refuses with not_found a link that is
// unknown, used or too old.
func (s *Store) ResetPassword(ctx context.Context, now time.Time, token, hash string, exit Exit) (member flattr.MemberID, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		link, err := tx.link(now, LinkReset, token)
		if err != nil {
			return err
		}
		member = link.Member
		return tx.changePassword(now, member, hash, exit)
	})
	return member, err
}
