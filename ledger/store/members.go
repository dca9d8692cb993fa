package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// idAttempts is how often a random id that is taken is drawn again; twice in a
// row is already beyond belief.
const idAttempts = 8

// randomID draws from 1 to flattr.MaxID.
func randomID() int64 { return drawn(flattr.MaxID) }

func drawn(largest uint64) int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])%largest) + 1
}

// thingID is an id for a thing at the n-th attempt. That of a thing that is
// listed is no secret, and is drawn from what programs can read that keep
// numbers in 32 bits, as long as there is room; of others nobody can guess it.
func thingID(listed bool, attempt int) flattr.ThingID {
	if listed && attempt < idAttempts/2 {
		return flattr.ThingID(drawn(math.MaxInt32))
	}
	return flattr.ThingID(randomID())
}

const insertMember = `
INSERT INTO member (bucket, id, name, name_key, password_hash, language, since)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

const selectMember = `SELECT id, name, language, zone, since FROM member WHERE bucket = $1 AND id = $2`

const selectLiveMember = selectMember + ` AND deleted IS NULL`

const selectMemberByName = `SELECT id, name, language, zone, since FROM member WHERE name_key = $1 AND deleted IS NULL`

const selectPassword = `SELECT id, password_hash FROM member WHERE name_key = $1 AND deleted IS NULL`

const selectRetired = `SELECT 1 FROM retired_name WHERE hash = $1`

// SignUp is what a new member brings.
type SignUp struct {
	Name         string
	PasswordHash string
	InviteCode   string
	Language     string      // "en" or "de"
	Budget       money.Micro // what they give per month; 0: the default
}

// SignUp lets a member in: uses up the invite, books its welcome means, sets
// the budget and makes the member's own invites. It refuses with invite_unknown,
// invite_used, name_invalid, name_taken or budget_range, and then makes nothing.
func (s *Store) SignUp(ctx context.Context, now time.Time, in SignUp) (m flattr.Member, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		inv, err := tx.unusedInvite(in.InviteCode)
		if err != nil {
			return err
		}
		id, err := tx.AddMember(now, NewMember{
			Name: in.Name, PasswordHash: in.PasswordHash, Language: in.Language, Budget: cmp.Or(in.Budget, flattr.DefaultBudget),
		})
		if err != nil {
			return err
		}
		if err := tx.useInvite(now, inv, id); err != nil {
			return err
		}
		if _, err := tx.mint(now, flattr.InvitesPerMember, 0, id); err != nil {
			return err
		}
		m, err = tx.member(id)
		return err
	})
	return m, err
}

// NewMember is a member to add.
type NewMember struct {
	Name         string
	PasswordHash string
	Language     string // "en" when empty
	Budget       money.Micro
	Means        money.Micro // put in from the bank
}

// AddMember adds a member, or refuses with name_invalid, name_taken or
// budget_range or books_full.
func (tx *Tx) AddMember(now time.Time, in NewMember) (flattr.MemberID, error) {
	if err := flattr.CheckName(in.Name); err != nil {
		return 0, err
	}
	limit, err := tx.policy(PolicyMaxBudget)
	if err != nil {
		return 0, err
	}
	if err := checkBudget(in.Budget, money.Micro(limit)); err != nil {
		return 0, err
	}
	if err := tx.nameFree(in.Name); err != nil {
		return 0, err
	}
	if err := tx.takeIn(bank, in.Means); err != nil {
		return 0, err
	}
	language := in.Language
	if language != "de" {
		language = "en"
	}
	for range idAttempts {
		id := flattr.MemberID(randomID())
		n, err := tx.exec(insertMember, id.Bucket(), int64(id), in.Name, flattr.NameKey(in.Name),
			in.PasswordHash, language, micros(now))
		if err != nil {
			return 0, fmt.Errorf("add member: %w", err)
		}
		if n == 0 {
			continue
		}
		if _, err := tx.exec(insertBudget, id.Bucket(), int64(id), 1, int64(in.Budget), micros(now)); err != nil {
			return 0, fmt.Errorf("add member's budget: %w", err)
		}
		return id, tx.open(now, id, in.Means)
	}
	return 0, errors.New("add member: no free id found")
}

// nameFree refuses with name_taken a name that somebody has, or had: that of a
// deleted member is never given again (product rule 16).
func (tx *Tx) nameFree(name string) error {
	_, err := tx.memberByName(name)
	if flattr.CodeOf(err) == flattr.NotFound {
		var retired int
		hash := nameHash(name)
		err = tx.row(selectRetired, hash[:]).Scan(&retired)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("look for the name: %w", err)
	}
	return flattr.Refuse(flattr.NameTaken, "This name is taken. Choose another.")
}

// open books the means a member is loaded with.
func (tx *Tx) open(now time.Time, id flattr.MemberID, means money.Micro) error {
	if means == 0 {
		return nil
	}
	to := meansOf(id)
	_, err := tx.post(micros(now), []book.Transfer{
		book.New(fmt.Sprintf("member:%d", id), book.Opening, bank, to, to, means),
	})
	return err
}

// Member is the member with that id, or refuses with not_found.
func (s *Store) Member(ctx context.Context, id flattr.MemberID) (m flattr.Member, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		m, err = tx.member(id)
		return err
	})
	return m, err
}

// MemberByName is the member of that name, whatever its case, or refuses with
// not_found.
func (s *Store) MemberByName(ctx context.Context, name string) (m flattr.Member, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		m, err = tx.memberByName(name)
		if err != nil {
			return err
		}
		return tx.fill(&m)
	})
	return m, err
}

// Password is the hash with which the member of that name signs in, or refuses
// with not_found.
func (s *Store) Password(ctx context.Context, name string) (id flattr.MemberID, hash string, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		err := tx.row(selectPassword, flattr.NameKey(name)).Scan(&id, &hash)
		if errors.Is(err, sql.ErrNoRows) || flattr.CodeOf(err) == flattr.Invalid {
			return unknownMember(name)
		}
		return err
	})
	return id, hash, err
}

// SetPassword sets the hash with which the member of that name signs in, signs
// them out everywhere and tells them by letter, or refuses with not_found.
func (s *Store) SetPassword(ctx context.Context, now time.Time, name, hash string) error {
	return s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		return tx.changePassword(now, m.ID, hash, Exit{})
	})
}

func unknownMember(name string) error {
	return flattr.Refuse(flattr.NotFound, fmt.Sprintf("There is no member named %.60q.", name))
}

const updateDisplay = `UPDATE member SET language = $1, zone = $2 WHERE bucket = $3 AND id = $4 AND deleted IS NULL`

// SetDisplay sets in which language and zone a member is shown pages and written
// letters. Both are known by whoever calls.
func (s *Store) SetDisplay(ctx context.Context, member flattr.MemberID, language, zone string) error {
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.there(member); err != nil {
			return err
		}
		if err := one(tx.exec(updateDisplay, language, zone, member.Bucket(), int64(member))); err != nil {
			return fmt.Errorf("set language and zone: %w", err)
		}
		return nil
	})
}

// MemberID is the id of the member of that name, or refuses with not_found.
func (tx *Tx) MemberID(name string) (flattr.MemberID, error) {
	m, err := tx.memberByName(name)
	return m.ID, err
}

// memberByName reads a member without budget and means.
func (tx *Tx) memberByName(name string) (flattr.Member, error) {
	m, err := scanMember(tx.row(selectMemberByName, flattr.NameKey(name)))
	if errors.Is(err, sql.ErrNoRows) || flattr.CodeOf(err) == flattr.Invalid { // what is no text is nobody's name
		return m, unknownMember(name)
	}
	return m, err
}

// member reads a member with budget and means.
func (tx *Tx) member(id flattr.MemberID) (flattr.Member, error) {
	m, err := scanMember(tx.row(selectLiveMember, id.Bucket(), int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return m, flattr.Refuse(flattr.NotFound, "There is no such member.")
	}
	if err != nil {
		return m, err
	}
	return m, tx.fill(&m)
}

func scanMember(r row) (flattr.Member, error) {
	var m flattr.Member
	var since int64
	err := r.Scan(&m.ID, &m.Name, &m.Language, &m.Zone, &since)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("read member: %w", err)
	}
	m.Since = timeOf(since)
	return m, err
}

// fill reads budget and means of a member.
func (tx *Tx) fill(m *flattr.Member) error {
	var seq, at int64
	err := tx.row(lastBudget, m.ID.Bucket(), int64(m.ID)).Scan(&seq, &m.Budget, &at)
	if err != nil {
		return fmt.Errorf("read budget: %w", err)
	}
	m.Means, err = tx.balance(meansOf(m.ID))
	return err
}
