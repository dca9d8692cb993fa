package store

import (
	"slices"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// authorsOf are the authors of a URL's thing and their parts.
func authorsOf(t *testing.T, s *Store, url string) (parts []flattr.Part) {
	t.Helper()
	key, err := flattr.KeyOf(url)
	if err != nil {
		t.Fatal(err)
	}
	do(t, s, func(tx *Tx) error {
		found, err := tx.thingByKey(key)
		if err != nil {
			return err
		}
		parts, err = tx.authors(found)
		return err
	})
	return parts
}

// Who owns a site and names the owner of a page in it as co-author, unasked, gets
// nothing of that page: parts that a member sets are of what is the member's.
func TestPartsOfOneTakeNothingFromAnother(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 00:00:00")
		mal, bob, ann := join(t, s, "mallory", 0), join(t, s, "bob", 0), join(t, s, "ann", 9*money.Euro)
		claimed(t, s, now, mal, "https://host.example/")
		own(t, s, "https://host.example/mine", mal)
		own(t, s, "https://host.example/~bob/old", bob)
		greedy := []flattr.Part{{Author: mal, BP: 9999}, {Author: bob, BP: 1}}
		if err := s.Share(ctx, now, mal, "https://host.example/", greedy); err != nil {
			t.Fatal(err)
		}
		record(t, s, now, ann, click(1, "https://host.example/mine", now))
		record(t, s, now, ann, click(2, "https://host.example/~bob/old", now))
		if got := authorsOf(t, s, "https://host.example/mine"); !slices.Equal(got, greedy) {
			t.Errorf("of what is mallory's the authors are %v, want %v", got, greedy)
		}
		alone := []flattr.Part{{Author: bob, BP: flattr.AllParts}}
		if got := authorsOf(t, s, "https://host.example/~bob/old"); !slices.Equal(got, alone) {
			t.Errorf("of bob's page the authors are %v, want bob alone", got)
		}
		// Nor of what becomes bob's later.
		claimed(t, s, now, bob, "https://host.example/~bob/")
		own(t, s, "https://host.example/~bob/new", bob)
		record(t, s, now, ann, click(3, "https://host.example/~bob/new", now))
		if got := authorsOf(t, s, "https://host.example/~bob/new"); !slices.Equal(got, alone) {
			t.Errorf("of bob's new page the authors are %v, want bob alone", got)
		}
		if list, err := s.AuthorThings(ctx, now, mal, ThingSearch{Limit: 10}); err != nil || len(list.Things) != 1 {
			t.Errorf("mallory's things are %+v, %v, want one", list.Things, err)
		}
		// Mallory may flattr bob's page: it is not an own thing.
		if out := record(t, s, now, join(t, s, "eve", 9*money.Euro), click(4, "https://host.example/~bob/new", now)); out.Result != flattr.Accepted {
			t.Errorf("eve's click = %+v", out)
		}
		frozen(t, s, "11-04 00:00:00")
		do(t, s, func(tx *Tx) error {
			var stolen int
			err := tx.row(`SELECT COUNT(*) FROM snapshot_part p JOIN thing t ON t.id = p.thing WHERE t.owner = $1`, int64(bob)).Scan(&stolen)
			if stolen != 0 {
				t.Errorf("the snapshot has %d parts in what is bob's", stolen)
			}
			return err
		})
	})
}

// What the operator has set for a site may be what others live by: its owner does
// not replace it, nor end it.
func TestPartsOfTheOperatorThatOthersLiveByStay(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 00:00:00")
		mal, bob, cyd := join(t, s, "mallory", 0), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		claimed(t, s, now, mal, "https://host.example/")
		own(t, s, "https://host.example/bob", bob)
		set := []flattr.Part{{Author: bob, BP: 5000}, {Author: cyd, BP: 5000}}
		shared(t, s, now, "https://host.example/", set...)
		err := s.Share(ctx, now, mal, "https://host.example/", []flattr.Part{{Author: mal, BP: 5000}, {Author: cyd, BP: 5000}})
		if flattr.CodeOf(err) != flattr.Forbidden {
			t.Errorf("mallory replaces what bob and cyd live by: %v", err)
		}
		if err := s.EndSharing(ctx, now, mal, "https://host.example/"); flattr.CodeOf(err) != flattr.Forbidden {
			t.Errorf("mallory ends what bob and cyd live by: %v", err)
		}
		if got := authorsOf(t, s, "https://host.example/bob"); !slices.Equal(got, set) {
			t.Errorf("the authors are %v, want %v", got, set)
		}
	})
}

// Parts that a member has set end with that member's being the owner: who gets the
// site next, even a co-author, owes them to nobody.
func TestPartsOfAFormerOwnerDoNotHold(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 00:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		checked(t, s, now, ask(t, s, now, ann, "https://site.example/"), byMeta)
		if err := s.Share(ctx, now, ann, "https://site.example/", []flattr.Part{{Author: ann, BP: 9000}, {Author: bob, BP: 1000}}); err != nil {
			t.Fatal(err)
		}
		record(t, s, now, join(t, s, "eve", 9*money.Euro), click(1, "https://site.example/1", now))
		ask(t, s, now, bob, "https://site.example/")
		if _, err := s.DecideClaim(ctx, now, "https://site.example/", "bob"); err != nil {
			t.Fatal(err)
		}
		if got := authorsOf(t, s, "https://site.example/1"); len(got) != 1 || got[0].Author != bob {
			t.Errorf("the authors are %v, want bob alone", got)
		}
		sh, err := s.Sharing(ctx, bob, "https://site.example/")
		if err != nil || sh.Holds() {
			t.Errorf("what ann has set holds for bob: %+v, %v", sh, err)
		}
	})
}

// A co-author who deletes the account takes nobody else's part along.
func TestWhoIsDeletedTakesNobodysPartAlong(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob, cyd := join(t, s, "ann", 0), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		own(t, s, "https://ann.example/1", ann)
		own(t, s, "https://ann.example/2", ann)
		if err := s.Share(ctx, now, ann, "https://ann.example/1", []flattr.Part{{Author: cyd, BP: 2000}, {Author: ann, BP: 3000}, {Author: bob, BP: 5000}}); err != nil {
			t.Fatal(err)
		}
		shared(t, s, now, "https://ann.example/2", flattr.Part{Author: bob, BP: 1}, flattr.Part{Author: cyd, BP: 9998}, flattr.Part{Author: ann, BP: 1})
		if _, err := s.Delete(ctx, now, "cyd"); err != nil {
			t.Fatal(err)
		}
		want := []flattr.Part{{Author: ann, BP: 5000}, {Author: bob, BP: 5000}}
		if got := authorsOf(t, s, "https://ann.example/1"); !slices.Equal(got, want) {
			t.Errorf("the authors are %v, want %v: cyd's part falls to the owner", got, want)
		}
		want = []flattr.Part{{Author: bob, BP: 1}, {Author: ann, BP: 9999}}
		if got := authorsOf(t, s, "https://ann.example/2"); !slices.Equal(got, want) {
			t.Errorf("the authors are %v, want %v: cyd's part falls to the owner", got, want)
		}
		sh, err := s.Sharings(ctx, bob, 10, 0)
		if err != nil || len(sh) != 2 {
			t.Errorf("bob shares %+v, %v", sh, err)
		}
		// The owner's going leaves the thing to nobody.
		if _, err := s.Delete(ctx, now.Add(time.Hour), "ann"); err != nil {
			t.Fatal(err)
		}
		if got := authorsOf(t, s, "https://ann.example/1"); len(got) != 0 {
			t.Errorf("the authors are %v, want nobody", got)
		}
	})
}
