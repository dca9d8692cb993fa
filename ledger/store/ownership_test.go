package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// do runs steps of a transaction that must go well.
func do(t testing.TB, s *Store, steps ...func(tx *Tx) error) {
	t.Helper()
	err := s.Write(context.Background(), func(tx *Tx) error {
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claimed claims a URL.
func claimed(t testing.TB, s *Store, now time.Time, owner flattr.MemberID, url string) {
	t.Helper()
	do(t, s, func(tx *Tx) error { return tx.Claim(now, owner, url) })
}

// shared sets parts: author, basis points, author, basis points …
func shared(t testing.TB, s *Store, now time.Time, url string, parts ...flattr.Part) {
	t.Helper()
	do(t, s, func(tx *Tx) error { return tx.SetParts(now, url, parts) })
}

// ownerAt is the owner that a URL's thing has, or would have when it is met.
func ownerAt(t testing.TB, s *Store, url string) (owner flattr.MemberID) {
	t.Helper()
	key, err := flattr.KeyOf(url)
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(context.Background(), func(tx *Tx) error {
		found, err := tx.thingByKey(key)
		if err == nil && found.id == 0 {
			found, err = tx.expected(key)
		}
		owner = found.owner
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return owner
}

// counting are the clicks of a reader that count in a month, as numbers of
// event; one that is not made by event has the number 0.
func counting(t testing.TB, s *Store, reader flattr.MemberID, month flattr.Month) map[string]bool {
	t.Helper()
	views, err := s.Clicks(context.Background(), time.Time{}, reader, month)
	if err != nil {
		t.Fatal(err)
	}
	ids := make(map[string]bool)
	for _, v := range views {
		if v.Counts {
			ids[v.ID.String()] = true
		}
	}
	return ids
}

// mustCount holds that exactly these clicks count.
func mustCount(t testing.TB, s *Store, reader flattr.MemberID, month flattr.Month, want ...flattr.EventID) {
	t.Helper()
	got := counting(t, s, reader, month)
	for _, id := range want {
		if !got[id.String()] {
			t.Errorf("%s: click %s does not count; those that do: %v", month, id, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d clicks count, want %d: %v", month, len(got), len(want), got)
	}
}

// meansAre holds what a reader has not given yet.
func meansAre(t testing.TB, s *Store, reader flattr.MemberID, want money.Micro) {
	t.Helper()
	m, err := s.Member(context.Background(), reader)
	if err != nil {
		t.Fatal(err)
	}
	if m.Means != want {
		t.Errorf("means of %s = %s, want %s", m.Name, m.Means, want)
	}
}

// coverage is who owns what where bob has claimed https://blog.example, cyd some
// of what is below it.
func coverage(bob, cyd flattr.MemberID) map[string]flattr.MemberID {
	return map[string]flattr.MemberID{
		"https://blog.example/":                   bob,
		"https://blog.example/?a":                 bob,
		"https://blog.example/1#x/y":              bob,
		"https://blog.example/cyd":                cyd,
		"https://blog.example/cyd/":               bob, // the claim was of one thing
		"https://blog.example/cyd2":               bob,
		"https://blog.example/cyd?x":              bob,
		"https://blog.example/deep":               bob,
		"https://blog.example/deep/er":            bob,
		"https://blog.example/deep/er/":           cyd,
		"https://blog.example/deep/er/1":          cyd,
		"https://blog.example/deep/er?x":          bob,
		"https://blog.example/deep/es/1":          bob,
		"https://blog.example/query/?q=/":         cyd,
		"https://blog.example/query/?q=/1":        bob,
		"https://blog.example/query/":             bob,
		"https://blog.example.evil.example/":      0,
		"https://blog.example.evil.example/cyd":   0,
		"https://blog.exampl/":                    0,
		"https://log.example/":                    0,
		"https://blog.example:8443/":              0,
		"https://evil.example/blog.example/":      0,
		"https://evil.example/?blog.example/":     0,
		"https://xn--blog-example-9ra.evil.test/": 0,
	}
}

func TestAClaimCoversWhatItsAddressCovers(t *testing.T) {
	for name, met := range map[string]bool{"met before": true, "met later": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *Store) { covers(t, s, met) })
		})
	}
}

// covers claims, and looks at who owns things that were met before or are now.
func covers(t *testing.T, s *Store, met bool) {
	now := at("10-02 12:00:00")
	bob, cyd := join(t, s, "bob", 0), join(t, s, "cyd", 0)
	owners := coverage(bob, cyd)
	for url := range owners {
		if met {
			own(t, s, url, 0)
		}
	}
	claimed(t, s, now, cyd, "http://www.blog.example/cyd")
	claimed(t, s, now, cyd, "https://blog.example/deep/er/")
	claimed(t, s, now, cyd, "https://blog.example/query/?q=/")
	claimed(t, s, now, bob, "https://blog.example") // the same as with a slash
	for url, want := range owners {
		if got := ownerAt(t, s, url); got != want {
			t.Errorf("owner of %s = %d, want %d (bob %d, cyd %d)", url, got, want, bob, cyd)
		}
	}
	err := s.Write(context.Background(), func(tx *Tx) error { return tx.Claim(now, cyd, "http://blog.example/") })
	if flattr.CodeOf(err) != flattr.Claimed {
		t.Errorf("a second claim of the same address: %v, want %s", err, flattr.Claimed)
	}
	claimed(t, s, now, bob, "https://blog.example/") // one's own again
	err = s.Write(context.Background(), func(tx *Tx) error { return tx.Claim(now, cyd, "https://user@blog.example/") })
	if flattr.CodeOf(err) != flattr.Invalid {
		t.Errorf("a claim with user info: %v, want %s", err, flattr.Invalid)
	}
}

func TestAClaimNeverReplacesAVerifiedOwner(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, cyd, zoe := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0), join(t, s, "zoe", 0)
		own(t, s, "https://site.example/zoe", zoe)
		record(t, s, now, ann, click(1, "https://site.example/met", now))
		claimed(t, s, now, bob, "https://site.example/")
		claimed(t, s, now, cyd, "https://site.example/met") // met, and bob's already
		record(t, s, now, ann, click(2, "https://site.example/zoe/later", now))
		own(t, s, "https://site.example/new", zoe) // what the operator says of a new thing
		for url, want := range map[string]flattr.MemberID{
			"https://site.example/zoe": zoe, "https://site.example/met": bob,
			"https://site.example/zoe/later": bob, "https://site.example/new": zoe,
		} {
			if got := ownerAt(t, s, url); got != want {
				t.Errorf("owner of %s = %d, want %d", url, got, want)
			}
		}
		err := s.Write(context.Background(), func(tx *Tx) error { return tx.AddThing(now, "https://site.example/met", "", zoe) })
		if !errors.Is(err, ErrOwnerChanged) {
			t.Errorf("another owner by hand: %v, want %v", err, ErrOwnerChanged)
		}
	})
}

func TestWhoeverAssertsToOwnAThingMayFlattrIt(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, mallory := join(t, s, "ann", 9*money.Euro), join(t, s, "mallory", 9*money.Euro)
		e := click(1, "https://victim.example/", now)
		e.Thing.Owner = "mallory"
		if out := record(t, s, now, ann, e); !out.Promise {
			t.Errorf("click on what mallory asserts to own = %+v, want a promise", out)
		}
		e = click(2, "https://victim.example/", now)
		e.Thing.Owner = "mallory"
		if out := record(t, s, now, mallory, e); out.Result != flattr.Accepted {
			t.Errorf("mallory's own click = %+v: asserting is no owning", out)
		}
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("11-04 00:00:00"), 202610) })
		for _, reader := range []flattr.MemberID{ann, mallory} {
			meansAre(t, s, reader, 9*money.Euro)
		}
		if got := ownerAt(t, s, "https://victim.example/"); got != 0 {
			t.Errorf("owner = %d, want nobody", got)
		}
	})
}

func TestWhoeverBecomesAnAuthorHasOwnClicksVoided(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		october, november := at("10-20 12:00:00"), at("11-02 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 9*money.Euro), join(t, s, "cyd", 9*money.Euro)
		own(t, s, "https://other.example/", join(t, s, "zoe", 0))
		record(t, s, october, bob, click(1, "https://site.example/a", october))
		record(t, s, october, bob, click(2, "https://other.example/", october))
		record(t, s, november, bob, click(3, "https://site.example/a", november))
		record(t, s, november, cyd, click(4, "https://site.example/b", november))
		record(t, s, november, ann, click(5, "https://site.example/a", november))
		shared(t, s, november, "https://site.example/", flattr.Part{Author: bob, BP: 9999}, flattr.Part{Author: cyd, BP: 1})
		mustCount(t, s, cyd, 202611, event(4)) // no owner yet: a promise like any other
		if out := record(t, s, november, cyd, click(6, "https://site.example/c", november)); out.Result != flattr.Accepted || !out.Promise {
			t.Errorf("click of one named in parts that do not hold yet = %+v", out)
		}
		claimed(t, s, november.Add(time.Hour), bob, "https://site.example/")
		mustCount(t, s, bob, 202610, event(2))
		mustCount(t, s, bob, 202611)
		mustCount(t, s, cyd, 202611)
		mustCount(t, s, ann, 202611, event(5))
		meansAre(t, s, bob, 7*money.Euro) // October is held for zoe
		meansAre(t, s, cyd, 9*money.Euro)
		for i, url := range []string{"https://site.example/a", "https://site.example/never/seen"} {
			for j, author := range []flattr.MemberID{bob, cyd} {
				if out := record(t, s, november, author, click(10+2*i+j, url, november)); out.Code != flattr.OwnThing {
					t.Errorf("click of an author on %s = %+v, want %s", url, out, flattr.OwnThing)
				}
			}
		}
		// The same again voids nothing again.
		shared(t, s, november, "https://site.example/", flattr.Part{Author: bob, BP: 5000}, flattr.Part{Author: cyd, BP: 5000})
		var voids int
		do(t, s, func(tx *Tx) error { return tx.row(`SELECT COUNT(*) FROM event WHERE kind = 'void'`).Scan(&voids) })
		if voids != 4 {
			t.Errorf("%d voids, want 4: each of bob's two and cyd's two once", voids)
		}
		// Who leaves may flattr again, but what was voided stays void.
		shared(t, s, november, "https://site.example/", flattr.Part{Author: bob, BP: 10000})
		mustCount(t, s, cyd, 202611)
		if out := record(t, s, november, cyd, click(20, "https://site.example/b", november)); out.Result != flattr.Accepted {
			t.Errorf("click of one who left = %+v", out)
		}
		mustCount(t, s, cyd, 202611, event(20))
	})
}

func TestPartsHoldWhereTheLongestNameTheOwner(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		bob, cyd, dan := join(t, s, "bob", 0), join(t, s, "cyd", 0), join(t, s, "dan", 0)
		own(t, s, "https://site.example/old", bob)
		own(t, s, "https://site.example/dan/1", bob)
		shared(t, s, now, "https://site.example/dan/1", flattr.Part{Author: dan, BP: 10000}) // does not name bob
		shared(t, s, now, "https://site.example/", flattr.Part{Author: bob, BP: 7500}, flattr.Part{Author: cyd, BP: 2500})
		own(t, s, "https://site.example/new", bob)
		own(t, s, "https://site.example/dan", dan)
		for url, want := range map[string][]flattr.Part{
			"https://site.example/old":   {{Author: bob, BP: 7500}, {Author: cyd, BP: 2500}},
			"https://site.example/new":   {{Author: bob, BP: 7500}, {Author: cyd, BP: 2500}},
			"https://site.example/dan":   {{Author: dan, BP: 10000}},
			"https://site.example/dan/1": {{Author: bob, BP: 10000}},
		} {
			key, err := flattr.KeyOf(url)
			if err != nil {
				t.Fatal(err)
			}
			do(t, s, func(tx *Tx) error {
				found, err := tx.thingByKey(key)
				if err != nil {
					return err
				}
				got, err := tx.authors(found)
				if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
					t.Errorf("authors of %s = %v, want %v", url, got, want)
				}
				return err
			})
		}
	})
}

func TestPartsThatDoNotAddUpAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		bob, cyd := join(t, s, "bob", 0), join(t, s, "cyd", 0)
		many := make([]flattr.Part, 20_000)
		for i := range many {
			many[i] = flattr.Part{Author: flattr.MemberID(i + 1), BP: 1}
		}
		for name, parts := range map[string][]flattr.Part{
			"nobody":      nil,
			"too little":  {{Author: bob, BP: 9999}},
			"too much":    {{Author: bob, BP: 9999}, {Author: cyd, BP: 2}},
			"nothing":     {{Author: bob, BP: 10000}, {Author: cyd, BP: 0}},
			"below":       {{Author: bob, BP: 10001}, {Author: cyd, BP: -1}},
			"twice":       {{Author: bob, BP: 5000}, {Author: bob, BP: 5000}},
			"wraps round": {{Author: bob, BP: 1<<63 - 1}, {Author: cyd, BP: 1<<63 - 1}},
			"too many":    many,
		} {
			err := s.Write(context.Background(), func(tx *Tx) error { return tx.SetParts(now, "https://site.example/", parts) })
			if flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("parts %s: %v, want %s", name, err, flattr.Invalid)
			}
		}
	})
}

func TestALongAddressIsLookedUpInFewSteps(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		// Claims beside the way that tell how long a beginning can be, but are none.
		for i := range 20 {
			claimed(t, s, now, bob, "https://long.example/"+strings.Repeat("b/", 40*i)+"a")
		}
		claimed(t, s, now, bob, "https://long.example/"+strings.Repeat("b/", 3))
		long := "https://long.example/" + strings.Repeat("b/", 1000)
		if got := ownerAt(t, s, long); got != bob {
			t.Errorf("owner of a long address = %d, want %d", got, bob)
		}
		if got := ownerAt(t, s, "https://long.example/"+strings.Repeat("/", 2000)); got != 0 {
			t.Errorf("owner beside the claims = %d, want nobody", got)
		}
		if out := record(t, s, now, ann, click(1, long, now)); out.Result != flattr.Accepted || out.Promise {
			t.Errorf("click on a long address = %+v", out)
		}
	})
}
