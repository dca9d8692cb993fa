package store

import (
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Anybody can register what nobody has claimed. Who does so and takes it away again
// hides nothing that others flattr, and keeps nothing from its later owner.
func TestAStrangerHidesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 12:00:00")
		ann, mallory, victim := join(t, s, "ann", 20*money.Euro), join(t, s, "mallory", 0), join(t, s, "victim", 0)
		away := func(url string) flattr.ThingID {
			t.Helper()
			id := registered(t, s, mallory, flattr.ThingRef{URL: url, Title: "Mallory's", Description: "Mine", Hidden: true})
			if err := s.Withdraw(ctx, now, mallory, id); err != nil {
				t.Fatal(err)
			}
			return id
		}
		seen := func(what, url string, id flattr.ThingID, want bool) {
			t.Helper()
			_, err := s.Thing(ctx, id)
			known, lookErr := s.LookUp(ctx, url)
			if (err == nil) != want || lookErr != nil || (known.Thing == id) != want {
				t.Errorf("%s: Thing = %v, LookUp = %+v, %v, want in view %v", what, err, known, lookErr, want)
			}
		}
		record(t, s, now, ann, click(1, "https://victim.example/before", now))
		before, after, never := away("https://victim.example/before"), away("https://victim.example/after"), away("https://victim.example/never")
		seen("what was flattred before", "https://victim.example/before", before, true)
		seen("what nobody has flattred yet", "https://victim.example/after", after, false)
		record(t, s, now, ann, click(2, "https://victim.example/after", now))
		seen("what was flattred after", "https://victim.example/after", after, true)
		seen("what nobody flattrs", "https://victim.example/never", never, false)
		refusedWith(t, "Withdraw again", s.Withdraw(ctx, now, mallory, before), flattr.Forbidden)
		if err := s.SubscribeTo(ctx, now, ann, event(9), before, 0); err != nil {
			t.Errorf("SubscribeTo what a stranger took away = %v", err)
		}
		if list, err := s.FlattrsOf(ctx, now, ann, true, 10, 0); err != nil || len(list) != 2 {
			t.Errorf("the reader's own list = %+v, %v, want both", list, err)
		}
		if err := s.SetProfile(ctx, now, ann, flattr.Profile{Public: true}); err != nil {
			t.Fatal(err)
		}
		record(t, s, now, ann, click(3, "https://victim.example/veiled", now))
		registered(t, s, mallory, flattr.ThingRef{URL: "https://victim.example/veiled", Hidden: true})
		if list, err := s.FlattrsOf(ctx, now, ann, false, 10, 0); err != nil || len(list) != 3 {
			t.Errorf("the reader's public list = %+v, %v, want three", list, err)
		}
		hidden := registered(t, s, mallory, flattr.ThingRef{URL: "https://victim.example/hidden", Title: "Hidden", Hidden: true})
		expectFound(t, s, Search{}, "")

		claimed(t, s, now.Add(time.Hour), victim, "https://victim.example/")
		for _, id := range []flattr.ThingID{before, after, never, hidden} {
			if v, err := s.Thing(ctx, id); err != nil || v.Hidden || v.Owner != "victim" || v.Registrar != 0 {
				t.Errorf("after the claim %d is %+v, %v, want the victim's to be seen", id, v, err)
			}
		}
		expectFound(t, s, Search{User: "victim", Sort: ByFlattrs, Query: "Hidden"}, "Hidden")
		do(t, s, func(tx *Tx) error { return tx.drop(now.Add(2*time.Hour), "victim.example/", victim, nil) })
		refusedWith(t, "Edit after the claim has lapsed", s.Edit(ctx, now, mallory, hidden, Edit{}), flattr.Forbidden)
		refusedWith(t, "Withdraw after the claim has lapsed", s.Withdraw(ctx, now, mallory, hidden), flattr.Forbidden)
	})
}

// What the owner takes out of view stays out of it, whoever has flattred it; and
// their own registration stays theirs.
func TestAnOwnersWordOnBeingShownHolds(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 20*money.Euro), join(t, s, "bob", 0)
		hidden := registered(t, s, bob, flattr.ThingRef{URL: "https://bob.example/hidden", Hidden: true})
		claimed(t, s, now, bob, "https://bob.example/")
		if v, err := s.Thing(ctx, hidden); err != nil || !v.Hidden || v.Registrar != bob {
			t.Errorf("what bob hid himself is %+v, %v after his claim", v, err)
		}
		out := record(t, s, now, ann, click(1, "https://bob.example/gone", now))
		if err := s.Withdraw(ctx, now, bob, out.ThingID); err != nil {
			t.Fatal(err)
		}
		_, err := s.Thing(ctx, out.ThingID)
		refusedWith(t, "Thing that its owner has withdrawn", err, flattr.NotFound)
	})
}

// A subscription that began in private shows in no month, and names nobody to a
// hook; one that began in public, and what is clicked by hand, does.
func TestASubscriptionMadeInPrivateStaysPrivate(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		ann, bob := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/private", bob)
		own(t, s, "https://bob.example/public", bob)
		if _, err := s.AddHook(ctx, at("10-01 00:00:00"), flattr.Hook{Name: "ring", URL: "https://ring.example/hook", SiteURL: "https://ring.example/"}); err != nil {
			t.Fatal(err)
		}
		subscribed(t, s, "10-03 12:00:00", ann, 1, "https://bob.example/private", 0)
		subscribed(t, s, "10-03 12:00:00", ann, 2, "https://ring.example/private", 0)
		if err := s.SetProfile(ctx, at("10-04 12:00:00"), ann, flattr.Profile{Public: true}); err != nil {
			t.Fatal(err)
		}
		subscribed(t, s, "10-05 12:00:00", ann, 3, "https://bob.example/public", 0)
		subscribed(t, s, "10-05 12:00:00", ann, 4, "https://ring.example/public", 0)
		if _, err := s.FlattrsOf(ctx, at("11-06 12:00:00"), ann, true, 10, 0); err != nil { // November is made
			t.Fatal(err)
		}
		mine, err := s.FlattrsOf(ctx, at("11-06 12:00:00"), ann, true, 20, 0)
		if err != nil || len(mine) != 8 {
			t.Fatalf("ann's own list has %d clicks, %v, want 8", len(mine), err)
		}
		of := func() map[string]int {
			t.Helper()
			shown := map[string]int{}
			list, err := s.FlattrsOf(ctx, at("11-06 12:00:00"), ann, false, 20, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list {
				shown[f.Thing.URL]++
			}
			return shown
		}
		if got := of(); len(got) != 2 || got["https://bob.example/public"] != 2 || got["https://ring.example/public"] != 2 {
			t.Errorf("the public list shows %v", got)
		}
		hooks, err := s.DueHooks(ctx, at("11-06 12:00:00"))
		if err != nil || len(hooks) != 1 {
			t.Fatalf("DueHooks = %v, %v", hooks, err)
		}
		work, err := s.HookWork(ctx, at("11-06 12:00:00"), hooks[0], 20)
		if err != nil || len(work.Deliveries) != 4 {
			t.Fatalf("HookWork = %+v, %v, want 4", work, err)
		}
		for _, d := range work.Deliveries {
			if named := d.URL == "https://ring.example/public"; (d.Flattrer == "ann") != named {
				t.Errorf("the hook is told that %q flattred %s", d.Flattrer, d.URL)
			}
		}
	})
}
