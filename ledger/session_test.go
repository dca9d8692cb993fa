package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/ledger/money"
	"flattr/ledger/store"
)

// Who changes a password because somebody else knows it is rid of them, also
// where they are signed in already.
func TestAnotherPasswordEndsOpenSessions(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 50*money.Euro), s.join("bob", 0)
	change := func() {
		t.Helper()
		var out, errs bytes.Buffer
		err := run(t.Context(), []string{"member", "password", "ann", "--db", s.db}, strings.NewReader("another horse\n"), &out, &errs)
		if err != nil {
			t.Fatalf("member password = %v\n%s", err, errs.String())
		}
	}
	change()
	ann.get("/month")
	if ann.at.Path != "/signin" {
		t.Errorf("after the change ann sees %s, want /signin", ann.at.Path)
	}
	if ann.do(http.MethodPost, "/budget", url.Values{"budget": {"9"}}); ann.at.Path != "/signin" {
		t.Errorf("a form of the ended session leads to %s, want /signin", ann.at.Path)
	}
	bob.get("/month")
	if bob.at.Path != "/month" {
		t.Errorf("bob, whose password is as it was, sees %s", bob.at.Path)
	}
	ann.get("/signin")
	ann.submit("signin", map[string]string{"name": "ann", "password": "correct horse"})
	ann.wants("Name or password is wrong.")
	ann.submit("signin", map[string]string{"name": "ann", "password": "another horse"})
	ann.wants("You have €50.00")
	// The same words again are another secret: the operator said so once more.
	change()
	ann.get("/month")
	if ann.at.Path != "/signin" {
		t.Errorf("after the second change ann sees %s, want /signin", ann.at.Path)
	}
}

// A session that cannot be read just now is answered with a page, as all else is.
func TestABusyLedgerSaysSoToWhoIsSignedIn(t *testing.T) {
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	handler, _, err := newHandler(t.Context(), st, &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, nil, false, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil { // from now on there is no connection to be had
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/month", nil)
	r.AddCookie(&http.Cookie{Name: "flattr_session", Value: "token"})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "busy") {
		t.Errorf("GET /month = %d\n%s\nwant a page that says the ledger is busy", w.Code, w.Body.String())
	}
}

// Who plants the cookie of a session of their own in somebody's browser does
// not share the session that is opened there.
func TestASessionIsANewOneAfterSigningIn(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 50*money.Euro)
	mallory := s.join("mallory", 0)
	origin, err := url.Parse(s.origin)
	if err != nil {
		t.Fatal(err)
	}
	victim := newBrowser(t, s.origin)
	victim.client.Jar.SetCookies(origin, mallory.client.Jar.Cookies(origin))
	victim.do(http.MethodPost, "/signin", url.Values{"name": {"ann"}, "password": {"correct horse"}})
	victim.get("/month")
	victim.wants("You have €50.00")
	mallory.get("/month")
	if strings.Contains(mallory.text, "€50.00") {
		t.Error("mallory sees the month of ann")
	}
}

// No page may stand in a frame of another site, where a click on it could be
// meant for something else: by both headers, of which old browsers know one.
func TestPagesStandInNoFrame(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	for _, path := range []string{"/", "/month", "/signin", "/oauth/authorize?client_id=x", "/static/style.css", "/nowhere"} {
		h := ann.request(http.MethodGet, path, "", nil).Header
		if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("GET %s: X-Frame-Options %q, policy %q", path, h.Get("X-Frame-Options"), h.Get("Content-Security-Policy"))
		}
	}
}
