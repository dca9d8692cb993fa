package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// Bounds of the letters that ask whether an address is somebody's: they go to
// people who may not have asked for them.
const (
	maxConfirmsOfMember  = 5 // a day
	maxConfirmsToAddress = 3 // a day, whoever asks
)

// MailAddress is where letters to a member go.
type MailAddress struct {
	Address string // confirmed; "" where there is none
	Waiting string // to be confirmed by a link that was sent; "" none
	Summary bool   // the summary of each month is wanted
	// Refused is when the mail server last took no letter for it for good; zero:
	// never.
	Refused time.Time
}

const selectMailAddress = `SELECT address, summary, refused FROM mail_address WHERE member = $1`

// A letter that is not sent yet waits as well as a link that is not used.
const selectWaitingAddress = `
SELECT address FROM (
    SELECT address, at FROM link WHERE member = $1 AND kind = 'confirm' AND expires > $2
    UNION ALL SELECT address, made AS at FROM letter WHERE member = $1 AND kind = 'confirm' AND until > $2
) w ORDER BY at DESC LIMIT 1`

// MailAddress is where letters to a member go: nowhere where they have named no
// address.
func (s *Store) MailAddress(ctx context.Context, now time.Time, member flattr.MemberID) (a MailAddress, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		if a, err = tx.mailAddress(member); err != nil {
			return err
		}
		err := tx.row(selectWaitingAddress, int64(member), micros(now)).Scan(&a.Waiting)
		return ignoreNone(err)
	})
	if err != nil {
		return a, fmt.Errorf("read mail address: %w", err)
	}
	return a, nil
}

func (tx *Tx) mailAddress(member flattr.MemberID) (a MailAddress, err error) {
	var refused int64
	err = tx.row(selectMailAddress, int64(member)).Scan(&a.Address, &a.Summary, &refused)
	if refused != 0 {
		a.Refused = timeOf(refused)
	}
	return a, ignoreNone(err)
}

const countConfirmsOfMember = `
SELECT (SELECT COUNT(*) FROM link WHERE kind = 'confirm' AND member = $1 AND at > $2)
     + (SELECT COUNT(*) FROM letter WHERE kind = 'confirm' AND member = $1 AND made > $2)`

const countConfirmsToAddress = `
SELECT (SELECT COUNT(*) FROM link WHERE kind = 'confirm' AND lower(address) = $1 AND at > $2)
     + (SELECT COUNT(*) FROM letter WHERE kind = 'confirm' AND lower(address) = $1 AND made > $2)`

// AskAddress has a letter sent to an address with a link by which it becomes the
// member's. It refuses with invalid_request what is no address, and with
// letters_full where too many were asked for today.
func (s *Store) AskAddress(ctx context.Context, now time.Time, member flattr.MemberID, address string) error {
	if err := flattr.CheckMailAddress(address); err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(member); err != nil {
			return err
		}
		day := micros(now.Add(-24 * time.Hour))
		var own, all int
		if err := tx.row(countConfirmsOfMember, int64(member), day).Scan(&own); err != nil {
			return fmt.Errorf("count letters: %w", err)
		}
		if err := tx.row(countConfirmsToAddress, strings.ToLower(address), day).Scan(&all); err != nil {
			return fmt.Errorf("count letters: %w", err)
		}
		if own >= maxConfirmsOfMember || all >= maxConfirmsToAddress {
			return flattr.Refuse(flattr.LettersFull, "Too many letters were asked for today. Try again tomorrow.")
		}
		return tx.addLetter(now, Letter{Kind: LetterConfirm, Member: member, Address: address})
	})
}

const upsertMailAddress = `
INSERT INTO mail_address (member, address, key, confirmed, summary, refused) VALUES ($1, $2, $3, $4, 1, 0)
ON CONFLICT (member) DO UPDATE SET address = excluded.address, key = excluded.key, confirmed = excluded.confirmed, refused = 0`

// ConfirmAddress makes the address of a link the member's, and tells the one
// before it. It refuses with not_found a link that is unknown, used or too old.
func (s *Store) ConfirmAddress(ctx context.Context, now time.Time, token string) (link Link, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		if link, err = tx.link(now, LinkConfirm, token); err != nil {
			return err
		}
		if err := tx.addressLeaves(now, link.Member, link.Address); err != nil {
			return err
		}
		if _, err := tx.exec(upsertMailAddress, int64(link.Member), link.Address, strings.ToLower(link.Address), micros(now)); err != nil {
			return fmt.Errorf("write mail address: %w", err)
		}
		return tx.endLinks(LinkConfirm, link.Member)
	})
	return link, err
}

// addressLeaves tells the address that a member has so far that another one, or
// none, takes its place. Links that were sent to it are worth nothing any more.
func (tx *Tx) addressLeaves(now time.Time, member flattr.MemberID, next string) error {
	a, err := tx.mailAddress(member)
	if err != nil || a.Address == "" || a.Address == next {
		return err
	}
	if err := tx.endLinks(LinkReset, member); err != nil {
		return err
	}
	return tx.notify(now, member, LetterAddress, "")
}

const deleteMailAddress = `DELETE FROM mail_address WHERE member = $1`

// RemoveAddress ends letters to a member, after one that says so.
func (s *Store) RemoveAddress(ctx context.Context, now time.Time, member flattr.MemberID) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.addressLeaves(now, member, ""); err != nil {
			return err
		}
		if _, err := tx.exec(deleteMailAddress, int64(member)); err != nil {
			return fmt.Errorf("forget mail address: %w", err)
		}
		return tx.endLinks(LinkConfirm, member)
	})
}

const updateSummary = `UPDATE mail_address SET summary = $1 WHERE member = $2`

// WantSummary says whether a member wants the summary of each month by letter.
// It is no error where there is no such member.
func (s *Store) WantSummary(ctx context.Context, member flattr.MemberID, want bool) error {
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(updateSummary, number(want), int64(member)); err != nil {
			return fmt.Errorf("note wish for the summary: %w", err)
		}
		if !want {
			if _, err := tx.exec(deleteLettersOf, int64(member), string(LetterSummary)); err != nil {
				return fmt.Errorf("withdraw letters: %w", err)
			}
		}
		return nil
	})
}

const selectMembersByAddress = `
SELECT a.member FROM mail_address a JOIN member m ON m.id = a.member AND m.deleted IS NULL WHERE a.key = $1 ORDER BY a.member LIMIT $2`

// membersFor are those whose name or confirmed address was typed, of whom an
// address is known.
func (tx *Tx) membersFor(typed string) (members []flattr.MemberID, err error) {
	if !strings.Contains(typed, "@") {
		m, err := tx.memberByName(typed)
		if flattr.CodeOf(err) == flattr.NotFound {
			return nil, nil
		}
		return []flattr.MemberID{m.ID}, err
	}
	err = tx.each(selectMembersByAddress, func(rows *sql.Rows) error {
		var id flattr.MemberID
		err := rows.Scan(&id)
		members = append(members, id)
		return err
	}, strings.ToLower(typed), maxMembersOfAddress)
	return members, err
}

// maxMembersOfAddress is how many members with one address are sent a link each.
const maxMembersOfAddress = 5

// eraseAccess forgets how a member who is deleted got in, and where letters went;
// the last of them says so.
func (tx *Tx) eraseAccess(now time.Time, member flattr.MemberID) error {
	m, err := tx.member(member)
	if err != nil {
		return err
	}
	a, err := tx.mailAddress(member)
	if err != nil {
		return err
	}
	if err := tx.endAccess(now, member, Exit{Passkeys: true}); err != nil {
		return err
	}
	for _, statement := range []string{
		deleteMailAddress, `DELETE FROM link WHERE member = $1`, `DELETE FROM letter WHERE member = $1`,
	} {
		if _, err := tx.exec(statement, int64(member)); err != nil {
			return fmt.Errorf("forget mail address: %w", err)
		}
	}
	if a.Address == "" {
		return nil
	}
	return tx.addLetter(now, Letter{Kind: LetterDeleted, Member: member, Address: a.Address, Detail: m.Language + " " + m.Name})
}
