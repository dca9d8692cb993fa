package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// signIn signs a member in and answers the id.
func signIn(t *testing.T, s *Store, now time.Time, member flattr.MemberID, agent string) string {
	t.Helper()
	id, err := s.AddSignIn(t.Context(), now, member, SignIn{Agent: agent}, now.Add(30*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestASignInEndsByItselfByHandAndEverywhere(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		in := func(member flattr.MemberID, id string, at time.Time) bool {
			t.Helper()
			_, _, err := s.SessionMember(ctx, at, member, id)
			if err != nil && flattr.CodeOf(err) != flattr.NotFound {
				t.Fatal(err)
			}
			return err == nil
		}
		phone, desk := signIn(t, s, now, ann, "Firefox, Android"), signIn(t, s, now, ann, "Firefox, Linux")
		other := signIn(t, s, now, bob, "")
		if !in(ann, phone, now) || in(bob, phone, now) || in(ann, "", now) || in(ann, phone, now.Add(30*24*time.Hour)) {
			t.Error("a sign-in holds for its member, until it ends")
		}
		// Nobody signs another member out.
		if err := s.EndSignIn(ctx, bob, phone); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("bob's EndSignIn of ann's = %v, want not_found", err)
		}
		later := now.Add(time.Hour)
		if !in(ann, desk, later) {
			t.Fatal("ann is not signed in")
		}
		list, err := s.SignIns(ctx, later, ann)
		if err != nil || len(list) != 2 || list[0].ID != desk || !list[0].Seen.Equal(later) || !list[1].Seen.Equal(now) || list[0].Agent != "Firefox, Linux" {
			t.Errorf("SignIns = %+v, %v, want the desk, seen now, then the phone", list, err)
		}
		if err := s.EndSignIn(ctx, ann, phone); err != nil || in(ann, phone, now) || !in(ann, desk, now) {
			t.Errorf("EndSignIn = %v, want the phone out and the desk in", err)
		}
		if err := s.EndAccess(ctx, now, ann, Exit{}); err != nil || in(ann, desk, now) || !in(bob, other, now) {
			t.Errorf("EndAccess = %v, want ann out and bob in", err)
		}
		for i := range maxSignIns + 5 {
			signIn(t, s, now.Add(time.Duration(i)*time.Second), ann, fmt.Sprint(i))
		}
		if list, err := s.SignIns(ctx, now, ann); err != nil || len(list) != maxSignIns || list[maxSignIns-1].Agent != "5" {
			t.Errorf("%d sign-ins, %v, want the %d latest", len(list), err, maxSignIns)
		}
	})
}

// linkTo has a companion's token made and answers its signature.
func linkTo(t *testing.T, s *Store, now time.Time, member flattr.MemberID, name string) string {
	t.Helper()
	token := OAuthToken{Signature: name, Grant: name, Client: "companion", Member: member, Scope: "companion", Issued: now}
	if err := s.SaveToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnotherPasswordEndsWhatItIsToldTo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", money.Euro)
		here, there := signIn(t, s, now, ann, ""), signIn(t, s, now, ann, "")
		companion := linkTo(t, s, now, ann, "companion of ann")
		key := Passkey{ID: []byte("key"), Member: ann, Name: "phone", PublicKey: []byte{1}}
		if err := s.AddPasskey(ctx, now, key); err != nil {
			t.Fatal(err)
		}
		reset, err := s.MakeLink(ctx, now, Link{Kind: LinkReset, Member: ann, Expires: now.Add(ResetFor)})
		if err != nil {
			t.Fatal(err)
		}
		holds := func(want ...bool) {
			t.Helper()
			_, _, atHere := s.SessionMember(ctx, now, ann, here)
			_, _, atThere := s.SessionMember(ctx, now, ann, there)
			token, err := s.Token(ctx, companion)
			_, noKey := s.Passkey(ctx, key.ID)
			_, _, noLink := s.Link(ctx, now, LinkReset, reset)
			got := []bool{atHere == nil, atThere == nil, err == nil && !token.Revoked, noKey == nil, noLink == nil}
			for i, what := range []string{"this browser", "the other browser", "the companion", "the passkey", "the link"} {
				if got[i] != want[i] {
					t.Errorf("%s has access: %v, want %v", what, got[i], want[i])
				}
			}
		}
		holds(true, true, true, true, true)
		if err := s.ChangePassword(ctx, now, ann, "another", Exit{Keep: here}); err != nil {
			t.Fatal(err)
		}
		holds(true, false, true, true, false)
		if err := s.ChangePassword(ctx, now, ann, "a third", Exit{Programs: true, Passkeys: true}); err != nil {
			t.Fatal(err)
		}
		holds(false, false, false, false, false)
	})
}

func TestALinkForAPasswordWorksOnceAndForHalfAnHour(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		link := func() string {
			t.Helper()
			token, err := s.MakeLink(ctx, now, Link{Kind: LinkReset, Member: ann, Expires: now.Add(ResetFor)})
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		first, second := link(), link()
		if _, m, err := s.Link(ctx, now, LinkReset, first); err != nil || m.Name != "ann" {
			t.Errorf("Link = %+v, %v, want ann's", m, err)
		}
		for what, err := range map[string]error{
			"another kind":         func() error { _, _, err := s.Link(ctx, now, LinkConfirm, first); return err }(),
			"a link nobody made":   func() error { _, _, err := s.Link(ctx, now, LinkReset, "x"); return err }(),
			"a link that is old":   func() error { _, _, err := s.Link(ctx, now.Add(ResetFor), LinkReset, first); return err }(),
			"a password of an old": func() error { _, err := s.ResetPassword(ctx, now.Add(ResetFor), first, "h", Exit{}); return err }(),
			"a confirmation by it": func() error { _, err := s.ConfirmAddress(ctx, now, first); return err }(),
		} {
			if flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("%s: %v, want not_found", what, err)
			}
		}
		if member, err := s.ResetPassword(ctx, now.Add(ResetFor-time.Second), first, "new", Exit{}); err != nil || member != ann {
			t.Errorf("ResetPassword = %d, %v, want ann", member, err)
		}
		for _, token := range []string{first, second} {
			if _, err := s.ResetPassword(ctx, now, token, "stolen", Exit{}); flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("a link after one was used = %v, want not_found", err)
			}
		}
		if _, hash, err := s.Password(ctx, "ann"); err != nil || hash != "new" {
			t.Errorf("the password is %q, %v, want the new one", hash, err)
		}
		// What is kept of a link is of no use.
		kept := ""
		err := s.View(ctx, func(tx *Tx) error {
			return tx.row(`SELECT COUNT(*) FROM link WHERE token = $1`, []byte(first)).Scan(&kept)
		})
		if err != nil || kept != "0" {
			t.Errorf("the store keeps %s links as they are, %v", kept, err)
		}
	})
}

func TestAPasskeyIsOneMembersAndItsCountOnlyGrows(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		add := func(member flattr.MemberID, id string) error {
			return s.AddPasskey(ctx, now, Passkey{ID: []byte(id), Member: member, Name: "phone", PublicKey: []byte{1}})
		}
		if err := add(ann, "one"); err != nil {
			t.Fatal(err)
		}
		if err := add(bob, "one"); flattr.CodeOf(err) != flattr.PasskeyKnown {
			t.Errorf("bob adds ann's passkey: %v, want passkey_known", err)
		}
		if err := s.RemovePasskey(ctx, now, bob, []byte("one")); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("bob removes ann's passkey: %v, want not_found", err)
		}
		for _, step := range []struct {
			counter uint32
			ok      bool
		}{{0, true}, {0, true}, {3, true}, {3, false}, {2, false}, {0, false}, {4, true}} {
			if err := s.UsePasskey(ctx, now, []byte("one"), step.counter); (err == nil) != step.ok {
				t.Errorf("UsePasskey with count %d = %v, want ok %v", step.counter, err, step.ok)
			}
		}
		if keys, err := s.Passkeys(ctx, ann); err != nil || len(keys) != 1 || keys[0].Counter != 4 || !keys[0].Used.Equal(now) {
			t.Errorf("Passkeys = %+v, %v", keys, err)
		}
		for i := 1; i < maxPasskeys; i++ {
			if err := add(ann, fmt.Sprint("more ", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := add(ann, "too many"); flattr.CodeOf(err) != flattr.PasskeysFull {
			t.Errorf("one too many: %v, want passkeys_full", err)
		}
		if err := s.SpendChallenge(ctx, now, "question", now.Add(time.Minute)); err != nil {
			t.Errorf("SpendChallenge = %v", err)
		}
		if err := s.SpendChallenge(ctx, now, "question", now.Add(time.Minute)); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("SpendChallenge again = %v, want not_found", err)
		}
	})
}
