package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// open makes a ledger for one test.
func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "ledger.db"))
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

func TestClickHoldsTheBudgetAndUndoReleasesIt(t *testing.T) {
	s := open(t)
	ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
	own(t, s, "https://bob.example/1", bob)
	now := at("10-02 12:00:00")
	out := record(t, s, now, ann, click(1, "http://www.bob.example/1", now))
	if out.Result != flattr.Accepted || out.Month.String() != "2026-10" || out.Promise || out.URL != "https://bob.example/1" {
		t.Errorf("click = %+v", out)
	}
	check := func(wantMeans, wantHeld money.Micro, clicks int) {
		t.Helper()
		means, months, err := s.Summaries(context.Background(), now, ann)
		if err != nil {
			t.Fatal(err)
		}
		if means != wantMeans || months[0].Held != wantHeld || months[0].Clicks != clicks {
			t.Errorf("means = %s, month = %+v, want %s, held %s, clicks %d", means, months[0], wantMeans, wantHeld, clicks)
		}
	}
	check(3*money.Euro, 2*money.Euro, 1)
	if out := record(t, s, now, ann, click(2, "https://bob.example/1", now)); out.Result != flattr.Duplicate || out.Counts != event(1) {
		t.Errorf("second click = %+v", out)
	}
	check(3*money.Euro, 2*money.Euro, 1)
	now = now.Add(time.Second)
	if out := record(t, s, now, ann, undo(3, 1, now)); out.Result != flattr.Accepted {
		t.Errorf("undo = %+v", out)
	}
	check(5*money.Euro, 0, 0)
	if out := record(t, s, now, ann, click(2, "https://bob.example/1", now.Add(-time.Second))); out.Result != flattr.Duplicate {
		t.Errorf("second click again = %+v, want the first answer", out)
	}
	views, err := s.Clicks(context.Background(), now, ann, out.Month)
	if err != nil || len(views) != 2 {
		t.Fatalf("Clicks = %+v, %v", views, err)
	}
	if _, err := s.Revenue(context.Background(), now, bob); err != nil {
		t.Fatal(err)
	}
}
