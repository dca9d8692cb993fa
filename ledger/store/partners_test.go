package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestPartnersSayWhoTheirAuthorsAre(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		refusedWith(t, "AddPartner of nothing", s.AddPartner(ctx, now, "player", "nothing", nil), flattr.NotFound)
		if err := s.AddApp(ctx, App{ID: "player app", Name: "Player", Callback: "https://player.example/", Created: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddApp(ctx, App{ID: "old app", Name: "Old", Callback: "https://old.example/", Implicit: true, Created: now}); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, "AddPartner whose members hold its tokens", s.AddPartner(ctx, now, "player", "old app", nil), flattr.Invalid)
		_, err := s.Identify(ctx, now, "player app", ann, "1")
		refusedWith(t, "Identify by no partner", err, flattr.Forbidden)
		if err := s.AddPartner(ctx, now, "player", "player app", []string{"player.example"}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if whole, err := s.Identify(ctx, now, "player app", ann, "1"); err != nil || whole != "partner:player:1" {
				t.Fatalf("Identify = %q, %v", whole, err)
			}
		}
		_, err = s.Identify(ctx, now, "player app", bob, "partner:player:1")
		refusedWith(t, "Identify as another", err, flattr.Claimed)
		_, err = s.Identify(ctx, now, "player app", bob, "partner:radio:1")
		refusedWith(t, "Identify in another namespace", err, flattr.Forbidden)
		for _, bad := range []string{"", strings.Repeat("x", maxIdentity), "a\x01b"} {
			_, err = s.Identify(ctx, now, "player app", bob, bad)
			refusedWith(t, "Identify as "+bad, err, flattr.Invalid)
		}
		for who, want := range map[string]flattr.MemberID{"partner:player:1": ann, "partner:player:2": 0, "partner:radio:1": 0, "bob": bob} {
			if id, err := s.Named(ctx, who); err != nil || id != want {
				t.Errorf("Named(%s) = %d, %v, want %d", who, id, err, want)
			}
		}
		if _, err := s.Delete(ctx, now, "ann"); err != nil {
			t.Fatal(err)
		}
		if id, err := s.Named(ctx, "partner:player:1"); err != nil || id != 0 {
			t.Errorf("Named after the deletion = %d, %v, want nobody", id, err)
		}
	})
}

func TestWhomAPartnerNamesTwiceTheOperatorDecides(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob, zoe := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "zoe", 50*money.Euro)
		if err := s.AddApp(ctx, App{ID: "player app", Name: "Player", Callback: "https://player.example/", Created: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddPartner(ctx, now, "player", "player app", []string{"player.example", "play.example"}); err != nil {
			t.Fatal(err)
		}
		const who = "partner:player:1"
		e := click(1, "https://player.example/1", now)
		e.Thing.Owner = who
		thing := record(t, s, now, zoe, e).ThingID
		for range len(lookAgain) + 1 {
			if err := s.Looked(ctx, now, thing, 0, ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Identify(ctx, now, "player app", ann, who); err != nil {
			t.Fatal(err)
		}
		if owner := ownerAt(t, s, "https://player.example/1"); owner != 0 {
			t.Errorf("owner = %d by a link that anybody can write, want nobody until the page is read", owner)
		}
		if looks, err := s.DueLooks(ctx, now, time.Hour, 9); err != nil || len(looks) != 1 || looks[0].Thing != thing {
			t.Errorf("due = %+v, %v, want the page that is said to be whose the partner has named", looks, err)
		}
		if err := s.Looked(ctx, now, thing, ann, who); err != nil {
			t.Fatal(err)
		}
		_, err := s.Identify(ctx, now, "player app", bob, who)
		refusedWith(t, "Identify as another", err, flattr.Claimed)
		for _, member := range []flattr.MemberID{ann, bob} {
			all, err := s.IdentitiesOf(ctx, member, 9)
			if err != nil || len(all) != 1 || all[0].Name != "ann" || len(all[0].Others) != 1 || all[0].Others[0] != "bob" {
				t.Errorf("a member sees %+v, %v, want both names", all, err)
			}
		}
		if all, err := s.IdentitiesOf(ctx, zoe, 9); err != nil || len(all) != 0 {
			t.Errorf("a stranger sees %+v, %v", all, err)
		}
		if is, hosts, err := s.Identity(ctx, who); err != nil || is != ann || len(hosts) != 2 {
			t.Errorf("Identity = %d, %v, %v, want ann until it is decided", is, hosts, err)
		}
		refusedWith(t, "decided for one of whom nobody said it", s.DecideIdentity(ctx, now, who, "zoe"), flattr.NotFound)
		if err := s.DecideIdentity(ctx, now, who, "bob"); err != nil {
			t.Fatal(err)
		}
		if is, _, err := s.Identity(ctx, who); err != nil || is != bob {
			t.Errorf("Identity = %d, %v, want bob", is, err)
		}
		if owner := ownerAt(t, s, "https://player.example/1"); owner != 0 {
			t.Errorf("owner = %d, want nobody until the page is looked at anew", owner)
		}
		if all, err := s.Identities(ctx, 9); err != nil || len(all) != 1 || all[0].Name != "bob" || len(all[0].Others) != 0 {
			t.Errorf("Identities = %+v, %v, want bob undisputed", all, err)
		}
		if err := s.RevokeApp(ctx, now, "player app", 0); err != nil {
			t.Fatal(err)
		}
		if is, _, err := s.Identity(ctx, who); err != nil || is != 0 {
			t.Errorf("Identity by a revoked application = %d, %v, want nobody", is, err)
		}
	})
}
