package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

// Who knew the old password may have asked that letters go to an address of theirs:
// a link that confirms it opens the account by another link later.
func TestLinksThatWereAskedForEndWithThePassword(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		address(t, s, now, ann, "ann@x.example")
		for what, end := range map[string]func() error{
			"another password":    func() error { return s.ChangePassword(ctx, now, ann, "new", Exit{}) },
			"the operator's hand": func() error { return s.SetPassword(ctx, now, "ann", "newer") },
			"signing out":         func() error { return s.EndAccess(ctx, now, ann, Exit{}) },
			"a link for a password": func() error {
				token, err := s.MakeLink(ctx, now, Link{Kind: LinkReset, Member: ann, Expires: now.Add(ResetFor)})
				if err == nil {
					_, err = s.ResetPassword(ctx, now, token, "newest", Exit{})
				}
				return err
			},
		} {
			link := Link{Kind: LinkConfirm, Member: ann, Address: "mallory@x.example", Expires: now.Add(ConfirmFor)}
			token, err := s.MakeLink(ctx, now, link)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.AskAddress(ctx, now, ann, fmt.Sprintf("mallory-%d@x.example", len(what))); err != nil {
				t.Fatal(err)
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.ConfirmAddress(ctx, now, token); flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("after %s the link that was sent = %v, want not_found", what, err)
			}
			for _, sent := range sendAll(t, s, now) {
				if sent != "password ann@x.example" {
					t.Errorf("after %s a letter goes out: %s", what, sent)
				}
			}
			now = now.Add(25 * time.Hour)
		}
	})
}

// A letter that is being sent while it is withdrawn has no link that works.
func TestAWithdrawnLetterGetsNoLink(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		address(t, s, now, ann, "ann@x.example")
		if err := s.AskReset(ctx, now, "ann"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SortLetters(ctx, now, 10); err != nil {
			t.Fatal(err)
		}
		l, err := s.TakeLetter(ctx, now, "one", now.Add(time.Minute))
		if err != nil || l.Kind != LetterReset {
			t.Fatalf("TakeLetter = %+v, %v", l, err)
		}
		address(t, s, now, ann, "ann@y.example") // the old one is somebody else's by now
		link := Link{Kind: LinkReset, Member: ann, Expires: now.Add(ResetFor), Letter: l.ID}
		if token, err := s.MakeLink(ctx, now, link); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("MakeLink = %q, %v, want not_found", token, err)
		}
	})
}

// Whoever got in keeps no letter from being written by causing others.
func TestManyLettersOfAKindKeepNoOtherAway(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		address(t, s, now, ann, "ann@x.example")
		for i := range 30 {
			linkTo(t, s, now, ann, fmt.Sprint("device ", i))
		}
		if err := s.ChangePassword(ctx, now, ann, "mallory's", Exit{}); err != nil {
			t.Fatal(err)
		}
		sent := sendAll(t, s, now)
		if !slices.Contains(sent, "password ann@x.example") || len(sent) != maxLettersOf+1 {
			t.Errorf("letters = %v, want %d about devices, and the one about the password", sent, maxLettersOf)
		}
	})
}

// A browser that shows no page is signed out by itself, long before its month is
// over.
func TestASignInEndsWhereItIsNotUsed(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		used, left := signIn(t, s, now, ann, "used"), signIn(t, s, now, ann, "left")
		in := func(id string) bool {
			t.Helper()
			_, _, err := s.SessionMember(ctx, now, ann, id)
			if err != nil && flattr.CodeOf(err) != flattr.NotFound {
				t.Fatal(err)
			}
			return err == nil
		}
		for range 2 {
			now = now.Add(signInIdle - time.Hour)
			if !in(used) {
				t.Fatal("a browser that is used is signed out")
			}
		}
		if in(left) {
			t.Error("a browser that was not used for weeks is signed in")
		}
		if list, err := s.SignIns(ctx, now, ann); err != nil || len(list) != 1 || list[0].ID != used {
			t.Errorf("SignIns = %+v, %v, want the one that is used", list, err)
		}
	})
}

// The same password under another hash: what was changed meanwhile stays changed.
func TestAHashIsRenewedOnlyWhereItIsTheOneInForce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		if err := s.SetPassword(ctx, now, "ann", "old hash"); err != nil {
			t.Fatal(err)
		}
		if done, err := s.RenewHash(ctx, ann, "old hash", "new hash"); !done || err != nil {
			t.Errorf("RenewHash = %v, %v, want done", done, err)
		}
		if done, err := s.RenewHash(ctx, ann, "old hash", "mallory's"); done || err != nil {
			t.Errorf("RenewHash of a hash that is not in force = %v, %v, want nothing", done, err)
		}
		if _, hash, err := s.Password(ctx, "ann"); hash != "new hash" || err != nil {
			t.Errorf("Password = %q, %v", hash, err)
		}
	})
}
