package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

// address gives a member a confirmed address.
func address(t *testing.T, s *Store, now time.Time, member flattr.MemberID, where string) {
	t.Helper()
	token, err := s.MakeLink(t.Context(), now, Link{Kind: LinkConfirm, Member: member, Address: where, Expires: now.Add(ConfirmFor)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ConfirmAddress(t.Context(), now, token); err != nil {
		t.Fatal(err)
	}
}

// sendAll takes every letter that is due and says that it was sent: "kind address".
func sendAll(t *testing.T, s *Store, now time.Time) (sent []string) {
	t.Helper()
	for {
		l, err := s.TakeLetter(t.Context(), now, "one", now.Add(time.Minute))
		if flattr.CodeOf(err) == flattr.NotFound {
			slices.Sort(sent)
			return sent
		}
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, string(l.Kind)+" "+l.Address)
		if err := s.EndLetter(t.Context(), now, "one", l, LetterResult{Done: true}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAddressCountsOnlyWhenItIsConfirmed(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		for _, none := range []string{"", "ann", "ann@", "@x.example", "Ann <a@x.example>", "a@x.example\r\nBcc: b@x.example", "a@x.example,b@x.example", "ä@x.example", `"a b"@x.example`} {
			if err := s.AskAddress(ctx, now, ann, none); flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("AskAddress(%q) = %v, want invalid_request", none, err)
			}
		}
		if err := s.AskAddress(ctx, now, ann, "ann@x.example"); err != nil {
			t.Fatal(err)
		}
		if a, err := s.MailAddress(ctx, now, ann); err != nil || a.Address != "" || a.Waiting != "ann@x.example" {
			t.Errorf("MailAddress = %+v, %v, want one that waits", a, err)
		}
		if err := s.ChangePassword(ctx, now, ann, "h", Exit{}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, now); len(got) != 0 {
			t.Errorf("letters = %v, want none: nothing is told to who has confirmed nothing, and what was asked ends with the password", got)
		}
		address(t, s, now, ann, "ann@x.example")
		if a, err := s.MailAddress(ctx, now, ann); err != nil || a.Address != "ann@x.example" || a.Waiting != "" || !a.Summary {
			t.Errorf("MailAddress = %+v, %v, want a confirmed one", a, err)
		}
		// The one before hears of the next.
		address(t, s, now, ann, "ann@y.example")
		if err := s.ChangePassword(ctx, now, ann, "h", Exit{}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, now); !slices.Equal(got, []string{"address ann@x.example", "password ann@y.example"}) {
			t.Errorf("letters = %v", got)
		}
		if err := s.RemoveAddress(ctx, now, ann); err != nil {
			t.Fatal(err)
		}
		if err := s.ChangePassword(ctx, now, ann, "h", Exit{}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, now); !slices.Equal(got, []string{"address ann@y.example"}) {
			t.Errorf("letters = %v, want the farewell alone", got)
		}
	})
}

func TestNobodyFloodsAnAddressWithQuestions(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		for i, want := range []flattr.Code{"", "", "", flattr.LettersFull} {
			member := join(t, s, fmt.Sprint("mallory", i), 0)
			if err := s.AskAddress(ctx, now, member, []string{"victim@x.example", "Victim@X.example"}[i%2]); flattr.CodeOf(err) != want {
				t.Errorf("question %d to one address = %v, want %q", i+1, err, want)
			}
		}
		eve := join(t, s, "eve", 0)
		for i, want := range []flattr.Code{"", "", "", "", "", flattr.LettersFull} {
			if err := s.AskAddress(ctx, now, eve, fmt.Sprintf("v%d@x.example", i)); flattr.CodeOf(err) != want {
				t.Errorf("question %d of one member = %v, want %q", i+1, err, want)
			}
		}
		if err := s.AskAddress(ctx, now.Add(25*time.Hour), eve, "v@x.example"); err != nil {
			t.Errorf("the day after: %v", err)
		}
	})
}

func TestALinkIsSentToTheConfirmedAddressOfWhoIsMeant(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		address(t, s, now, join(t, s, "ann", 0), "Ann@x.example")
		address(t, s, now, join(t, s, "anna", 0), "ann@x.example")
		join(t, s, "bob", 0)
		sendAll(t, s, now)
		asked := func(typed string, times int) []string {
			t.Helper()
			for range times {
				if err := s.AskReset(ctx, now, typed); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.SortLetters(ctx, now, 100); err != nil {
				t.Fatal(err)
			}
			if due, err := s.LettersDue(ctx, now); err != nil || due && typed == "bob" {
				t.Errorf("LettersDue = %v, %v", due, err)
			}
			return sendAll(t, s, now)
		}
		for typed, want := range map[string][]string{
			"nobody": nil, "bob": nil, "x@x.example": nil, "": nil, "%": nil, "anna": {"reset ann@x.example"},
			"ANN@X.EXAMPLE": {"reset Ann@x.example", "reset ann@x.example"},
		} {
			if got := asked(typed, 1); !slices.Equal(got, want) {
				t.Errorf("a link asked for by %q goes to %q, want %q", typed, got, want)
			}
		}
		now = now.Add(2 * time.Hour)
		if got := asked("ann", 10); len(got) != maxResets {
			t.Errorf("asked ten times: %d letters, want %d", len(got), maxResets)
		}
	})
}

func TestALetterIsSentByOneProcessAtATime(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("11-02 12:00:00")
		ann := join(t, s, "ann", 0)
		if err := s.AskAddress(ctx, now, ann, "ann@x.example"); err != nil {
			t.Fatal(err)
		}
		first, err := s.TakeLetter(ctx, now, "one", now.Add(time.Minute))
		if err != nil || first.Name != "ann" || first.Language != "en" {
			t.Fatalf("TakeLetter = %+v, %v", first, err)
		}
		if l, err := s.TakeLetter(ctx, now, "two", now.Add(time.Minute)); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("a second process takes %+v, %v, want nothing", l, err)
		}
		later := now.Add(time.Minute) // the first one has died
		second, err := s.TakeLetter(ctx, later, "two", later.Add(time.Minute))
		if err != nil || second.ID != first.ID {
			t.Errorf("after the lease TakeLetter = %+v, %v, want the same letter", second, err)
		}
		if err := s.EndLetter(ctx, later, "one", first, LetterResult{Done: true}); !errors.Is(err, ErrLetterLost) {
			t.Errorf("EndLetter of who lost it = %v", err)
		}
		next := later.Add(time.Hour)
		if err := s.EndLetter(ctx, later, "two", second, LetterResult{Next: next}); err != nil {
			t.Fatal(err)
		}
		if got := sendAll(t, s, next.Add(-time.Second)); got != nil {
			t.Errorf("before its time it is sent: %v", got)
		}
		if again, err := s.TakeLetter(ctx, next, "one", next.Add(time.Minute)); err != nil || again.Attempts != 1 {
			t.Errorf("then: %+v, %v, want the second attempt", again, err)
		}
		if dropped, err := s.SortLetters(ctx, now.Add(ConfirmFor), 1); err != nil || dropped != 1 {
			t.Errorf("a day later %d letters are dropped, %v, want 1", dropped, err)
		}
	})
}
