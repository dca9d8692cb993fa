package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// idAttempts is how often a random id that is taken is drawn again; twice in a
// row is already beyond belief.
const idAttempts = 8

// randomID draws from 1 to flattr.MaxID.
func randomID() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])%flattr.MaxID) + 1
}

const insertMember = `
INSERT INTO member (bucket, id, name, name_key, password_hash, language, since)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

const selectMember = `SELECT id, name, language, since FROM member WHERE bucket = $1 AND id = $2`

const selectLiveMember = selectMember + ` AND deleted IS NULL`

const selectMemberByName = `SELECT id, name, language, since FROM member WHERE name_key = $1 AND deleted IS NULL`

const selectPassword = `SELECT id, password_hash FROM member WHERE name_key = $1 AND deleted IS NULL`

const selectRetired = `SELECT 1 FROM retired_name WHERE hash = $1`

// SignUp is what a new member brings.
type SignUp struct {
	Name         string
	PasswordHash string
	InviteCode   string
	Language     string // "en" or "de"
}

// SignUp lets a member in: uses up the invite, books its welcome means, sets
// the default budget and makes the member's own invites. It refuses with
// invite_unknown, invite_used, name_invalid or name_taken, and then makes nothing.
func (s *Store) SignUp(ctx context.Context, now time.Time, in SignUp) (m flattr.Member, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		inv, err := tx.unusedInvite(in.InviteCode)
		if err != nil {
			return err
		}
		id, err := tx.AddMember(now, NewMember{
			Name: in.Name, PasswordHash: in.PasswordHash, Language: in.Language, Budget: flattr.DefaultBudget,
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
		if errors.Is(err, sql.ErrNoRows) {
			return unknownMember(name)
		}
		return err
	})
	return id, hash, err
}

const updatePassword = `UPDATE member SET password_hash = $1 WHERE name_key = $2 AND deleted IS NULL`

// SetPassword sets the hash with which the member of that name signs in, or
// refuses with not_found.
func (s *Store) SetPassword(ctx context.Context, name, hash string) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(updatePassword, hash, flattr.NameKey(name))
		if err == nil && n == 0 {
			return unknownMember(name)
		}
		return err
	})
}

func unknownMember(name string) error {
	return flattr.Refuse(flattr.NotFound, fmt.Sprintf("There is no member named %.60q.", name))
}

// MemberID is the id of the member of that name, or refuses with not_found.
func (tx *Tx) MemberID(name string) (flattr.MemberID, error) {
	m, err := tx.memberByName(name)
	return m.ID, err
}

// memberByName reads a member without budget and means.
func (tx *Tx) memberByName(name string) (flattr.Member, error) {
	m, err := scanMember(tx.row(selectMemberByName, flattr.NameKey(name)))
	if errors.Is(err, sql.ErrNoRows) {
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
	err := r.Scan(&m.ID, &m.Name, &m.Language, &since)
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

const insertInvite = `
INSERT INTO invite (id, code, means, minted_by, minted_at) VALUES ($1, $2, $3, $4, $5)`

const selectInvite = `
SELECT i.id, i.code, i.means, COALESCE(i.minted_by, 0), i.used_by IS NOT NULL, COALESCE(m.name, '')
FROM invite i LEFT JOIN member m ON m.id = i.used_by AND m.bucket = $1 WHERE i.code = $2`

const selectInviteUser = `SELECT COALESCE(used_by, 0) FROM invite WHERE code = $1`

const selectInvites = `
SELECT code, means, used_by FROM invite WHERE minted_by = $1 ORDER BY minted_at, code`

const updateInvite = `UPDATE invite SET used_by = $1, used_at = $2 WHERE id = $3 AND used_by IS NULL`

// storedInvite is an invite with its id.
type storedInvite struct {
	flattr.Invite
	id uuid.UUID
}

// MaxInvites bounds how many invites are minted at once.
const MaxInvites = 10_000

// MintInvites makes invites of the operator, which can carry welcome means.
func (s *Store) MintInvites(ctx context.Context, now time.Time, count int, means money.Micro) (minted []flattr.Invite, err error) {
	if count < 1 || count > MaxInvites {
		return nil, flattr.Refuse(flattr.Invalid, fmt.Sprintf("From 1 to %d invites can be made at once.", MaxInvites))
	}
	err = s.write(ctx, func(tx *Tx) error {
		minted, err = tx.mint(now, count, means, 0)
		return err
	})
	return minted, err
}

// mint makes invites that the member by may give away; 0 is the operator.
func (tx *Tx) mint(now time.Time, count int, means money.Micro, by flattr.MemberID) ([]flattr.Invite, error) {
	minted := make([]flattr.Invite, count)
	owner := sql.NullInt64{Int64: int64(by), Valid: by != 0}
	for i := range minted {
		code, id := flattr.NewCode(), uuid.New()
		if _, err := tx.exec(insertInvite, id[:], code, int64(means), owner, micros(now)); err != nil {
			return nil, fmt.Errorf("make invite: %w", err)
		}
		minted[i] = flattr.Invite{Code: flattr.ShowCode(code), Means: means, By: by}
	}
	return minted, nil
}

// Invites are those the member may give away, the used ones with the name of
// whom they let in.
func (s *Store) Invites(ctx context.Context, member flattr.MemberID) (invites []flattr.Invite, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var users []flattr.MemberID
		err := tx.each(selectInvites, func(rows *sql.Rows) error {
			inv := flattr.Invite{By: member}
			var code string
			var user sql.NullInt64
			if err := rows.Scan(&code, &inv.Means, &user); err != nil {
				return err
			}
			inv.Code, inv.Used = flattr.ShowCode(code), user.Valid
			invites, users = append(invites, inv), append(users, flattr.MemberID(user.Int64))
			return nil
		}, int64(member))
		if err != nil {
			return fmt.Errorf("read invites: %w", err)
		}
		for i, user := range users {
			if user != 0 {
				m, err := scanMember(tx.row(selectMember, user.Bucket(), int64(user)))
				if err != nil {
					return err
				}
				invites[i].UsedBy = m.Name
			}
		}
		return nil
	})
	return invites, err
}

// Invite is the invite of a code as a person types it, or refuses with
// invite_unknown.
func (s *Store) Invite(ctx context.Context, code string) (inv flattr.Invite, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		found, err := tx.invite(code)
		inv = found.Invite
		return err
	})
	return inv, err
}

func (tx *Tx) invite(code string) (storedInvite, error) {
	var inv storedInvite
	unknown := flattr.Refuse(flattr.InviteUnknown, "This invite code is not known. Check it letter by letter, or ask for a new one.")
	parsed := flattr.ParseCode(code)
	if parsed == "" {
		return inv, unknown
	}
	var user flattr.MemberID
	err := tx.row(selectInviteUser, parsed).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return inv, unknown
	}
	if err != nil {
		return inv, fmt.Errorf("read invite: %w", err)
	}
	err = tx.row(selectInvite, user.Bucket(), parsed).Scan(&inv.id, &inv.Code, &inv.Means, &inv.By, &inv.Used, &inv.UsedBy)
	if err != nil {
		return inv, fmt.Errorf("read invite: %w", err)
	}
	inv.Code = flattr.ShowCode(inv.Code)
	return inv, nil
}

func (tx *Tx) unusedInvite(code string) (storedInvite, error) {
	inv, err := tx.invite(code)
	if err == nil && inv.Used {
		err = flattr.Refuse(flattr.InviteUsed, "This invite code was used already. Each code lets one member in; ask for a new one.")
	}
	return inv, err
}

// useInvite uses the invite up and books the means it carries.
func (tx *Tx) useInvite(now time.Time, inv storedInvite, by flattr.MemberID) error {
	n, err := tx.exec(updateInvite, int64(by), micros(now), inv.id[:])
	if err := one(n, err); err != nil {
		return fmt.Errorf("use invite: %w", err)
	}
	if inv.Means == 0 {
		return nil
	}
	if err := tx.takeIn(gift, inv.Means); err != nil {
		return err
	}
	to := meansOf(by)
	_, err = tx.post(micros(now), []book.Transfer{
		book.New("invite:"+inv.id.String(), book.Welcome, gift, to, to, inv.Means),
	})
	return err
}
