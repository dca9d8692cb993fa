package store

import (
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// byPage lets a reader flattr a page for which a button named somebody, and the
// page name an owner.
func byPage(t testing.TB, s *Store, now time.Time, reader flattr.MemberID, n int, url string, owner flattr.MemberID, named string) flattr.ThingID {
	t.Helper()
	e := click(n, url, now)
	e.Thing.Owner = named
	out := record(t, s, now, reader, e)
	if err := s.Looked(t.Context(), now, out.ThingID, owner, named); err != nil {
		t.Fatal(err)
	}
	if got := ownerAt(t, s, url); got != owner {
		t.Fatalf("owner of %s = %d, want %d", url, got, owner)
	}
	return out.ThingID
}

// looksAgain books whom a page names now.
func looksAgain(t testing.TB, s *Store, now time.Time, thing flattr.ThingID, names flattr.MemberID) bool {
	t.Helper()
	lapsed, err := s.PageChecked(t.Context(), now, thing, names)
	if err != nil {
		t.Fatal(err)
	}
	return lapsed
}

func TestAnOwnerWhomThePageNamesNoMoreLapsesAfterFourWeeks(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const page = "https://blog.example/1"
		now := at("08-20 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		thing := byPage(t, s, now, ann, 1, page, bob, "bob")
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("09-04 00:00:00"), 202608) })
		if due, err := s.DuePageOwners(t.Context(), now.Add(6*24*time.Hour), time.Hour, 9); err != nil || len(due) != 0 {
			t.Errorf("due after six days = %+v, %v, want nothing", due, err)
		}
		due, err := s.DuePageOwners(t.Context(), now.Add(flattr.ClaimRecheck), time.Hour, 9)
		if err != nil || len(due) != 1 || due[0].Thing != thing || due[0].Owner != bob || due[0].URL != page {
			t.Fatalf("due after a week = %+v, %v, want the page", due, err)
		}
		if again, err := s.DuePageOwners(t.Context(), now.Add(flattr.ClaimRecheck), time.Hour, 9); err != nil || len(again) != 0 {
			t.Errorf("due again at once = %+v, %v", again, err)
		}
		lost := at("09-05 12:00:00")
		looksAgain(t, s, lost, thing, 0)
		looksAgain(t, s, lost.Add(27*24*time.Hour), thing, bob) // it is back
		looksAgain(t, s, lost.Add(27*24*time.Hour), thing, cyd) // and gone
		if looksAgain(t, s, lost.Add(54*24*time.Hour), thing, cyd) || ownerAt(t, s, page) != bob {
			t.Error("lapsed before four weeks were over")
		}
		end := lost.Add(55 * 24 * time.Hour)
		if !looksAgain(t, s, end, thing, cyd) || ownerAt(t, s, page) != 0 {
			t.Errorf("owner after four weeks = %d, want nobody", ownerAt(t, s, page))
		}
		var frozen flattr.MemberID
		do(t, s, func(tx *Tx) error {
			return tx.row(`SELECT s.owner FROM snapshot_thing s JOIN thing t ON t.id = s.thing WHERE t.key = 'blog.example/1'`).Scan(&frozen)
		})
		if frozen != bob {
			t.Errorf("owner in the frozen month = %d, want %d for ever", frozen, bob)
		}
		if looks, err := s.DueLooks(t.Context(), end, time.Hour, 9); err != nil || len(looks) != 1 {
			t.Errorf("due to be looked at = %+v, %v, want the page: it may name somebody else", looks, err)
		}
		if err := s.Looked(t.Context(), end, thing, cyd, "cyd"); err != nil {
			t.Fatal(err)
		}
		change, _, err := s.LastChange(t.Context(), "blog.example/1")
		if err != nil || change.Owner != cyd || !change.Payable.Equal(end.Add(flattr.PayoutCooling)) {
			t.Errorf("change = %+v, %v, want cyd, and payable a week later", change, err)
		}
	})
}

func TestAClaimTakesThePlaceOfAnOwnerWhomOnlyThePageNames(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		thing := byPage(t, s, now, ann, 1, "https://blog.example/1", bob, "bob")
		own(t, s, "https://blog.example/granted", bob)
		record(t, s, now, cyd, click(2, "https://blog.example/1", now))
		c := checked(t, s, now, ask(t, s, now, cyd, "https://blog.example/"), byMeta)
		for url, want := range map[string]flattr.MemberID{"https://blog.example/1": cyd, "https://blog.example/granted": bob} {
			if got := ownerAt(t, s, url); got != want {
				t.Errorf("owner of %s = %d, want %d", url, got, want)
			}
		}
		if looksAgain(t, s, now.Add(99*24*time.Hour), thing, 0); ownerAt(t, s, "https://blog.example/1") != cyd {
			t.Error("the page took from the claimant what a claim gave")
		}
		if change, _, err := s.LastChange(t.Context(), c.Key); err != nil || !change.Payable.Equal(now.Add(flattr.PayoutCooling)) {
			t.Errorf("change = %+v, %v, want it payable a week later: the page was bob's", change, err)
		}
		if err := s.GiveUp(t.Context(), now, cyd, c.URL); err != nil {
			t.Fatal(err)
		}
		if owner := ownerAt(t, s, "https://blog.example/1"); owner != 0 {
			t.Errorf("owner without the claim = %d, want nobody until the page is looked at", owner)
		}
		if looks, err := s.DueLooks(t.Context(), now, time.Hour, 9); err != nil || len(looks) != 1 || looks[0].Thing != thing {
			t.Errorf("due to be looked at = %+v, %v, want the page", looks, err)
		}
	})
}

func TestTheOperatorsWordReachesWhatHungOnAPage(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("10-02 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		byPage(t, s, now, ann, 1, "https://blog.example/1", bob, "bob")
		kept := byPage(t, s, now, ann, 2, "https://other.example/1", bob, "bob")
		ask(t, s, now, cyd, "https://blog.example/")
		if _, err := s.DecideClaim(t.Context(), now, "https://blog.example/", "cyd"); err != nil {
			t.Fatal(err)
		}
		if owner := ownerAt(t, s, "https://blog.example/1"); owner != cyd {
			t.Errorf("owner after the decision = %d, want cyd %d", owner, cyd)
		}
		own(t, s, "https://other.example/1", bob)
		if looksAgain(t, s, now.Add(99*24*time.Hour), kept, 0); ownerAt(t, s, "https://other.example/1") != bob {
			t.Error("what the operator confirmed hung on the page still")
		}
		// Nothing of theirs is left when they go, or when no money is wanted.
		gone := byPage(t, s, now, ann, 3, "https://third.example/1", bob, "bob")
		if err := s.OptOut(t.Context(), now, "https://third.example/"); err != nil {
			t.Fatal(err)
		}
		fourth := byPage(t, s, now, ann, 4, "https://fourth.example/1", bob, "bob")
		do(t, s, func(tx *Tx) error { return tx.disown(now, bob) })
		for _, thing := range []flattr.ThingID{gone, fourth} {
			if looksAgain(t, s, now, thing, bob) {
				t.Error("lapsed what nobody has")
			}
		}
		if due, err := s.DuePageOwners(t.Context(), now.Add(99*24*time.Hour), time.Hour, 9); err != nil || len(due) != 0 {
			t.Errorf("due = %+v, %v, want nothing left", due, err)
		}
	})
}
