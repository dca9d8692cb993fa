package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/money"
)

// A member gives an invite away as a letter, and whoever takes it up reads who
// invites, and what comes with it.
func TestAnInviteIsGivenAwayAsALetter(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 0), s.join("bob", 0)
	ann.get("/month")
	letter := ann.find(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/invites/") })
	if letter == nil {
		t.Fatalf("no letter on\n%s", ann.text)
	}
	path := attr(letter, "href")
	code := strings.TrimPrefix(path, "/invites/")
	ann.get(path)
	link := s.origin + "/signup?invite=" + url.QueryEscape(code)
	ann.wants("ann invites you to Flattr", code, link, "QR code of "+link)

	bob.get(path)
	if bob.status != http.StatusNotFound {
		t.Errorf("another member sees the letter: %d", bob.status)
	}
	stranger := newBrowser(t, s.origin)
	stranger.get(path)
	if stranger.at.Path != "/signin" {
		t.Errorf("a stranger is at %s", stranger.at)
	}

	cyd := newBrowser(t, s.origin)
	cyd.get("/signup?invite=" + strings.ToLower(code))
	cyd.wants("ann invites you.")
	cyd.submit("signup", map[string]string{"name": "cyd", "password": "correct horse"})
	if cyd.at.Path != "/welcome" {
		t.Fatalf("cyd is at %s:\n%s", cyd.at, cyd.text)
	}
	ann.get(path)
	if ann.status != http.StatusGone {
		t.Errorf("the letter of a used invite = %d, want %d", ann.status, http.StatusGone)
	}
	late := newBrowser(t, s.origin)
	late.get("/signup?invite=" + code)
	late.wants("has been used already")

	minted, err := s.store.MintInvites(t.Context(), time.Now(), 1, 5*money.Euro)
	if err != nil {
		t.Fatal(err)
	}
	late.get("/signup?invite=" + minted[0].Code)
	late.wants("This invite carries €5.00 for your first clicks.")
	late.get("/signup?invite=nonsense")
	late.wants("not known")
}
