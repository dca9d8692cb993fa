package store

import (
	"fmt"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Notes reach those who flattred something of their author in the month, co-authors
// included, and go with their author.
func TestNotesReachThoseWhoFlattred(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob, cyd, dan := join(t, s, "ann", 10*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0), join(t, s, "dan", 10*money.Euro)
		own(t, s, "https://bob.example/song", bob)
		if err := s.Share(ctx, now, bob, "https://bob.example/song", []flattr.Part{{Author: bob, BP: 9999}, {Author: cyd, BP: 1}}); err != nil {
			t.Fatal(err)
		}
		record(t, s, now, ann, click(1, "https://bob.example/song", now))
		record(t, s, now, dan, click(2, "https://elsewhere.example/", now))
		for author, text := range map[flattr.MemberID]string{bob: "from bob", cyd: " from cyd\x00\r\n\r\n\r\nagain ", dan: "from dan"} {
			if err := s.SetNote(ctx, now, author, 202610, text); err != nil {
				t.Fatal(err)
			}
		}
		sees := func(reader flattr.MemberID, want ...string) {
			t.Helper()
			notes, err := s.Notes(ctx, reader, 202610, 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, n := range notes {
				got = append(got, n.Name+": "+n.Text)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the reader sees %q, want %q", got, want)
			}
		}
		sees(ann, "bob: from bob", "cyd: from cyd\n\nagain")
		sees(dan)
		sees(bob)
		for _, month := range []flattr.Month{202611, 202608} {
			if err := s.SetNote(ctx, now, bob, month, "x"); flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("a note for %s: %v", month, err)
			}
		}
		if err := s.SetNote(ctx, now, bob, 202610, strings.Repeat("x", MaxNote+1)); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("a long note: %v", err)
		}
		if err := s.MuteNotes(ctx, now, ann, bob, true); err != nil {
			t.Fatal(err)
		}
		sees(ann, "cyd: from cyd\n\nagain")
		if _, err := s.Delete(ctx, now, "cyd"); err != nil {
			t.Fatal(err)
		}
		sees(ann)
		if _, err := s.Delete(ctx, now, "bob"); err != nil {
			t.Fatal(err)
		}
		if muted, err := s.Muted(ctx, ann, 10, 0); err != nil || len(muted) > 0 {
			t.Errorf("muted after their deletion: %v, %v", muted, err)
		}
	})
}
