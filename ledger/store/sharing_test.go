package store

import (
	"strings"
	"testing"

	"flattr/ledger/flattr"
)

// Parts are the owner's to set: where a claim or the thing itself is theirs, and
// where nobody else's parts are pushed aside.
func TestPartsAreTheOwnersToSet(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-02 00:00:00")
		ann, bob, cyd := join(t, s, "ann", 0), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		err := s.Write(ctx, func(tx *Tx) error { return tx.Claim(now, ann, "https://ann.example/") })
		if err != nil {
			t.Fatal(err)
		}
		own(t, s, "https://ann.example/bob/page", bob)
		half := func(owner, other flattr.MemberID) []flattr.Part {
			return []flattr.Part{{Author: owner, BP: 5000}, {Author: other, BP: 5000}}
		}
		refused := func(want flattr.Code, who flattr.MemberID, url string, parts []flattr.Part) {
			t.Helper()
			if err := s.Share(ctx, now, who, url, parts); flattr.CodeOf(err) != want {
				t.Errorf("Share(%s) = %v, want %q", url, err, want)
			}
		}
		refused(flattr.Forbidden, bob, "https://ann.example/", half(bob, cyd))
		refused(flattr.Forbidden, bob, "https://ann.example/bob/", half(bob, cyd))
		refused(flattr.Forbidden, ann, "https://ann.example/bob/page", half(ann, cyd))
		refused(flattr.Forbidden, ann, "https://other.example/", half(ann, cyd))
		refused(flattr.Invalid, ann, "https://ann.example/", half(bob, cyd))
		refused(flattr.Invalid, ann, "https://ann.example/", half(ann, cyd)[:1])
		refused(flattr.Invalid, ann, "nothing", half(ann, cyd))
		refused(flattr.Invalid, ann, "https://ann.example/"+strings.Repeat("x", MaxSharedURL), half(ann, cyd))
		refused(flattr.NotFound, ann, "https://ann.example/", half(ann, 12345))
		refused("", ann, "https://ann.example/", half(ann, cyd))
		refused("", bob, "https://ann.example/bob/page", half(bob, cyd))
		refused("", ann, "https://ann.example/bob/", half(ann, cyd)) // the page has longer parts of its own
		// Where another owner shares by parts of a shorter URL, longer ones would end that.
		err = s.Write(ctx, func(tx *Tx) error { return tx.Claim(now, bob, "https://ann.example/deep/") })
		if err != nil {
			t.Fatal(err)
		}
		own(t, s, "https://ann.example/deep/", bob)
		record(t, s, now, cyd, click(1, "https://ann.example/x", now))
		all, err := s.Sharings(ctx, cyd, 10, 0)
		if err != nil || len(all) != 3 {
			t.Fatalf("cyd sees %+v, %v", all, err)
		}
		for _, sh := range all {
			if !sh.Holds() {
				t.Errorf("the parts of %s do not hold", sh.URL)
			}
		}
		if err := s.GiveBack(ctx, now, ann, "https://ann.example/"); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("the owner gives back: %v", err)
		}
		three := []flattr.Part{{Author: cyd, BP: 1000}, {Author: ann, BP: 5000}, {Author: bob, BP: 4000}}
		refused("", ann, "https://ann.example/", three)
		if err := s.GiveBack(ctx, now, bob, "https://ann.example/"); err != nil {
			t.Fatal(err)
		}
		sh, err := s.Sharing(ctx, ann, "https://ann.example/")
		if err != nil || len(sh.Parts) != 2 || sh.Parts[0].BP != 1000 || sh.Parts[1].BP != 9000 || sh.Parts[1].Name != "ann" {
			t.Errorf("after that %+v, %v", sh.Parts, err)
		}
		if err := s.GiveBack(ctx, now, bob, "https://ann.example/"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("twice: %v", err)
		}
		if err := s.EndSharing(ctx, now, cyd, "https://ann.example/"); flattr.CodeOf(err) != flattr.Forbidden {
			t.Errorf("a co-author ends the sharing: %v", err)
		}
		if err := s.EndSharing(ctx, now, ann, "https://ann.example/"); err != nil {
			t.Fatal(err)
		}
		if err := s.EndSharing(ctx, now, ann, "https://ann.example/"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("twice: %v", err)
		}
	})
}
