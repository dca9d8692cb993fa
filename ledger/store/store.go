// Package store keeps the ledger in SQL: click log, snapshots and books.
package store

import (
	"context"
	"errors"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

var errNotBuilt = errors.New("not built yet")

// Store is one ledger's database. Its methods may be called at the same time.
type Store struct{}

// Open opens the database at path, makes it where it is missing and brings
// its schema up to date.
func Open(_ context.Context, _ string) (*Store, error) { return nil, errNotBuilt }

// Close ends the use of the database.
func (s *Store) Close() error { return nil }

// SignUp is what a new member brings.
type SignUp struct{ Name, PasswordHash, InviteCode, Language string }

// SignUp lets a member in.
func (s *Store) SignUp(context.Context, time.Time, SignUp) (flattr.Member, error) {
	return flattr.Member{}, errNotBuilt
}

// Member is the member with that id.
func (s *Store) Member(context.Context, flattr.MemberID) (flattr.Member, error) {
	return flattr.Member{}, errNotBuilt
}

// MemberByName is the member of that name.
func (s *Store) MemberByName(context.Context, string) (flattr.Member, error) {
	return flattr.Member{}, errNotBuilt
}

// Password is the hash a member signs in with.
func (s *Store) Password(context.Context, string) (flattr.MemberID, string, error) {
	return 0, "", errNotBuilt
}

// SetBudget changes the budget from now on.
func (s *Store) SetBudget(context.Context, time.Time, flattr.MemberID, money.Micro) error {
	return errNotBuilt
}

// Credit tops up the means of a member.
func (s *Store) Credit(context.Context, time.Time, string, money.Micro, string) (bool, error) {
	return false, errNotBuilt
}

// MintInvites makes invites of the operator.
func (s *Store) MintInvites(context.Context, time.Time, int, money.Micro) ([]flattr.Invite, error) {
	return nil, errNotBuilt
}

// Invites are those a member may give away.
func (s *Store) Invites(context.Context, flattr.MemberID) ([]flattr.Invite, error) {
	return nil, errNotBuilt
}

// Invite is the invite of that code.
func (s *Store) Invite(context.Context, string) (flattr.Invite, error) {
	return flattr.Invite{}, errNotBuilt
}

// Record judges events.
func (s *Store) Record(context.Context, time.Time, flattr.MemberID, []flattr.Event) ([]flattr.Outcome, error) {
	return nil, errNotBuilt
}

// Summaries are the open months of a member.
func (s *Store) Summaries(context.Context, time.Time, flattr.MemberID) (money.Micro, []flattr.MonthSummary, error) {
	return 0, nil, errNotBuilt
}

// Clicks are those of a member in a month.
func (s *Store) Clicks(context.Context, time.Time, flattr.MemberID, flattr.Month) ([]flattr.ClickView, error) {
	return nil, errNotBuilt
}

// Revenue is what a member has earned.
func (s *Store) Revenue(context.Context, time.Time, flattr.MemberID) (flattr.Revenue, error) {
	return flattr.Revenue{}, errNotBuilt
}

// Secret is a random value made once and kept.
func (s *Store) Secret(context.Context, string, int) ([]byte, error) { return nil, errNotBuilt }
