package backup_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/backup"
)

func enrolling(t *testing.T, state string) *accounts.Store {
	t.Helper()
	store, err := accounts.Open(t.Context(), filepath.Join(state, "accounts.db"), func(b []byte) { rand.Read(b) })
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// enroll pairs a browser and signs it in as a member.
func enroll(t *testing.T, store *accounts.Store, uid uint32, member string) (accounts.Device, accounts.Account) {
	t.Helper()
	secret, err := store.NewTicket(now, uid)
	if err != nil {
		t.Fatal(err)
	}
	device, err := store.Enroll(t.Context(), now, sum(secret), uid, "o")
	if err == nil {
		err = store.Used(t.Context(), now, device.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	account, err := store.Link(t.Context(), now, device.ID, accounts.Account{UID: uid, Ledger: "https://l.example", Member: member, Name: member, Token: accounts.Token{Access: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	return device, account
}

func backUpAccounts(t *testing.T, state string, at time.Time) backup.Copy {
	t.Helper()
	made, err := backup.Make(t.Context(), at, state, backup.Folder(state), backup.Accounts)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The key of a browser that was revoked opens nothing after an older file is
// restored, be it by command or because the newer ones are damaged.
func TestARevokedBrowserStaysRevokedAfterARestore(t *testing.T) {
	for name, restore := range map[string]func(t *testing.T, state string, before backup.Copy){
		"by command": func(t *testing.T, state string, before backup.Copy) {
			for range 2 { // and again
				if _, err := backup.Replace(t.Context(), now, state, backup.Accounts, before); err != nil {
					t.Fatal(err)
				}
			}
		},
		"after damage": func(t *testing.T, state string, _ backup.Copy) {
			after := backUpAccounts(t, state, now.Add(time.Hour))
			spoil(t, after.Path, "PRAGMA user_version = 9999") // so that the older one is taken
			if err := backup.Mark(now, state, backup.Accounts, errors.New("x")); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(state, "accounts.db"), 50); err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Repair(t.Context(), state, backup.Accounts); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			store := enrolling(t, state)
			kept, _ := enroll(t, store, 7, "ann")
			lost, _ := enroll(t, store, 7, "ann")
			before := backUpAccounts(t, state, now)
			if err := store.Revoke(t.Context(), lost.ID, 7); err != nil {
				t.Fatal(err)
			}
			store.Close()
			restore(t, state, before)
			store = enrolling(t, state)
			defer store.Close()
			if _, err := store.Device(t.Context(), now, kept.ID, 7, "o"); err != nil {
				t.Errorf("the browser that was kept: %v", err)
			}
			if _, err := store.Device(t.Context(), now, lost.ID, 7, "o"); !errors.Is(err, accounts.ErrUnknown) {
				t.Errorf("the browser that was revoked: %v, want ErrUnknown", err)
			}
		})
	}
}

// The clicks of an account made after the backup find their member again.
func TestAccountsMadeSinceTheBackupKeepTheirNumbers(t *testing.T) {
	state := t.TempDir()
	store := enrolling(t, state)
	enroll(t, store, 7, "ann")
	before := backUpAccounts(t, state, now)
	_, made := enroll(t, store, 8, "bob")
	store.Close()
	if _, err := backup.Replace(t.Context(), now, state, backup.Accounts, before); err != nil {
		t.Fatal(err)
	}
	store = enrolling(t, state)
	defer store.Close()
	account, err := store.Account(t.Context(), made.ID)
	if err != nil || account.UID != 8 || account.Member != "bob" || account.Token.Access != "" {
		t.Errorf("the account made since = %+v, %v, want bob's, signed out", account, err)
	}
}

// The clicks of one reader must not become those of another, who has the same
// number in the backup of another companion.
func TestABackupOfAnotherCompanionIsRefused(t *testing.T) {
	other := t.TempDir()
	store := enrolling(t, other)
	enroll(t, store, 7, "eve")
	foreign := backUpAccounts(t, other, now)
	store.Close()
	state := t.TempDir()
	store = enrolling(t, state)
	_, own := enroll(t, store, 7, "ann")
	store.Close()
	if _, err := backup.Replace(t.Context(), now, state, backup.Accounts, foreign); !errors.Is(err, accounts.ErrForeign) {
		t.Errorf("Replace by another companion's accounts = %v, want ErrForeign", err)
	}
	store = enrolling(t, state)
	defer store.Close()
	if account, err := store.Account(t.Context(), own.ID); err != nil || account.Member != "ann" {
		t.Errorf("account = %+v, %v, want ann's", account, err)
	}
}
