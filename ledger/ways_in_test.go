package main

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
)

// enters signs somebody in by password in a browser of their own.
func (s *served) enters(name, password string) *browser {
	s.t.Helper()
	b := newBrowser(s.t, s.origin)
	b.get("/signin")
	b.submit("signin", map[string]string{"name": name, "password": password})
	return b
}

// isIn tells whether a browser is signed in.
func (b *browser) isIn() bool {
	b.t.Helper()
	b.get("/month")
	return b.at.Path == "/month"
}

// works tells whether a linked companion still has access.
func works(t *testing.T, c *api.Client) bool {
	t.Helper()
	_, _, err := c.Send(t.Context(), api.Batch{Events: []api.Event{click(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), api.Thing{URL: "https://a.example/"})}})
	return err == nil
}

// Who changes their password stays signed in here, and nowhere else; linked
// devices go on unless they are told to end too.
func TestAMemberChangesThePassword(t *testing.T) {
	s := startLedger(t)
	here := s.join("ann", 50*money.Euro)
	companion := s.link(here)
	there := s.enters("ann", "correct horse")
	change := func(fill map[string]string) {
		t.Helper()
		here.get("/settings/signin")
		here.submit("change-password", fill)
	}
	change(map[string]string{"old": "a guess", "new": "another horse", "all": ""})
	here.wants("That is not your password.")
	change(map[string]string{"old": "correct horse", "new": "short", "all": ""})
	here.wants("The password needs at least 8 characters.")
	if !there.isIn() {
		t.Fatal("what was refused has ended the other session")
	}
	change(map[string]string{"old": "correct horse", "new": "another horse", "all": ""})
	here.wants("Your password is changed. Other browsers are signed out")
	if !here.isIn() || there.isIn() || !works(t, companion) {
		t.Errorf("here %v, there %v, companion %v: want true, false, true", here.isIn(), there.isIn(), works(t, companion))
	}
	if s.enters("ann", "correct horse").isIn() || !s.enters("ann", "another horse").isIn() {
		t.Error("the new password does not replace the old one")
	}
	change(map[string]string{"old": "another horse", "new": "third horse", "all": "yes"})
	here.wants("Nothing but this browser has access any more.")
	if !here.isIn() || works(t, companion) {
		t.Errorf("here %v, companion %v: want true, false", here.isIn(), works(t, companion))
	}
}

// A stolen session cannot guess the password for ever.
func TestGuessingTheOwnPasswordIsLimited(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	for range 10 {
		ann.do(http.MethodPost, "/settings/signin/password", url.Values{"old": {"a guess"}, "new": {"another horse"}})
		ann.wants("That is not your password.")
	}
	ann.do(http.MethodPost, "/settings/signin/password", url.Values{"old": {"correct horse"}, "new": {"another horse"}})
	ann.wants("Too many attempts.")
	ann.do(http.MethodPost, "/settings/mail", url.Values{"password": {"correct horse"}, "address": {"m@x.example"}})
	s.setClock(s.clock().Add(time.Minute))
	ann.do(http.MethodPost, "/settings/signin/password", url.Values{"old": {"correct horse"}, "new": {"another horse"}})
	ann.wants("Your password is changed.")
}

func TestAMemberSignsOutElsewhere(t *testing.T) {
	s := startLedger(t)
	here := s.join("ann", 50*money.Euro)
	companion := s.link(here)
	bob := s.join("bob", 0)
	there, third := s.enters("ann", "correct horse"), s.enters("ann", "correct horse")
	s.setClock(s.clock().Add(time.Hour))
	if !here.isIn() {
		t.Fatal("ann is not signed in")
	}
	here.get("/settings/signin")
	here.wants("this one", "Unknown browser", "by password", "22 November, 13:00")
	ids := here.all("data-signin")
	if len(ids) != 3 {
		t.Fatalf("the page lists %d sign-ins, want 3:\n%s", len(ids), words(here.page))
	}
	// The one seen last is this one; nobody else ends it.
	bob.do(http.MethodPost, "/settings/signin/out", url.Values{"id": {ids[0]}})
	if !here.isIn() {
		t.Error("bob has signed ann out")
	}
	here.do(http.MethodPost, "/settings/signin/out", url.Values{"id": {ids[1]}})
	here.wants("Signed out there.")
	if there.isIn() == third.isIn() || !here.isIn() {
		t.Errorf("there %v, third %v, here %v: want one of both out", there.isIn(), third.isIn(), here.isIn())
	}
	here.get("/settings/signin")
	here.submit("everywhere", map[string]string{"programs": ""})
	here.wants("You are signed out everywhere. Linked devices and applications go on.")
	if here.isIn() || there.isIn() || third.isIn() || !bob.isIn() || !works(t, companion) {
		t.Errorf("here %v, there %v, third %v, bob %v, companion %v", here.isIn(), there.isIn(), third.isIn(), bob.isIn(), works(t, companion))
	}
	again := s.enters("ann", "correct horse")
	again.get("/settings/signin")
	again.submit("everywhere", map[string]string{"programs": "yes"})
	again.wants("no linked device or application has access any more.")
	if works(t, companion) || s.enters("ann", "correct horse").isIn() == false {
		t.Error("the companion has access, or ann cannot sign in again")
	}
}

// Signing out ends the sign-in itself: a copy of the cookie is worth nothing.
func TestSignOutEndsACopiedCookie(t *testing.T) {
	s := startLedger(t)
	ann, thief := s.join("ann", 0), newBrowser(t, s.origin)
	origin, err := url.Parse(s.origin)
	if err != nil {
		t.Fatal(err)
	}
	thief.client.Jar.SetCookies(origin, ann.client.Jar.Cookies(origin))
	if !thief.isIn() {
		t.Fatal("a copy of the cookie is another session")
	}
	ann.get("/month")
	ann.submit("signout", nil)
	if thief.isIn() {
		t.Error("the copy is signed in after ann signed out")
	}
}

// The operator hands out a link where there is no mail.
func TestTheOperatorPrintsALinkForAPassword(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	companion := s.link(ann)
	s.setClock(time.Now())
	ann = s.enters("ann", "correct horse")
	link := func() *url.URL {
		t.Helper()
		var out, errs bytes.Buffer
		if err := run(t.Context(), []string{"member", "reset", "ann", "--public-url", s.origin, "--db", s.db}, nil, &out, &errs); err != nil {
			t.Fatalf("member reset = %v\n%s", err, errs.String())
		}
		u, err := url.Parse(strings.TrimSpace(out.String()))
		if err != nil || u.Path != "/signin/reset" {
			t.Fatalf("member reset prints %q", out.String())
		}
		return u
	}
	first := link()
	b := newBrowser(t, s.origin)
	b.get(first.RequestURI())
	b.wants("Your name here is ann.")
	if kept := b.get(first.RequestURI()).Header.Get("Cache-Control"); kept != "no-store" { // looking at it does not use it up
		t.Errorf("the page of the link is kept: %q", kept)
	}
	b.submit("reset", map[string]string{"new": "short", "all": ""})
	b.wants("The password needs at least 8 characters.")
	b.submit("reset", map[string]string{"new": "another horse", "all": ""})
	b.wants("Your new password is set")
	if ann.isIn() || !s.enters("ann", "another horse").isIn() || !works(t, companion) {
		t.Error("the old session goes on, the new password does not open, or the companion ended")
	}
	b.get(first.RequestURI())
	b.wants("This link does nothing any more")
	b.do(http.MethodPost, "/signin/reset", url.Values{"token": {first.Query().Get("token")}, "new": {"stolen horse"}})
	b.wants("This link does nothing any more")

	second := link()
	s.setClock(time.Now().Add(31 * time.Minute))
	b.get(second.RequestURI())
	b.wants("This link does nothing any more")
	s.setClock(time.Now())
	b.get(second.RequestURI())
	b.submit("reset", map[string]string{"new": "third horse", "all": "yes"})
	if works(t, companion) || !s.enters("ann", "third horse").isIn() {
		t.Error("the companion has access, though all was to end")
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"member", "reset", "nobody", "--db", s.db}, nil, &out, &errs); err == nil || out.Len() > 0 {
		t.Errorf("member reset nobody = %v, %q", err, out.String())
	}
}

// Scripts run on the two pages of passkeys, from here, and nowhere else.
func TestOnlyThePagesOfPasskeysRunAScript(t *testing.T) {
	s := startLedger(t, func(opt *serveOptions) { opt.public = "http://localhost:8080" })
	ann := s.join("ann", 0)
	for path, may := range map[string]bool{
		"/": false, "/month": false, "/settings/mail": false, "/signin/forgotten": false, "/grants": false, "/nowhere": false,
		"/settings/signin": true, "/signin": true,
	} {
		policy := ann.request(http.MethodGet, path, "", nil).Header.Get("Content-Security-Policy")
		ann.get(path)
		var scripts []string
		for n := range ann.page.Descendants() {
			if n.Type == html.ElementNode && n.Data == "script" {
				scripts = append(scripts, attr(n, "src"))
			}
		}
		if strings.Contains(policy, "script-src 'self'") != may || (len(scripts) > 0) != may || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: scripts %q under %q, want scripts %v", path, scripts, policy, may)
		}
	}
}
