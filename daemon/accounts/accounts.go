// Package accounts knows which member a device acts for: accounts, devices,
// their keys, and the tickets that make devices.
package accounts

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"flattr/daemon/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrUnknown says that there is no such ticket, device or account, or none of
// this user.
var ErrUnknown = errors.New("not known")

// ErrTooManyAccounts says that the user is signed in as many members already.
var ErrTooManyAccounts = errors.New("too many accounts; sign out of one first")

// MaxAccounts is as how many members a user can be signed in at once: a list
// of them fits into one frame, and each keeps a courier.
const MaxAccounts = 16

// AccountID is the companion's own id of an account.
type AccountID int64

// Account is a member of a ledger, for one user of the machine.
type Account struct {
	ID     AccountID
	UID    uint32 // user id of the machine
	Ledger string // origin of the ledger's URL
	Member string // the ledger's id of the member
	Name   string
	Token  Token
	// Leaving says that no browser acts for it any more, and that the token is
	// kept only until what is still waiting has been sent.
	Leaving bool
}

// Token is what the ledger gave for acting as the member. The zero value means
// that the reader has to sign in again.
type Token struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// Store is the file of accounts and devices, and the live tickets.
type Store struct {
	db      *database.DB
	random  func([]byte)
	mu      sync.Mutex // guards tickets, and the step that makes a device of one
	tickets map[[32]byte]ticket
}

// Open opens or creates the file at path. random fills with random bytes.
func Open(ctx context.Context, path string, random func([]byte)) (*Store, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	db, err := database.Open(ctx, path, files)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return &Store{db: db, random: random, tickets: map[[32]byte]ticket{}}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

const linkAccount = `
INSERT INTO account (uid, ledger, member, name, token, linked_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (uid, ledger, member) DO UPDATE SET name = excluded.name, token = excluded.token, linked_ms = excluded.linked_ms, leaving = 0
RETURNING id`

const signedIn = `SELECT count(*) FROM account WHERE uid = $1 AND token <> '' AND id <> $2`

// Link makes the device act for a member who has just signed in. An account
// the user has already gets the new token. ErrTooManyAccounts beyond the bound.
func (s *Store) Link(ctx context.Context, now time.Time, device DeviceID, account Account) (Account, error) {
	token, err := json.Marshal(account.Token)
	if err != nil {
		return Account{}, fmt.Errorf("link account: %w", err)
	}
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, linkAccount, account.UID, account.Ledger, account.Member, account.Name, string(token), now.UnixMilli())
		if err := row.Scan(&account.ID); err != nil {
			return err
		}
		var others int
		if err := tx.QueryRowContext(ctx, signedIn, account.UID, account.ID).Scan(&others); err != nil {
			return err
		}
		if others >= MaxAccounts {
			return ErrTooManyAccounts
		}
		return attach(ctx, tx, device, account.UID, account.ID)
	})
	if err != nil {
		return Account{}, fmt.Errorf("link account: %w", err)
	}
	return account, nil
}

const attachDevice = `
UPDATE device SET account = $1 WHERE id = $2 AND uid = $3
AND EXISTS (SELECT 1 FROM account WHERE account.id = $1 AND account.uid = device.uid AND account.token <> '')`

// Attach makes the device act for one of its user's accounts.
func (s *Store) Attach(ctx context.Context, device DeviceID, uid uint32, account AccountID) error {
	err := s.db.Change(ctx, func(tx *sql.Tx) error { return attach(ctx, tx, device, uid, account) })
	if err != nil {
		return fmt.Errorf("take account: %w", err)
	}
	return nil
}

func attach(ctx context.Context, tx *sql.Tx, device DeviceID, uid uint32, account AccountID) error {
	result, err := tx.ExecContext(ctx, attachDevice, account, device[:], uid)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrUnknown, err)
	}
	_, err = tx.ExecContext(ctx, leaveAccount, false, account)
	return err
}

const (
	detachDevice = `UPDATE device SET account = NULL WHERE id = $1`
	leaveAccount = `UPDATE account SET leaving = $1 WHERE id = $2`
	devicesLeft  = `SELECT count(*) FROM device WHERE account = $1`
)

// Detach ends that the device acts for its account, and says how many devices
// still do. With the last one the account is leaving.
func (s *Store) Detach(ctx context.Context, device DeviceID, account AccountID) (left int, err error) {
	err = s.db.Change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, detachDevice, device[:]); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, devicesLeft, account).Scan(&left); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, leaveAccount, left == 0, account)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("unlink device: %w", err)
	}
	return left, nil
}

const (
	renewToken  = `UPDATE account SET token = $1 WHERE id = $2 AND CASE token WHEN '' THEN 0 ELSE json_extract(token, '$.access') = $3 END`
	forgetToken = `UPDATE account SET token = '', leaving = 0 WHERE id = $1`
)

// RenewToken keeps the token that came for the access token old. Where the
// reader has signed out or in again meanwhile, it changes nothing.
func (s *Store) RenewToken(ctx context.Context, account AccountID, old string, token Token) error {
	text, err := json.Marshal(token)
	if err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	if _, err := s.db.Write.ExecContext(ctx, renewToken, string(text), account, old); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	return nil
}

// ForgetToken signs the account out; it is not offered to devices any more.
func (s *Store) ForgetToken(ctx context.Context, account AccountID) error {
	if _, err := s.db.Write.ExecContext(ctx, forgetToken, account); err != nil {
		return fmt.Errorf("forget token: %w", err)
	}
	return nil
}

const (
	selectAccount  = `SELECT id, uid, ledger, member, name, token, leaving FROM account `
	accountByID    = selectAccount + `WHERE id = $1`
	accountsOfUser = selectAccount + `WHERE uid = $1 ORDER BY id`
	allAccounts    = selectAccount + `ORDER BY id`
	latestAccounts = selectAccount + `WHERE uid = $1 AND (token <> '' OR id IN
(SELECT id FROM account WHERE uid = $1 AND token = '' ORDER BY linked_ms DESC, id DESC LIMIT $2)) ORDER BY id`
	signedOut = `SELECT count(*) FROM account WHERE uid = $1 AND token = ''`
)

// Account gives one account.
func (s *Store) Account(ctx context.Context, id AccountID) (Account, error) {
	all, err := s.accounts(ctx, accountByID, id)
	if err == nil && len(all) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	return all[0], nil
}

// Accounts gives the accounts of one user of the machine.
func (s *Store) Accounts(ctx context.Context, uid uint32) ([]Account, error) {
	all, err := s.accounts(ctx, accountsOfUser, uid)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return all, nil
}

// Latest gives the accounts a user is signed in with, and those of the signed
// out that were linked last, most at most; more says how many others there are.
func (s *Store) Latest(ctx context.Context, uid uint32, most int) (latest []Account, more int, err error) {
	if latest, err = s.accounts(ctx, latestAccounts, uid, most); err != nil {
		return nil, 0, fmt.Errorf("read accounts: %w", err)
	}
	var out int
	if err := s.db.Read.QueryRowContext(ctx, signedOut, uid).Scan(&out); err != nil {
		return nil, 0, fmt.Errorf("count accounts: %w", err)
	}
	return latest, max(0, out-most), nil
}

// All gives the accounts of all users, for the couriers.
func (s *Store) All(ctx context.Context) ([]Account, error) {
	all, err := s.accounts(ctx, allAccounts)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return all, nil
}

func (s *Store) accounts(ctx context.Context, query string, args ...any) ([]Account, error) {
	rows, err := s.db.Read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Account
	for rows.Next() {
		var a Account
		var token string
		if err := rows.Scan(&a.ID, &a.UID, &a.Ledger, &a.Member, &a.Name, &token, &a.Leaving); err != nil {
			return nil, err
		}
		if token != "" {
			if err := json.Unmarshal([]byte(token), &a.Token); err != nil {
				return nil, err
			}
		}
		all = append(all, a)
	}
	return all, rows.Err()
}
