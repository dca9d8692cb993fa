package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

func TestARehearsalKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 10*money.Euro)
		for _, failure := range []error{nil, errors.New("broken")} {
			err := s.Rehearse(t.Context(), func(tx *Tx) error {
				out, err := tx.Record(at("10-02 00:00:00"), ann, click(1, "https://a.example/", at("10-02 00:00:00")))
				if err != nil || out.Result != flattr.Accepted {
					t.Errorf("Record in a rehearsal = %+v, %v", out, err)
				}
				return failure
			})
			if !errors.Is(err, failure) {
				t.Errorf("Rehearse = %v, want %v", err, failure)
			}
		}
		if m, err := s.Member(t.Context(), ann); err != nil || m.Means != 10*money.Euro {
			t.Errorf("after it: %+v, %v", m, err)
		}
		if views, err := s.Clicks(t.Context(), at("10-03 00:00:00"), ann, 202610); err != nil || len(views) != 0 {
			t.Errorf("after it: %d clicks, %v", len(views), err)
		}
		record(t, s, at("10-02 00:00:00"), ann, click(1, "https://a.example/", at("10-02 00:00:00")))
	})
}

// TestNothingIsKeptAfterAFailedStatement holds what PostgreSQL does by itself:
// work that passes over the failure of a statement does not commit the rest.
func TestNothingIsKeptAfterAFailedStatement(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		err := s.Write(t.Context(), func(tx *Tx) error {
			if _, err := tx.AddMember(at("10-01 00:00:00"), NewMember{Name: "ann", Budget: flattr.DefaultBudget}); err != nil {
				return err
			}
			_, _ = tx.exec("INSERT INTO secret (name, value) VALUES ($1, NULL)", "x")
			return nil
		})
		if err == nil {
			t.Error("work that passed over a failed statement was committed")
		}
		if _, err := s.MemberByName(t.Context(), "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("ann = %v, want nobody", err)
		}
	})
}

// TestWritersThatMeetAllSucceed raises one account from many transactions at once.
func TestWritersThatMeetAllSucceed(t *testing.T) {
	const writers, times = 8, 10
	storetest.Each(t, func(t *testing.T, where string) {
		stores := []*Store{openFor(t, where), openFor(t, where)}
		ann := join(t, stores[0], "ann", 0)
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range times {
					ref := string(rune('a'+w)) + string(rune('0'+i))
					if _, booked, err := stores[w%2].Credit(t.Context(), at("10-01 00:00:00"), "ann", money.Euro, ref); err != nil || !booked {
						t.Errorf("Credit %s = %v, %v", ref, booked, err)
					}
				}
			})
		}
		all.Wait()
		if m, err := stores[0].Member(t.Context(), ann); err != nil || m.Means != writers*times*money.Euro {
			t.Errorf("ann has %s, %v, want %d EUR", m.Means, err, writers*times)
		}
	})
}

// What changes an account waits for a freeze under way before it holds anything
// that the freeze needs.
func TestAccountsWaitForAFreeze(t *testing.T) {
	where := storetest.Postgres(t)
	s, other := openFor(t, where), openFor(t, where)
	ann, now := join(t, s, "ann", 9*money.Euro), at("11-05 00:00:00")
	topUp(t, s, "10-02 00:00:00", "ann", money.Euro)
	record(t, s, at("10-03 12:00:00"), ann, click(1, "https://a.example/", at("10-03 12:00:00")))
	changes := map[string]func(ctx context.Context) error{
		"credit": func(ctx context.Context) error {
			_, _, err := other.Credit(ctx, now, "ann", money.Euro, "X")
			return err
		},
		"refund": func(ctx context.Context) error {
			_, err := other.Refund(ctx, now, "ann", money.Euro, "X")
			return err
		},
		"return": func(ctx context.Context) error {
			_, _, err := other.Return(ctx, now, "ann", "10-02 00:00:00", money.Euro)
			return err
		},
		"budget": func(ctx context.Context) error { return other.SetBudget(ctx, now, ann, 3*money.Euro) },
	}
	freezes := 0
	err := s.WriteGated(t.Context(), func(tx *Tx) error {
		freezes++
		for name, change := range changes {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := change(ctx); !Busy(err) {
				t.Errorf("%s during a freeze = %v, want it to wait", name, err)
			}
		}
		return tx.FreezeThrough(now, flattr.Month(202610))
	})
	if err != nil || freezes != 1 {
		t.Errorf("the freeze = %v after %d times, want once", err, freezes)
	}
	for name, change := range changes {
		if err := change(t.Context()); err != nil {
			t.Errorf("%s after it = %v", name, err)
		}
	}
}

func TestTextThatCannotBeKeptIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		join(t, s, "ann", 0)
		for _, ref := range []string{"a\x00b", "a\xffb"} {
			if _, _, err := s.Credit(t.Context(), at("10-01 00:00:00"), "ann", money.Euro, ref); flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("Credit with the reference %q = %v", ref, err)
			}
		}
		if _, err := s.MemberByName(t.Context(), "a\x00"); flattr.CodeOf(err) == "" {
			t.Errorf("MemberByName = %v, want a refusal", err)
		}
	})
}

func TestAClockThatWasSetBackIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		noon := at("10-10 12:00:00")
		for _, when := range []time.Time{noon, noon.Add(time.Minute), noon.Add(time.Minute - clockTolerance)} {
			if err := s.Stamp(t.Context(), when); err != nil {
				t.Errorf("Stamp at %s = %v", when, err)
			}
		}
		err := s.Stamp(t.Context(), noon)
		if flattr.CodeOf(err) != flattr.ClockBack || !strings.Contains(err.Error(), "2026-10-10T12:00:00Z") ||
			!strings.Contains(err.Error(), "2026-10-10T12:01:00Z") {
			t.Errorf("Stamp a minute before = %v", err)
		}
		if err := s.ForgetStamp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Stamp(t.Context(), noon); err != nil {
			t.Errorf("Stamp after the last was forgotten = %v", err)
		}
	})
}

func TestNoPasswordInWhatIsSaid(t *testing.T) {
	for _, where := range []string{
		"postgres://ann:geheim@127.0.0.1:1/ledger",
		"postgres://ann:geheim@127.0.0.1:1/ledger?password=geheim&sslpassword=geheim",
		"postgres://ann:geheim%zz@127.0.0.1:1/ledger",
		"postgres://ann:x@geheim:geheim@127.0.0.1:1/ledger",
		"postgres://ann:geheim#x@127.0.0.1:1/ledger",
		"postgresql://127.0.0.1:geheim/ledger?password=geheim",
		"postgres://127.0.0.1:1/ledger?connect_timeout=geheim",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		s, err := Open(ctx, where)
		cancel()
		if err == nil {
			t.Errorf("Open = %v", s.Close())
			continue
		}
		if strings.Contains(err.Error(), "geheim") || strings.Contains(Name(where), "geheim") {
			t.Errorf("the secret is told: %v (named %s)", err, Name(where))
		}
	}
	if got := Name("postgres://ann:geheim@db.example:5433/ledger?sslmode=require"); got != "postgres://ann@db.example:5433/ledger" {
		t.Errorf("Name = %s", got)
	}
}

func TestAServerThatIsAwayIsNamedAndComesBack(t *testing.T) {
	server := storetest.Private(t)
	s := openFor(t, server.Database())
	ann := join(t, s, "ann", 10*money.Euro)
	for range 2 {
		server.Kill()
		for _, err := range []error{
			s.Check(t.Context()),
			s.Stamp(t.Context(), at("10-10 12:00:00")),
		} {
			if !errors.Is(err, ErrAway) || !Busy(err) {
				t.Errorf("without its server the ledger answers %v", err)
			}
		}
		server.Start()
		if m, err := s.Member(t.Context(), ann); err != nil || m.Name != "ann" {
			t.Errorf("when the server is back: %+v, %v", m, err)
		}
		if err := s.Stamp(t.Context(), at("10-10 12:00:00")); err != nil {
			t.Errorf("when the server is back: %v", err)
		}
	}
	// In the middle of a transaction.
	err := s.Write(t.Context(), func(tx *Tx) error {
		if _, err := tx.AddMember(at("10-01 00:00:00"), NewMember{Name: "bob", Budget: flattr.DefaultBudget}); err != nil {
			return err
		}
		server.Kill()
		_, err := tx.AddMember(at("10-01 00:00:00"), NewMember{Name: "cid", Budget: flattr.DefaultBudget})
		return err
	})
	if !errors.Is(err, ErrAway) {
		t.Errorf("away in the middle: %v", err)
	}
	server.Start()
	if _, err := s.MemberByName(t.Context(), "bob"); flattr.CodeOf(err) != flattr.NotFound {
		t.Errorf("bob = %v, want nobody", err)
	}
}

// A server answers a request that panics with an error and goes on: what the
// request had begun to write must not keep the others out.
func TestAPanicKeepsNobodyFromWriting(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 10*money.Euro)
		now := at("10-05 12:00:00")
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is not passed on")
				}
			}()
			_ = s.Write(t.Context(), func(tx *Tx) error {
				if _, err := tx.Record(now, ann, click(1, "https://a.example/", now)); err != nil {
					t.Error(err)
				}
				panic("in the middle")
			})
		}()
		ctx, cancel := context.WithTimeout(t.Context(), busyMilliseconds*time.Millisecond/2)
		defer cancel()
		if err := s.SetBudget(ctx, now, ann, 3*money.Euro); err != nil {
			t.Error(err)
		}
		if _, known, err := eventOf(t, s, event(1)); err != nil || known {
			t.Errorf("the log has what was not finished: %t (%v)", known, err)
		}
	})
}
