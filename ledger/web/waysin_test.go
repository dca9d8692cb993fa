package web

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// Who has no password to be asked for is believed to be the member in a browser
// that was signed in a moment ago, and not in one that lies about since yesterday:
// else who sits down at it sets where revenue is paid, or gives all away.
func TestWhoHasNoPasswordHasSignedInLately(t *testing.T) {
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var id flattr.MemberID
	err = st.Write(t.Context(), func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(now, store.NewMember{Name: "ann", Budget: 2 * money.Euro})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ts, err := loadTongues()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{store: st, tongues: ts, sessions: scs.New(), now: func() time.Time { return now }}
	in, err := st.AddSignIn(t.Context(), now, id, store.SignIn{Passkey: true}, now.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	asked := func(signIn string) string {
		t.Helper()
		ctx, err := s.sessions.Load(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		s.sessions.Put(ctx, sessionSignIn, signIn)
		r := httptest.NewRequest("POST", "/payout", nil)
		wrong, err := s.owner(r.WithContext(context.WithValue(ctx, memberKey{}, &flattr.Member{ID: id, Name: "ann"})), "whatever")
		if err != nil {
			t.Fatal(err)
		}
		return wrong
	}
	if wrong := asked(in); wrong != "" {
		t.Errorf("just signed in: %q", wrong)
	}
	now = now.Add(ownerFor - time.Second)
	if wrong := asked(in); wrong != "" {
		t.Errorf("signed in lately: %q", wrong)
	}
	for what, signIn := range map[string]string{"another browser's": "another", "none": ""} {
		if asked(signIn) == "" {
			t.Errorf("a sign-in that is %s is believed", what)
		}
	}
	now = now.Add(time.Second)
	if asked(in) == "" {
		t.Error("a sign-in of ten minutes ago is believed")
	}
}
