package store

import (
	"context"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// registered registers a thing.
func registered(t *testing.T, s *Store, who flattr.MemberID, ref flattr.ThingRef) flattr.ThingID {
	t.Helper()
	id, err := s.Register(context.Background(), at("10-01 00:00:00"), who, ref)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refusedWith holds that an error has a code.
func refusedWith(t *testing.T, what string, err error, want flattr.Code) {
	t.Helper()
	if flattr.CodeOf(err) != want {
		t.Errorf("%s = %v, want %q", what, err, want)
	}
}

func TestWhoRegistersEarnsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, mallory, victim := join(t, s, "ann", 5*money.Euro), join(t, s, "mallory", 0), join(t, s, "victim", 0)
		const url = "https://victim.example/1"
		id := registered(t, s, mallory, flattr.ThingRef{URL: url, Title: "Mine, says mallory"})
		if out := record(t, s, now, ann, click(1, url, now)); !out.Promise || out.ThingID != id {
			t.Fatalf("click = %+v, want a promise for %d", out, id)
		}
		if known, err := s.LookUp(ctx, url); err != nil || known.Thing != id || known.Owner != "" || known.Covered {
			t.Errorf("LookUp = %+v, %v, want no owner", known, err)
		}
		if err := s.Write(ctx, func(tx *Tx) error { return tx.Claim(now, victim, "https://victim.example/") }); err != nil {
			t.Fatal(err)
		}
		if known, err := s.LookUp(ctx, url); err != nil || known.Owner != "victim" {
			t.Errorf("LookUp after the claim = %+v, %v, want the victim's", known, err)
		}
		refusedWith(t, "Edit by mallory", s.Edit(ctx, now, mallory, id, Edit{}), flattr.Forbidden)
		_, err := s.Register(ctx, now, mallory, flattr.ThingRef{URL: "https://victim.example/2"})
		refusedWith(t, "Register below a claim", err, flattr.Forbidden)
		title := "The victim's"
		if err := s.Edit(ctx, now, victim, id, Edit{Title: &title}); err != nil {
			t.Errorf("Edit by the owner: %v", err)
		}
		clicks, err := s.Clicks(ctx, now, ann, 202610)
		if err != nil || len(clicks) != 1 || clicks[0].Owner != "victim" || clicks[0].Title != title {
			t.Errorf("Clicks = %+v, %v", clicks, err)
		}
	})
}

func TestAURLIsRegisteredOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		id := registered(t, s, bob, flattr.ThingRef{URL: "http://www.bob.example/1"})
		for who, name := range map[flattr.MemberID]string{ann: "another", bob: "the same"} {
			_, err := s.Register(ctx, now, who, flattr.ThingRef{URL: "https://bob.example/1"})
			refusedWith(t, "Register again by "+name, err, flattr.Registered)
		}
		_, err := s.Register(ctx, now, bob, flattr.ThingRef{URL: "javascript:alert(1)"})
		refusedWith(t, "Register of no address", err, flattr.Invalid)
		refusedWith(t, "Withdraw by another", s.Withdraw(ctx, now, ann, id), flattr.Forbidden)
		if err := s.Withdraw(ctx, now, bob, id); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, "Withdraw again", s.Withdraw(ctx, now, bob, id), flattr.NotFound)
		refusedWith(t, "Edit of what was withdrawn", s.Edit(ctx, now, bob, id, Edit{}), flattr.NotFound)
		if known, err := s.LookUp(ctx, "https://bob.example/1"); err != nil || known.Thing != 0 {
			t.Errorf("LookUp of what was withdrawn = %+v, %v", known, err)
		}
		if again := registered(t, s, ann, flattr.ThingRef{URL: "https://bob.example/1"}); again != id {
			t.Errorf("registered anew it is %d, want %d", again, id)
		}
	})
}

// A stranger who registers a page and takes it away again must not keep the ledger
// from finding there the owner whom its button names.
func TestRegisteringForgetsNoOwnerWhomAButtonNamed(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, mallory := join(t, s, "ann", 5*money.Euro), join(t, s, "mallory", 0)
		join(t, s, "victim", 0)
		const url = "https://victim.example/1"
		e := click(1, url, now)
		e.Thing.Owner = "victim"
		record(t, s, now, ann, e)
		due := func(when time.Time, want string) {
			t.Helper()
			looks, err := s.DueLooks(ctx, when, time.Hour, 10)
			if err != nil || len(looks) != 1 || looks[0].Asserted != want {
				t.Errorf("DueLooks = %+v, %v, want one for %s", looks, err, want)
			}
		}
		id := registered(t, s, mallory, flattr.ThingRef{URL: url})
		due(now, "victim")
		if err := s.Withdraw(ctx, now, mallory, id); err != nil {
			t.Fatal(err)
		}
		due(now.Add(2*time.Hour), "victim")
		// Whom only the registration named is forgotten with it.
		other := registered(t, s, mallory, flattr.ThingRef{URL: "https://victim.example/2"})
		if err := s.Withdraw(ctx, now, mallory, other); err != nil {
			t.Fatal(err)
		}
		due(now.Add(4*time.Hour), "victim")
	})
}

// What its owner withdraws still earns what readers gave and give.
func TestWithdrawingTakesNoMoneyAway(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 5*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		out := record(t, s, now, ann, click(1, "https://bob.example/1", now))
		if err := s.Withdraw(ctx, now, bob, out.ThingID); err != nil {
			t.Fatal(err)
		}
		clicks, err := s.Clicks(ctx, now, ann, 202610)
		if err != nil || len(clicks) != 1 || clicks[0].Owner != "bob" || clicks[0].Share != 2*money.Euro || clicks[0].Title != "T" {
			t.Errorf("Clicks = %+v, %v, want bob's with a share of 2.00", clicks, err)
		}
		expectFound(t, s, Search{}, "")
	})
}

func TestSubscribingByThing(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 10*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		known, err := s.LookUp(ctx, "https://bob.example/1")
		if err != nil {
			t.Fatal(err)
		}
		id := known.Thing
		_, err = s.TogglePause(ctx, now, ann, id)
		refusedWith(t, "TogglePause without a subscription", err, flattr.NotFound)
		refusedWith(t, "Unsubscribe without one", s.Unsubscribe(ctx, now, ann, id), flattr.NotFound)
		refusedWith(t, "SubscribeTo nothing", s.SubscribeTo(ctx, now, ann, event(1), 7, 0), flattr.NotFound)
		refusedWith(t, "SubscribeTo one's own", s.SubscribeTo(ctx, now, bob, event(1), id, 0), flattr.OwnThing)
		if err := s.SubscribeTo(ctx, now, ann, event(1), id, 0); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, "SubscribeTo again", s.SubscribeTo(ctx, now, ann, event(2), id, 0), flattr.Subscribed)
		want := func(paused bool) {
			t.Helper()
			subs, err := s.Subscriptions(ctx, now, ann)
			if err != nil || len(subs) != 1 || subs[0].Thing != id || subs[0].Paused != paused || !subs[0].Since.Equal(now) {
				t.Errorf("Subscriptions = %+v, %v, want one, paused %v", subs, err, paused)
			}
		}
		want(false)
		for _, runs := range []bool{false, true} {
			if got, err := s.TogglePause(ctx, now, ann, id); err != nil || got != runs {
				t.Errorf("TogglePause = %v, %v, want %v", got, err, runs)
			}
			want(!runs)
		}
		if err := s.Unsubscribe(ctx, now, ann, id); err != nil {
			t.Fatal(err)
		}
		if subs, err := s.Subscriptions(ctx, now, ann); err != nil || len(subs) != 0 {
			t.Errorf("after Unsubscribe there are %+v, %v", subs, err)
		}
		if clicks, err := s.Clicks(ctx, now, ann, 202610); err != nil || len(clicks) != 1 || !clicks[0].Counts {
			t.Errorf("the first click = %+v, %v", clicks, err)
		}
		if err := s.SubscribeTo(ctx, now, ann, event(3), id, 3); err != nil {
			t.Errorf("SubscribeTo after Unsubscribe: %v", err)
		}
	})
}

// The interface answers an alias as what it stands for: by that id the
// subscription has to end.
func TestASubscriptionToAnAliasEndsByWhatItStandsFor(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 10*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/1", bob)
		own(t, s, "https://bob.example/old", bob)
		known, err := s.LookUp(ctx, "https://bob.example/1")
		if err != nil {
			t.Fatal(err)
		}
		old, err := s.LookUp(ctx, "https://bob.example/old")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SubscribeTo(ctx, now, ann, event(1), old.Thing, 0); err != nil {
			t.Fatal(err)
		}
		do(t, s, func(tx *Tx) error { return tx.Alias(now, "https://bob.example/old", "https://bob.example/1") })
		refusedWith(t, "SubscribeTo what the alias stands for", s.SubscribeTo(ctx, now, ann, event(2), known.Thing, 0), flattr.Subscribed)
		if runs, err := s.TogglePause(ctx, now, ann, known.Thing); err != nil || runs {
			t.Errorf("TogglePause = %v, %v, want it paused", runs, err)
		}
		if err := s.Unsubscribe(ctx, now, ann, known.Thing); err != nil {
			t.Fatal(err)
		}
		if subs, err := s.Subscriptions(ctx, now, ann); err != nil || len(subs) != 0 {
			t.Errorf("after Unsubscribe there are %+v, %v", subs, err)
		}
	})
}
