package store

import (
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// A profile is private until its member says otherwise, since then and not
// before, and goes with the member.
func TestProfile(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 0)
		now := at("11-02 12:00:00")
		if p, err := s.Profile(t.Context(), ann); err != nil || p != (flattr.Profile{}) {
			t.Fatalf("Profile = %+v, %v, want nothing", p, err)
		}
		want := flattr.Profile{FirstName: "Ann", About: "Reads.\nWrites.", URL: "https://ann.example/", Email: "ann@ann.example", Public: true}
		set := func(now time.Time, p flattr.Profile) {
			t.Helper()
			if err := s.SetProfile(t.Context(), now, ann, p); err != nil {
				t.Fatalf("SetProfile = %v", err)
			}
		}
		since := func(want time.Time) {
			t.Helper()
			if p, err := s.Profile(t.Context(), ann); err != nil || !p.PublicSince.Equal(want) || p.Public == want.IsZero() {
				t.Errorf("Profile = %+v, %v, want it public since %v", p, err, want)
			}
		}
		set(now, want)
		got, err := s.Profile(t.Context(), ann)
		if want.PublicSince = now; err != nil || got != want {
			t.Errorf("Profile = %+v, %v, want %+v", got, err, want)
		}
		set(now.Add(time.Hour), want)
		since(now)
		private := want
		private.Public = false
		set(now.Add(2*time.Hour), private)
		since(time.Time{})
		set(now.Add(3*time.Hour), want)
		since(now.Add(3 * time.Hour))
		for name, bad := range map[string]flattr.Profile{
			"script": {URL: "javascript:alert(1)"}, "no host": {URL: "https://"}, "user": {URL: "https://a@b.example/"}, "no mail": {Email: "ann"},
			"mail": {Email: "ann@x <y>"}, "long": {FirstName: strings.Repeat("a", 81)}, "no text": {City: "\xff"},
		} {
			if err := s.SetProfile(t.Context(), now, ann, bad); flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("%s: SetProfile = %v, want invalid_request", name, err)
			}
		}
		if err := s.SetProfile(t.Context(), now, 1, flattr.Profile{}); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("SetProfile of nobody = %v, want not_found", err)
		}
		if _, err := s.Delete(t.Context(), now.Add(4*time.Hour), "ann"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
		if p, err := s.Profile(t.Context(), ann); err != nil || p != (flattr.Profile{}) {
			t.Errorf("Profile after the deletion = %+v, %v, want nothing", p, err)
		}
	})
}

// What stands for another thing is answered as that one, with the clicks of both.
func TestAnAliasIsReadAsWhatItStandsFor(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("11-02 12:00:00")
		bob, ann, cyd := join(t, s, "bob", 0), join(t, s, "ann", 9*money.Euro), join(t, s, "cyd", 9*money.Euro)
		own(t, s, "https://bob.example/", bob)
		first := record(t, s, now, ann, click(1, "https://bob.example/", now))
		second := record(t, s, now, cyd, click(2, "https://bob.example/?from=feed", now))
		do(t, s, func(tx *Tx) error { return tx.Alias(now, "https://bob.example/?from=feed", "https://bob.example/") })
		things, err := s.Things(t.Context(), []flattr.ThingID{second.ThingID, 1, first.ThingID})
		if err != nil || len(things) != 2 {
			t.Fatalf("Things = %+v, %v, want two", things, err)
		}
		for _, thing := range things {
			if thing.ID != first.ThingID || thing.Flattrs != 2 || thing.Readers != 2 || thing.Owner != "bob" {
				t.Errorf("thing = %+v, want %d with 2 clicks of 2 readers", thing, first.ThingID)
			}
		}
	})
}

// A promise becomes a click when its author is known; that does not show what was
// flattred in private.
func TestWhatWasPromisedInPrivateStaysPrivate(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 20*money.Euro), join(t, s, "bob", 0)
		record(t, s, at("10-03 12:00:00"), ann, click(1, "https://bob.example/private", at("10-03 12:00:00")))
		if err := s.SetProfile(t.Context(), at("10-04 12:00:00"), ann, flattr.Profile{Public: true}); err != nil {
			t.Fatal(err)
		}
		record(t, s, at("10-05 12:00:00"), ann, click(2, "https://bob.example/public", at("10-05 12:00:00")))
		frozen(t, s, "11-04 12:00:00")
		claimed(t, s, at("11-05 12:00:00"), bob, "https://bob.example/")
		mustCount(t, s, ann, 202611, became(1), became(2))
		for of, list := range map[string]func() ([]flattr.Flattred, error){
			"reader": func() ([]flattr.Flattred, error) {
				return s.FlattrsOf(t.Context(), at("11-06 12:00:00"), ann, false, 10, 0)
			},
			"author": func() ([]flattr.Flattred, error) { return s.FlattrsFor(t.Context(), bob, 10, 0) },
		} {
			got, err := list()
			if err != nil || len(got) == 0 {
				t.Errorf("public clicks of the %s = %+v, %v, want those that were made in public", of, got, err)
			}
			for _, f := range got {
				if f.Thing.URL != "https://bob.example/public" {
					t.Errorf("the %s's list shows %s, clicked at %s", of, f.Thing.URL, f.At)
				}
			}
		}
	})
}
