package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(Open) }

// each runs a test on a fresh ledger of each engine.
func each(t *testing.T, run func(t *testing.T, s *Store)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, where string) { run(t, openFor(t, where)) })
}

// openFor opens a ledger for one test.
func openFor(t testing.TB, where string) *Store {
	t.Helper()
	s, err := Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// at reads a time of the tests: "10-31 23:59:59" of 2026.
func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-"+text)
	if err != nil {
		panic(err)
	}
	return t
}

// join lets a member in by an invite that carries means.
func join(t testing.TB, s *Store, name string, means money.Micro) flattr.MemberID {
	t.Helper()
	now := at("10-01 00:00:00")
	invites, err := s.MintInvites(context.Background(), now, 1, means)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.SignUp(context.Background(), now, SignUp{Name: name, PasswordHash: "x", InviteCode: invites[0].Code})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// event makes ids that are easy to tell apart.
func event(n int) flattr.EventID {
	id, err := flattr.ParseEventID(fmt.Sprintf("c0000000-0000-4000-8000-%012d", n))
	if err != nil {
		panic(err)
	}
	return id
}

func click(n int, url string, when time.Time) flattr.Event {
	return flattr.Event{ID: event(n), Kind: flattr.KindClick, At: when, Thing: flattr.ThingRef{URL: url}}
}

func undo(n, of int, when time.Time) flattr.Event {
	return flattr.Event{ID: event(n), Kind: flattr.KindUndo, At: when, Click: event(of)}
}

// record records one event.
func record(t testing.TB, s *Store, now time.Time, reader flattr.MemberID, e flattr.Event) flattr.Outcome {
	t.Helper()
	out, err := s.Record(context.Background(), now, reader, []flattr.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// own registers a thing with a verified owner.
func own(t testing.TB, s *Store, url string, owner flattr.MemberID) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *Tx) error {
		return tx.AddThing(at("10-01 00:00:00"), url, "T", owner)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSignUpNeedsAnInvite(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-01 00:00:00")
		invites, err := s.MintInvites(ctx, now, 1, 5*money.Euro)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(in SignUp, want flattr.Code) {
			t.Helper()
			if _, err := s.SignUp(ctx, now, in); flattr.CodeOf(err) != want {
				t.Errorf("SignUp(%+v) = %v, want %s", in, err, want)
			}
			if _, err := s.MemberByName(ctx, in.Name); flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("after the refusal %q is there: %v", in.Name, err)
			}
		}
		refused(SignUp{Name: "ann", InviteCode: "AAAA-AAAA-AAAA-AAAA"}, flattr.InviteUnknown)
		refused(SignUp{Name: "ann", InviteCode: ""}, flattr.InviteUnknown)
		refused(SignUp{Name: "a b", InviteCode: invites[0].Code}, flattr.NameInvalid)
		ann, err := s.SignUp(ctx, now, SignUp{Name: "Ann", PasswordHash: "h", InviteCode: invites[0].Code, Language: "de"})
		if err != nil || ann.Means != 5*money.Euro || ann.Budget != 2*money.Euro || ann.Language != "de" {
			t.Fatalf("SignUp = %+v, %v", ann, err)
		}
		refused(SignUp{Name: "eve", InviteCode: invites[0].Code}, flattr.InviteUsed)
		used, err := s.Invite(ctx, invites[0].Code)
		if err != nil || !used.Used || used.UsedBy != "Ann" {
			t.Errorf("the used invite = %+v, %v", used, err)
		}
		own, err := s.Invites(ctx, ann.ID)
		if err != nil || len(own) != flattr.InvitesPerMember || own[0].Means != 0 {
			t.Fatalf("Invites = %+v, %v", own, err)
		}
		if _, err := s.SignUp(ctx, now, SignUp{Name: "ANN", InviteCode: own[0].Code}); flattr.CodeOf(err) != flattr.NameTaken {
			t.Errorf("the same name in capitals: %v, want %s", err, flattr.NameTaken)
		}
		if inv, err := s.Invite(ctx, own[0].Code); err != nil || inv.Used {
			t.Errorf("the invite after a refusal = %+v, %v", inv, err)
		}
		if id, hash, err := s.Password(ctx, "ann"); err != nil || id != ann.ID || hash != "h" {
			t.Errorf("Password = %d, %q, %v", id, hash, err)
		}
	})
}

func TestARefusedRaiseChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		ann, bob := join(t, s, "ann", 3*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		now := at("10-02 12:00:00")
		record(t, s, now, ann, click(1, "https://bob.example/1", now))
		for amount, want := range map[money.Micro]flattr.Code{
			199 * money.Cent: flattr.BudgetRange, 10_001 * money.Cent: flattr.BudgetRange, 301 * money.Cent: flattr.NoMeans,
		} {
			if err := s.SetBudget(ctx, now, ann, amount); flattr.CodeOf(err) != want {
				t.Errorf("SetBudget(%s) = %v, want %s", amount, err, want)
			}
		}
		expect := func(wantMeans, wantHeld money.Micro) {
			t.Helper()
			means, months, err := s.Summaries(ctx, now, ann)
			if err != nil || means != wantMeans || months[0].Held != wantHeld || months[0].Budget != wantHeld {
				t.Errorf("means %s, %+v, %v, want %s and %s", means, months, err, wantMeans, wantHeld)
			}
		}
		expect(money.Euro, 2*money.Euro)
		if err := s.SetBudget(ctx, now, ann, 3*money.Euro); err != nil {
			t.Fatal(err)
		}
		expect(0, 3*money.Euro)
		if err := s.SetBudget(ctx, now, ann, 2*money.Euro); err != nil {
			t.Fatal(err)
		}
		expect(money.Euro, 2*money.Euro)
	})
}

func TestTheLogAndTheBooksAreNeverChanged(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		record(t, s, at("10-02 12:00:00"), ann, click(1, "https://bob.example/1", at("10-02 12:00:00")))
		err := s.Write(context.Background(), func(tx *Tx) error { return tx.FreezeThrough(at("11-04 00:00:00"), 202610) })
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"event", "transfer", "budget", "snapshot_budget", "snapshot_thing"} {
			for _, statement := range []string{"DELETE FROM " + table, "UPDATE " + table + " SET " + map[string]string{
				"event": "at = 0", "transfer": "amount = 1", "budget": "amount = 1", "snapshot_budget": "budget = 1", "snapshot_thing": "owner = 1",
			}[table]} {
				err := s.Write(context.Background(), func(tx *Tx) error {
					_, err := tx.exec(statement)
					return err
				})
				if err == nil || !strings.Contains(err.Error(), "rows are never") {
					t.Errorf("%s: %v", statement, err)
				}
			}
		}
		err = s.Write(context.Background(), func(tx *Tx) error {
			_, err := tx.exec("UPDATE account SET debits = credits + 1 WHERE kind = 'means'")
			return err
		})
		if err == nil {
			t.Error("means can go below zero")
		}
	})
}

func TestAFailedTransactionKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		broken := errors.New("broken")
		err := s.Write(context.Background(), func(tx *Tx) error {
			if _, err := tx.AddMember(at("10-01 00:00:00"), NewMember{Name: "ann", Budget: flattr.DefaultBudget}); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if _, err := s.MemberByName(context.Background(), "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("ann after a failure: %v", err)
		}
		canceled, cancel := context.WithCancel(context.Background())
		err = s.Write(context.Background(), func(tx *Tx) error {
			cancel()
			_, err := s.MintInvites(canceled, at("10-01 00:00:00"), 1, 0)
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for the turn with a context that ends: %v", err)
		}
		join(t, s, "bob", 0) // and the store goes on
	})
}

func TestSecretsAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		first, err := s.Secret(context.Background(), "signing", 32)
		if err != nil || len(first) != 32 {
			t.Fatal(first, err)
		}
		again, err := s.Secret(context.Background(), "signing", 32)
		if err != nil || string(again) != string(first) {
			t.Errorf("Secret = %x, %v, want %x", again, err, first)
		}
		if _, err := s.Secret(context.Background(), "signing", 16); err == nil {
			t.Error("a secret of another length is given out")
		}
	})
}

func TestTheFileIsPrivateAndOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?#%41.db")
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 || files[0].Name() != filepath.Base(path) {
		t.Fatalf("after Close there are %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(context.Background(), path); err == nil {
		t.Errorf("Open of what is no database = %v", s)
	}
}

func TestSeveralCanOpenANewLedgerAtOnce(t *testing.T) {
	for name, where := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.EmptyPostgres} {
		t.Run(name, func(t *testing.T) {
			path := where(t)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					s, err := Open(context.Background(), path)
					if err == nil {
						_, err = s.MintInvites(context.Background(), at("10-01 00:00:00"), 1, 0)
						err = errors.Join(err, s.Close())
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestReadingDoesNotWaitForAWriter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		first := openFor(t, where)
		ann := join(t, first, "ann", money.Euro)
		err := first.Write(context.Background(), func(*Tx) error {
			second, err := Open(context.Background(), where)
			if err != nil {
				return err
			}
			defer second.Close()
			for _, s := range []*Store{first, second} {
				if m, err := s.Member(context.Background(), ann); err != nil || m.Means != money.Euro {
					t.Errorf("Member while another writes = %+v, %v", m, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
