package store

import (
	"context"
	"strings"
	"testing"

	"flattr/ledger/flattr"
)

func TestPartnersSayWhoTheirAuthorsAre(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-02 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		refusedWith(t, "AddPartner of nothing", s.AddPartner(ctx, now, "player", "nothing"), flattr.NotFound)
		if err := s.AddApp(ctx, App{ID: "player app", Name: "Player", Callback: "https://player.example/", Created: now}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddApp(ctx, App{ID: "old app", Name: "Old", Callback: "https://old.example/", Implicit: true, Created: now}); err != nil {
			t.Fatal(err)
		}
		refusedWith(t, "AddPartner whose members hold its tokens", s.AddPartner(ctx, now, "player", "old app"), flattr.Invalid)
		_, err := s.Identify(ctx, now, "player app", ann, "1")
		refusedWith(t, "Identify by no partner", err, flattr.Forbidden)
		if err := s.AddPartner(ctx, now, "player", "player app"); err != nil {
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
