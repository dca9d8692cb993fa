package store

import (
	"slices"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Where money leaves an account, or somebody is made a co-author, whose account it
// is is told, also when the account is deleted at once.
func TestWhoseMoneyLeavesIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob := join(t, s, "ann", 3*money.Euro), join(t, s, "bob", 0)
		address(t, s, now, ann, "ann@x.example")
		if _, err := s.Present(ctx, now, "ann", "bob", 0); err != nil {
			t.Fatal(err)
		}
		l, err := s.TakeLetter(ctx, now, "one", now.Add(time.Minute))
		if err != nil || l.Kind != LetterGift || l.Detail != "3000000 bob" || l.Address != "ann@x.example" || l.Name != "ann" {
			t.Errorf("the letter is %+v, %v", l, err)
		}
		if err := s.SetDisplay(ctx, ann, "de", "UTC"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Delete(ctx, now, "ann"); err != nil {
			t.Fatal(err)
		}
		l, err = s.TakeLetter(ctx, now, "one", now.Add(time.Minute))
		if err != nil || l.Kind != LetterDeleted || l.Name != "ann" || l.Language != "de" || l.Address != "ann@x.example" {
			t.Errorf("the letter is %+v, %v", l, err)
		}
		if err := s.EndLetter(ctx, now, "one", l, LetterResult{Done: true}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, now); len(got) > 0 {
			t.Errorf("more letters: %v", got)
		}
		if _, err := s.Delete(ctx, now, "bob"); flattr.CodeOf(err) != flattr.BalanceLeft {
			t.Errorf("Delete(%d) = %v", bob, err)
		}
	})
}

// A letter to somebody else that waits names a deleted member no more.
func TestLettersToOthersForgetADeletedMember(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob, cyd := join(t, s, "ann", 0), join(t, s, "bob", 0), join(t, s, "cyd", 3*money.Euro)
		address(t, s, now, bob, "bob@x.example")
		address(t, s, now, cyd, "cyd@x.example")
		own(t, s, "https://site.example/1", ann)
		if err := s.Share(ctx, now, ann, "https://site.example/1", []flattr.Part{{Author: ann, BP: 5000}, {Author: bob, BP: 5000}}); err != nil {
			t.Fatal(err)
		}
		for _, way := range [][2]string{{"cyd", "ann"}, {"ann", "bob"}} {
			if _, err := s.Present(ctx, now, way[0], way[1], 0); err != nil {
				t.Fatal(err)
			}
		}
		if left := cells(t, s, "ann"); len(left) < 3 {
			t.Fatalf("little names ann: %v", left)
		}
		if _, err := s.Delete(ctx, now, "ann"); err != nil {
			t.Fatal(err)
		}
		if left := cells(t, s, "ann"); len(left) > 0 {
			t.Errorf("after the deletion there is\n%s", left)
		}
		if got := sendAll(t, s, now.Add(2*time.Hour)); !slices.Contains(got, "gift cyd@x.example") {
			t.Errorf("letters: %v, want cyd to be told", got)
		}
	})
}

// Who is made a co-author unasked is told, once an hour however often that is done,
// and can leave.
func TestWhoIsMadeACoAuthorIsTold(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob := join(t, s, "ann", 0), join(t, s, "bob", 0)
		address(t, s, now, bob, "bob@x.example")
		address(t, s, now, ann, "ann@x.example")
		own(t, s, "https://ann.example/1", ann)
		half := []flattr.Part{{Author: ann, BP: 5000}, {Author: bob, BP: 5000}}
		for range 5 {
			if err := s.Share(ctx, now, ann, "https://ann.example/1", half); err != nil {
				t.Fatal(err)
			}
			if err := s.Share(ctx, now, ann, "https://ann.example/1", half); err != nil {
				t.Fatal(err)
			}
			if err := s.EndSharing(ctx, now, ann, "https://ann.example/1"); err != nil {
				t.Fatal(err)
			}
		}
		if got := sendAll(t, s, now); !slices.Contains(got, "parts ann@x.example") || slices.Contains(got, "shared bob@x.example") {
			t.Errorf("at once: %v, want letters to the owner alone", got)
		}
		now = now.Add(time.Hour)
		l, err := s.TakeLetter(ctx, now, "one", now.Add(time.Minute))
		if err != nil || l.Kind != LetterShared || l.Detail != "ann ann.example" {
			t.Errorf("the letter is %+v, %v", l, err)
		}
		if err := s.EndLetter(ctx, now, "one", l, LetterResult{Done: true}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, now); !slices.Equal(got, nil) {
			t.Errorf("more letters: %v", got)
		}
	})
}
