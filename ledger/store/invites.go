package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

const insertInvite = `
INSERT INTO invite (id, code, means, minted_by, minted_at) VALUES ($1, $2, $3, $4, $5)`

const selectInvite = `
SELECT i.id, i.code, i.means, COALESCE(i.minted_by, 0), i.used_by IS NOT NULL, COALESCE(m.name, '')
FROM invite i LEFT JOIN member m ON m.id = i.used_by AND m.bucket = $1 WHERE i.code = $2`

const selectInviteUser = `SELECT COALESCE(used_by, 0) FROM invite WHERE code = $1`

const selectInvites = `
SELECT i.code, i.means, i.used_by IS NOT NULL, COALESCE(m.name, '') FROM invite i LEFT JOIN member m ON m.id = i.used_by
WHERE i.minted_by = $1 ORDER BY i.minted_at, i.code`

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
		return nil, tooManyInvites()
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

// MintInvitesFor makes invites that a member may give away, which carry welcome
// means of the operator's. It refuses with not_found a name that nobody has.
func (s *Store) MintInvitesFor(ctx context.Context, now time.Time, name string, count int, means money.Micro) (minted []flattr.Invite, err error) {
	if count < 1 || count > MaxInvites {
		return nil, tooManyInvites()
	}
	err = s.write(ctx, func(tx *Tx) error {
		m, err := tx.memberByName(name)
		if err != nil {
			return err
		}
		minted, err = tx.mint(now, count, means, m.ID)
		return err
	})
	return minted, err
}

func tooManyInvites() *flattr.Error {
	return flattr.Refuse(flattr.Invalid, fmt.Sprintf("From 1 to %d invites can be made at once.", MaxInvites))
}

// Invites are those the member may give away, the used ones with the name of
// whom they let in.
func (s *Store) Invites(ctx context.Context, member flattr.MemberID) (invites []flattr.Invite, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		invites = nil
		err := tx.each(selectInvites, func(rows *sql.Rows) error {
			inv := flattr.Invite{By: member}
			var code string
			if err := rows.Scan(&code, &inv.Means, &inv.Used, &inv.UsedBy); err != nil {
				return err
			}
			inv.Code = flattr.ShowCode(code)
			invites = append(invites, inv)
			return nil
		}, int64(member))
		if err != nil {
			return fmt.Errorf("read invites: %w", err)
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
