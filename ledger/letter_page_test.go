package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
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

// A code of somebody else's is answered as one that nobody has.
func TestInvitesOfOthersAreTakenForNone(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	others := s.invite(0)
	said := map[string]string{}
	for _, code := range []string{others, "AAAA-BBBB-CCCC-DDDD"} {
		if ann.get("/invites/" + code); ann.status != http.StatusNotFound {
			t.Errorf("GET /invites/%s = %d, want 404", code, ann.status)
		}
		said[code] = strings.ReplaceAll(ann.text, code, "")
	}
	if said[others] != said["AAAA-BBBB-CCCC-DDDD"] {
		t.Error("the page tells a code that somebody has from one that nobody has")
	}
}

// However many take up one invite at once, it lets one in, and its means are given once.
func TestAnInviteLetsOneIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		code := s.invite(7 * money.Euro)
		const many = 12
		status := make([]int, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				form := url.Values{"invite": {code}, "name": {fmt.Sprint("name", i)}, "password": {"correct horse"}}
				status[i] = newBrowser(t, s.origin).request(http.MethodPost, "/signup", form.Encode(), map[string]string{"Content-Type": formType}).StatusCode
			})
		}
		all.Wait()
		slices.Sort(status)
		if status[0] != http.StatusSeeOther || status[1] != http.StatusUnprocessableEntity || status[many-1] >= 500 {
			t.Errorf("%d at once = %v, want one in and all others told that it is used", many, status)
		}
	})
}
