package accounts_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flattr/daemon/accounts"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const (
	ann, bob = 1000, 1001
	chrome   = "chrome-extension://aflkheolljhcmjgheajiddikljimfana"
)

func open(t *testing.T, path string) *accounts.Store {
	t.Helper()
	store, err := accounts.Open(t.Context(), path, func(b []byte) { rand.Read(b) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func fresh(t *testing.T) *accounts.Store {
	return open(t, filepath.Join(t.TempDir(), "accounts.db"))
}

func device(t *testing.T, store *accounts.Store, uid uint32) accounts.Device {
	t.Helper()
	ticket, err := store.NewTicket(now, uid)
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Enroll(t.Context(), now, sha256.Sum256(ticket), uid, chrome)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Used(t.Context(), now, made.ID); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestATicketIsTheUsersOwnAndLivesTwoMinutes(t *testing.T) {
	store := fresh(t)
	ticket, err := store.NewTicket(now, ann)
	if err != nil || len(ticket) != 16 {
		t.Fatalf("NewTicket = %x, %v, want 16 bytes", ticket, err)
	}
	hash := sha256.Sum256(ticket)
	for name, try := range map[string]struct {
		at   time.Time
		uid  uint32
		want error
	}{
		"at once":           {now, ann, nil},
		"after 119 s":       {now.Add(119 * time.Second), ann, nil},
		"after 120 s":       {now.Add(120 * time.Second), ann, accounts.ErrUnknown},
		"by another user":   {now, bob, accounts.ErrUnknown},
		"before it is made": {now.Add(-time.Second), ann, accounts.ErrUnknown},
	} {
		if _, err := store.Ticket(try.at, hash, try.uid); !errors.Is(err, try.want) {
			t.Errorf("%s: Ticket = %v, want %v", name, err, try.want)
		}
		if try.want != nil {
			if _, err := store.Enroll(t.Context(), try.at, hash, try.uid, chrome); !errors.Is(err, try.want) {
				t.Errorf("%s: Enroll = %v, want %v", name, err, try.want)
			}
		}
	}
}

func TestATicketIsSpentOnceEvenByTenAtOnce(t *testing.T) {
	store := fresh(t)
	ticket, err := store.NewTicket(now, ann)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(ticket)
	var made atomic.Int32
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if _, err := store.Enroll(t.Context(), now, hash, ann, chrome); err == nil {
				made.Add(1)
			} else if !errors.Is(err, accounts.ErrUnknown) {
				t.Errorf("Enroll = %v", err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("%d devices were made of one ticket, want 1", made.Load())
	}
}

func TestAUserHasFiveLiveTicketsAndDoesNotTakeThoseOfOthers(t *testing.T) {
	store := fresh(t)
	for range 5 {
		if _, err := store.NewTicket(now, ann); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.NewTicket(now, ann); !errors.Is(err, accounts.ErrTooMany) {
		t.Errorf("sixth ticket = %v, want ErrTooMany", err)
	}
	if _, err := store.NewTicket(now, bob); err != nil {
		t.Errorf("ticket of another user = %v", err)
	}
	if _, err := store.NewTicket(now.Add(3*time.Minute), ann); err != nil {
		t.Errorf("ticket after the others died = %v", err)
	}
}

func TestADeviceIsOfOneUserAndOriginAndDiesUnused(t *testing.T) {
	store := fresh(t)
	made := device(t, store, ann)
	for name, try := range map[string]struct {
		uid    uint32
		origin string
		want   error
	}{
		"its own":                {ann, chrome, nil},
		"a user nobody can tell": {accounts.AnyUser, chrome, nil},
		"another user":           {bob, chrome, accounts.ErrUnknown},
		"from other origins":     {ann, "moz-extension://x", accounts.ErrUnknown},
	} {
		got, err := store.Device(t.Context(), now, made.ID, try.uid, try.origin)
		if !errors.Is(err, try.want) {
			t.Errorf("%s: Device = %v, want %v", name, err, try.want)
		}
		if try.want == nil && (string(got.Key) != string(made.Key) || got.UID != ann) {
			t.Errorf("%s: the key or the user is another one", name)
		}
	}
	days(t, store, now, 179)
	if _, err := store.Device(t.Context(), now, made.ID, ann, chrome); err != nil {
		t.Errorf("after 179 days: %v", err)
	}
	days(t, store, now.AddDate(0, 0, 179), 1)
	if _, err := store.Device(t.Context(), now, made.ID, ann, chrome); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("after 180 days: Device = %v, want ErrUnknown", err)
	}
}

// Where the system does not say whose a connection is, the ticket does.
func TestWhereNoUserIsNamedTheTicketsOwnerIsTheDevices(t *testing.T) {
	store := fresh(t)
	ticket, err := store.NewTicket(now, bob)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(ticket)
	if secret, err := store.Ticket(now, hash, accounts.AnyUser); err != nil || string(secret) != string(ticket) {
		t.Fatalf("Ticket = %x, %v, want bob's", secret, err)
	}
	made, err := store.Enroll(t.Context(), now, hash, accounts.AnyUser, chrome)
	if err != nil || made.UID != bob {
		t.Fatalf("Enroll = %+v, %v, want a device of bob's", made, err)
	}
	if list, err := store.Devices(t.Context(), now, bob); err != nil || len(list) != 1 {
		t.Errorf("bob's devices = %v, %v, want the new one", list, err)
	}
	if list, err := store.Devices(t.Context(), now, accounts.AnyUser); err != nil || len(list) != 0 {
		t.Errorf("devices of nobody in particular = %v, %v, want none", list, err)
	}
}

// days lets the companion run for so many days from a time on.
func days(t *testing.T, store *accounts.Store, from time.Time, n int) {
	t.Helper()
	for i := range n {
		if err := store.Sweep(t.Context(), from.AddDate(0, 0, i+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClockThatIsSetWrongAgesNoDevice(t *testing.T) {
	store := fresh(t)
	made := device(t, store, ann)
	for range 20 { // a battery that is empty: each start in 1970 or in 2056, each time put right
		for _, wrong := range []time.Time{now.AddDate(30, 0, 0), now, time.Unix(0, 0), now} {
			if err := store.Sweep(t.Context(), wrong); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := store.Device(t.Context(), now, made.ID, ann, chrome); err != nil {
		t.Errorf("Device = %v, want it alive", err)
	}
	if err := store.Used(t.Context(), time.Unix(0, 0), made.ID); err != nil {
		t.Fatal(err)
	}
	days(t, store, now, 170)
	if _, err := store.Device(t.Context(), now, made.ID, ann, chrome); err != nil {
		t.Errorf("170 days after it was used while the clock stood at 1970: %v", err)
	}
}

func TestAKeyThatIsNotProvedWithinAMinuteIsDropped(t *testing.T) {
	store := fresh(t)
	ticket, err := store.NewTicket(now, ann)
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Enroll(t.Context(), now, sha256.Sum256(ticket), ann, chrome)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Device(t.Context(), now.Add(59*time.Second), made.ID, ann, chrome); err != nil {
		t.Errorf("after 59 s: %v", err)
	}
	if _, err := store.Device(t.Context(), now.Add(60*time.Second), made.ID, ann, chrome); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("after 60 s: %v, want ErrUnknown", err)
	}
	if err := store.Sweep(t.Context(), now.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Devices(t.Context(), now, ann); err != nil || len(left) != 0 {
		t.Errorf("Devices after Sweep = %v, %v, want none", left, err)
	}
}

func TestUsersOfOneMachineDoNotSeeEachOther(t *testing.T) {
	store := fresh(t)
	hers, his := device(t, store, ann), device(t, store, bob)
	account, err := store.Link(t.Context(), now, hers.ID, accounts.Account{
		UID: ann, Ledger: "https://ledger.example", Member: "7", Name: "ann", Token: accounts.Token{Access: "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Attach(t.Context(), his.ID, bob, account.ID); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("bob takes ann's account: %v, want ErrUnknown", err)
	}
	if err := store.Revoke(t.Context(), hers.ID, bob); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("bob revokes ann's device: %v, want ErrUnknown", err)
	}
	if seen, err := store.Accounts(t.Context(), bob); err != nil || len(seen) != 0 {
		t.Errorf("bob sees %v, %v", seen, err)
	}
	if seen, err := store.Devices(t.Context(), now, bob); err != nil || len(seen) != 1 || seen[0].ID != his.ID {
		t.Errorf("bob sees devices %v, %v, want his own", seen, err)
	}
}

func TestAUserIsSignedInAsSixteenMembersAtMost(t *testing.T) {
	store := fresh(t)
	hers, his := device(t, store, ann), device(t, store, bob)
	link := func(made accounts.Device, member int) (accounts.Account, error) {
		return store.Link(t.Context(), now, made.ID, accounts.Account{
			UID: made.UID, Ledger: "https://ledger.example", Member: strconv.Itoa(member), Token: accounts.Token{Access: "a"},
		})
	}
	for member := range 16 {
		if _, err := link(hers, member); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := link(hers, 16); !errors.Is(err, accounts.ErrTooManyAccounts) {
		t.Errorf("one more = %v, want ErrTooManyAccounts", err)
	}
	if all, err := store.Accounts(t.Context(), ann); err != nil || len(all) != 16 {
		t.Errorf("%d accounts, %v, want 16", len(all), err)
	}
	first, err := link(hers, 0)
	if err != nil {
		t.Errorf("sign in anew = %v", err)
	}
	if _, err := link(his, 16); err != nil {
		t.Errorf("another user = %v", err)
	}
	if err := store.ForgetToken(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := link(hers, 16); err != nil {
		t.Errorf("after one was signed out: %v", err)
	}
}

func TestAnAccountIsLinkedSharedUnlinkedAndLinkedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	store := open(t, path)
	first, second := device(t, store, ann), device(t, store, ann)
	link := accounts.Account{UID: ann, Ledger: "https://ledger.example", Member: "7", Name: "ann", Token: accounts.Token{Access: "a", Expires: now}}
	account, err := store.Link(t.Context(), now, first.ID, link)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Attach(t.Context(), second.ID, ann, account.ID); err != nil {
		t.Fatal(err)
	}
	if left, err := store.Detach(t.Context(), first.ID, account.ID); err != nil || left != 1 {
		t.Errorf("Detach = %d, %v, want 1 device left", left, err)
	}
	if left, err := store.Detach(t.Context(), second.ID, account.ID); err != nil || left != 0 {
		t.Errorf("Detach = %d, %v, want no device left", left, err)
	}
	if got, err := store.Account(t.Context(), account.ID); err != nil || !got.Leaving {
		t.Errorf("account without devices = %+v, %v, want it leaving", got, err)
	}
	if err := store.Attach(t.Context(), second.ID, ann, account.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Account(t.Context(), account.ID); err != nil || got.Leaving {
		t.Errorf("account taken again = %+v, %v, want it to stay", got, err)
	}
	for _, renewal := range []struct{ old, want string }{{"of before", "a"}, {"a", "renewed"}} {
		if err := store.RenewToken(t.Context(), account.ID, renewal.old, accounts.Token{Access: "renewed"}); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Account(t.Context(), account.ID); err != nil || got.Token.Access != renewal.want {
			t.Errorf("token after renewing %q = %q, %v, want %q", renewal.old, got.Token.Access, err, renewal.want)
		}
	}
	if err := store.ForgetToken(t.Context(), account.ID); err != nil {
		t.Fatal(err)
	}
	if err := store.RenewToken(t.Context(), account.ID, "renewed", accounts.Token{Access: "back"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Attach(t.Context(), first.ID, ann, account.ID); !errors.Is(err, accounts.ErrUnknown) {
		t.Errorf("an account without a token was taken: %v", err)
	}
	link.Token.Access = "b"
	again, err := store.Link(t.Context(), now, first.ID, link)
	if err != nil || again.ID != account.ID {
		t.Errorf("Link again = %+v, %v, want account %d", again, err, account.ID)
	}
	store.Close()
	store = open(t, path)
	got, err := store.Account(t.Context(), account.ID)
	if err != nil || got.Token.Access != "b" || !got.Token.Expires.Equal(now) || got.Name != "ann" {
		t.Errorf("Account after a restart = %+v, %v", got, err)
	}
	if all, err := store.All(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("All = %v, %v, want one", all, err)
	}
}

func TestDevicesThatNeverComeBackAreDroppedByTheNext(t *testing.T) {
	store := fresh(t)
	for minute := range 10 {
		at := now.Add(time.Duration(minute) * 2 * time.Minute)
		ticket, err := store.NewTicket(at, ann)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Enroll(t.Context(), at, sha256.Sum256(ticket), ann, chrome); err != nil {
			t.Fatal(err)
		}
	}
	// Seen from the start, when all of them would have lived.
	if left, err := store.Devices(t.Context(), now, ann); err != nil || len(left) != 1 {
		t.Errorf("%d devices are kept, %v, want the last", len(left), err)
	}
}
