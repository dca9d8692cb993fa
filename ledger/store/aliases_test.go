package store

import (
	"context"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// alias makes a URL an alias.
func alias(t testing.TB, s *Store, now, url, of string) {
	t.Helper()
	do(t, s, func(tx *Tx) error { return tx.Alias(at(now), url, of) })
}

func TestAliasesFollowEachOtherAndNeverGoInACircle(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		bob := join(t, s, "bob", 0)
		own(t, s, "https://d.example/", bob)
		const now = "10-02 12:00:00"
		alias(t, s, now, "https://a.example/", "https://b.example/")
		alias(t, s, now, "https://c.example/", "https://d.example/")
		alias(t, s, now, "https://b.example/", "https://c.example/")
		alias(t, s, now, "https://b.example/", "http://www.c.example") // the same again
		for _, url := range []string{"https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/"} {
			if got := ownerAt(t, s, url); got != bob {
				t.Errorf("owner of %s after aliases = %d, want %d", url, got, bob)
			}
		}
		for _, c := range [][2]string{
			{"https://d.example/", "https://d.example/"},
			{"https://d.example/", "https://a.example/"},
			{"https://d.example/", "https://c.example/"},
			{"https://a.example/", "https://a.example/"},
			{"https://a.example/", "https://d.example/"}, // named b: for good
			{"https://b.example/", "https://a.example/"},
			{"https://new.example/", "https://new.example"},
			{"https://new.example/", "ftp://a.example/"},
			{"nothing", "https://a.example/"},
		} {
			err := s.Write(context.Background(), func(tx *Tx) error { return tx.Alias(at(now), c[0], c[1]) })
			if flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("alias %s of %s: %v, want %s", c[0], c[1], err, flattr.Invalid)
			}
		}
		var things int
		do(t, s, func(tx *Tx) error { return tx.row(`SELECT COUNT(*) FROM thing`).Scan(&things) })
		if things != 4 {
			t.Errorf("%d things, want 4: what is refused makes none", things)
		}
	})
}

func TestAClaimOfAnAliasTakesNothingFromItsTarget(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const now = "10-02 12:00:00"
		ann, mallory := join(t, s, "ann", 9*money.Euro), join(t, s, "mallory", 9*money.Euro)
		alias(t, s, now, "https://short.example/x", "https://victim.example/")
		record(t, s, at(now), ann, click(1, "https://victim.example/", at(now)))
		claimed(t, s, at(now), mallory, "https://short.example/")
		for _, url := range []string{"https://victim.example/", "https://short.example/x"} {
			if got := ownerAt(t, s, url); got != 0 {
				t.Errorf("owner of %s = %d, want nobody", url, got)
			}
		}
		if out := record(t, s, at(now), mallory, click(2, "https://short.example/x", at(now))); !out.Promise {
			t.Errorf("click on the alias = %+v, want a promise", out)
		}
	})
}

func TestOwnThingIsJudgedAfterAliases(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const now = "10-02 12:00:00"
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 9*money.Euro)
		own(t, s, "https://bob.example/", bob)
		own(t, s, "https://ann.example/", ann)
		record(t, s, at(now), bob, click(1, "https://copy.example/", at(now)))
		record(t, s, at(now), ann, click(2, "https://copy.example/", at(now)))
		alias(t, s, "10-02 13:00:00", "https://copy.example/", "https://bob.example/")
		alias(t, s, "10-02 13:00:00", "https://ann.example/", "https://bob.example/")
		mustCount(t, s, bob, 202610)
		meansAre(t, s, bob, 9*money.Euro)
		mustCount(t, s, ann, 202610, event(2))
		if out := record(t, s, at("10-03 12:00:00"), bob, click(3, "https://copy.example/", at("10-03 12:00:00"))); out.Code != flattr.OwnThing {
			t.Errorf("bob's click on the alias of his thing = %+v, want %s", out, flattr.OwnThing)
		}
		if out := record(t, s, at("10-03 12:00:00"), ann, click(4, "https://ann.example/", at("10-03 12:00:00"))); out.Result != flattr.Accepted || out.Promise {
			t.Errorf("ann's click on what is bob's by an alias = %+v", out)
		}
	})
}

func TestTheFreezeLetsOneClickOfAliasesStay(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		own(t, s, "https://bob.example/2", bob)
		when := at("10-05 12:00:00")
		record(t, s, when, ann, click(2, "https://bob.example/", at("10-04 12:00:00")))
		record(t, s, when, ann, click(3, "https://copy.example/", at("10-03 12:00:00")))
		record(t, s, when, ann, click(1, "https://other.example/", at("10-03 12:00:00")))
		record(t, s, when, ann, click(4, "https://bob.example/2", when))
		alias(t, s, "10-05 13:00:00", "https://copy.example/", "https://bob.example/")
		alias(t, s, "11-03 23:00:00", "https://other.example/", "https://copy.example/")
		mustCount(t, s, ann, 202610, event(1), event(2), event(3), event(4))
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("11-04 00:00:00"), 202610) })
		mustCount(t, s, ann, 202610, event(1), event(4)) // the first by time, then id
		views, err := s.Clicks(context.Background(), when, ann, 202610)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			want := money.Micro(0)
			if v.Counts {
				want = money.Euro
			}
			if v.Share != want || v.Promise || v.Undone {
				t.Errorf("click %s = %+v, want share %s", v.ID, v, want)
			}
		}
	})
}
