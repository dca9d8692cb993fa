package store

import (
	"fmt"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

func TestHooksAreBounded(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("11-22 12:00:00")
		add := func(name string) error {
			_, err := s.AddHook(t.Context(), now, flattr.Hook{Name: name, URL: "https://ring.example/hook", SiteURL: "https://ring.example/"})
			return err
		}
		for i := range maxHooks {
			if err := add(fmt.Sprintf("hook%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := add("more"); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("one hook more = %v, want a refusal", err)
		}
		if err := s.RemoveHook(t.Context(), "HOOK7"); err != nil {
			t.Fatal(err)
		}
		if err := add("hook8"); flattr.CodeOf(err) != flattr.NameTaken {
			t.Errorf("a hook of the same name = %v", err)
		}
		if err := add("more"); err != nil {
			t.Errorf("a hook in the place of one that is removed = %v", err)
		}
		// What a hook was to be told goes with it; that of others stays.
		ann := join(t, s, "ann", 20*2_000_000)
		record(t, s, now, ann, click(1, "https://ring.example/1", now))
		if err := s.RemoveHook(t.Context(), "more"); err != nil {
			t.Fatal(err)
		}
		var left int
		do(t, s, func(tx *Tx) error { return tx.row(`SELECT COUNT(*) FROM hook_delivery`).Scan(&left) })
		if left != maxHooks-1 {
			t.Errorf("%d deliveries are left, want %d", left, maxHooks-1)
		}
	})
}

func TestWhatAHookIsToBeToldIsBounded(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const beyond = 5
		now := at("11-22 12:00:00")
		if _, err := s.AddHook(t.Context(), now, flattr.Hook{Name: "ring", URL: "https://ring.example/hook", Namespace: "ring"}); err != nil {
			t.Fatal(err)
		}
		hooks, err := s.Hooks(t.Context())
		if err != nil || len(hooks) != 1 {
			t.Fatal(hooks, err)
		}
		do(t, s, func(tx *Tx) error {
			rows := tx.many(`INSERT INTO hook_delivery (hook, click, thing, reader, at, attempts, next_try) VALUES `, "", 7)
			for i := range maxDeliveries + beyond {
				id, arrived := event(i), micros(now.Add(time.Duration(i)*time.Second))
				if err := rows.add(int64(hooks[0].ID), id[:], 1, 0, arrived, 0, arrived); err != nil {
					return err
				}
			}
			return rows.flush()
		})
		if n, err := s.TrimHooks(t.Context(), now.Add(24*time.Hour)); n != beyond || err != nil {
			t.Errorf("TrimHooks = %d, %v, want %d", n, err, beyond)
		}
		if hooks, err = s.Hooks(t.Context()); err != nil || hooks[0].Waiting != maxDeliveries || hooks[0].Dropped != beyond {
			t.Errorf("hooks = %+v, %v", hooks, err)
		}
	})
}

func TestWhichHooksAreTold(t *testing.T) {
	for _, tt := range []struct {
		hook     flattr.Hook
		key      flattr.Key
		asserted string
		want     bool
	}{
		{flattr.Hook{Site: "ring.example/"}, "ring.example/a?b", "", true},
		{flattr.Hook{Site: "ring.example/"}, "ring.example.evil.example/", "", false},
		{flattr.Hook{Site: "ring.example/a"}, "ring.example/a", "", true},
		{flattr.Hook{Site: "ring.example/a"}, "ring.example/ab", "", false},
		{flattr.Hook{Site: "ring.example/?q=/"}, "ring.example/?q=/a", "", false},
		{flattr.Hook{Namespace: "ring"}, "x.example/", "partner:ring:42", true},
		{flattr.Hook{Namespace: "ring"}, "x.example/", "partner:ringer:42", false},
		{flattr.Hook{Namespace: "ring"}, "x.example/", "ring", false},
		{flattr.Hook{}, "x.example/", "partner::42", false},
	} {
		if got := told(tt.hook, tt.key, tt.asserted); got != tt.want {
			t.Errorf("told(%+v, %s, %q) = %v, want %v", tt.hook, tt.key, tt.asserted, got, tt.want)
		}
	}
}
