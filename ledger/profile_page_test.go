package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestAMemberMakesTheirProfilePublic(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 5*money.Euro)
	ann := s.join("ann", 5*money.Euro)
	song := s.known("https://bob.example/a", "A song", "bob")
	tale := s.known("https://ann.example/b", "A tale", "ann")
	play := s.known("https://ann.example/c", "A play", "ann")
	ann.post("/flattr", url.Values{"thing": {fmt.Sprint(song)}})
	bob.post("/flattr", url.Values{"thing": {fmt.Sprint(tale)}}) // while private

	bob.get("/month")
	bob.get("/profile")
	bob.wants("Your profile", "Making it public never reaches back", "Private", "Public")
	texts := map[string]string{
		"firstname": "Robert", "lastname": "Singer", "about": "Songs <b>of</b> the sea.\r\nSince 1999.", "city": "Malmö", "country": "Sweden",
		"url": "https://bob.example/?a=1&b=2", "email": "bob@mail.example",
	}
	form := url.Values{"seen": {"private"}}
	for name, text := range texts {
		form.Set(name, text)
	}
	bob.post("/profile", form)
	bob.wants("Saved.")
	for _, who := range []*browser{ann, newBrowser(t, s.origin)} {
		who.get("/profile/bob")
		who.wants("bob", "A song", "bob.example/a", "1")
		for _, hidden := range []string{"Robert", "Malmö", "of the sea", "A tale", "Flattred in public", "flattrs.atom"} {
			if strings.Contains(who.text, hidden) {
				t.Errorf("a private profile shows %q", hidden)
			}
		}
	}

	form.Set("seen", "public")
	s.setClock(s.clock().Add(time.Minute))
	bob.post("/profile", form)
	bob.wants("Saved. Your profile is public from now on.", "Your profile is public since")
	s.setClock(s.clock().Add(time.Minute))
	bob.post("/flattr", url.Values{"thing": {fmt.Sprint(play)}}) // while public
	ann.get("/@BOB")
	ann.wants("Robert Singer", "Malmö, Sweden", "Songs <b>of</b> the sea.", "Flattred in public", "A play")
	if strings.Contains(ann.text, "A tale") {
		t.Error("making a profile public reaches back")
	}
	if strings.Contains(ann.text, "mail.example") {
		t.Error("the page shows the e-mail address")
	}
	for _, link := range []string{`href="/profile/bob/things.atom"`, `href="/profile/bob/flattrs.atom"`, `href="https://bob.example/?a=1&amp;b=2"`} {
		if !strings.Contains(ann.text, link) {
			t.Errorf("the page has no %s", link)
		}
	}
	bob.get("/profile/bob")
	bob.wants("This is your page. Your profile is public since")
	if form := bob.find(func(n *nethtml.Node) bool { return attr(n, "id") == "flattr" }); form != nil {
		t.Error("one can flattr oneself")
	}

	form.Set("seen", "private")
	bob.post("/profile", form)
	bob.wants("Saved. Your profile is private.")
	ann.get("/profile/bob")
	if strings.Contains(ann.text, "Robert") || strings.Contains(ann.text, "A play") {
		t.Error("a profile that is private again shows what it did")
	}
}

func TestWhatIsWrongInAProfileIsSaidAtItsField(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	for field, bad := range map[string][2]string{
		"firstname": {strings.Repeat("ü", 81), "At most 80 characters, please. You have written 81."},
		"about":     {strings.Repeat("x", 1001), "At most 1000 characters, please. You have written 1001."},
		"url":       {"javascript:alert(1)", "Write the whole address"},
		"email":     {"nobody", "This is no e-mail address."},
	} {
		resp := bob.post("/profile", url.Values{field: {bad[0]}, "city": {"Malmö"}, "seen": {"public"}})
		bob.wants("Please look at this again", bad[1])
		input := bob.find(func(n *nethtml.Node) bool { return attr(n, "name") == field })
		if resp.StatusCode != http.StatusUnprocessableEntity || attr(input, "aria-invalid") != "true" || !strings.Contains(bob.text, `value="Malmö"`) {
			t.Errorf("%s: %d, or what was typed is gone:\n%s", field, resp.StatusCode, bob.text)
		}
	}
	if p, err := s.store.Profile(t.Context(), s.member("bob")); err != nil || p.Public || p.City != "" {
		t.Errorf("what was refused is kept: %+v, %v", p, err)
	}
	bob.post("/profile", url.Values{"about": {"a\x00b\r\nc\x1b[0m\xff"}, "seen": {"x"}})
	if p, err := s.store.Profile(t.Context(), s.member("bob")); err != nil || p.About != "ab\nc[0m" || p.Public {
		t.Errorf("hostile text is kept as %+v, %v", p, err)
	}
	stranger := newBrowser(t, s.origin)
	if stranger.get("/profile"); stranger.at.Path != "/signin" || !strings.Contains(stranger.at.RawQuery, "next=%2Fprofile") {
		t.Errorf("a stranger's look at the form ends at %s", stranger.at)
	}
}

func (s *served) member(name string) flattr.MemberID {
	s.t.Helper()
	m, err := s.store.MemberByName(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

// Everything of this is within two clicks of the page on which a member is after
// signing in.
func TestEveryPageIsFoundFromTheMonth(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	clicks, at := map[string]int{"/month": 0}, []string{"/month"}
	for len(at) > 0 {
		page := at[0]
		at = at[1:]
		bob.get(page)
		if bob.status != http.StatusOK {
			t.Errorf("%s, which is linked: %d", page, bob.status)
		}
		for n := range bob.page.Descendants() {
			path, _, _ := strings.Cut(attr(n, "href"), "#")
			if _, seen := clicks[path]; seen || n.Data != "a" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/language") {
				continue
			}
			if clicks[path] = clicks[page] + 1; clicks[path] < 2 {
				at = append(at, path)
			}
		}
	}
	for _, path := range []string{
		"/buttons", "/claims", "/grants", "/applications", "/profile", "/profile/bob", "/revenue", "/docs/api", "/docs/api/openapi.json",
	} {
		if n, found := clicks[path]; !found || n > 2 {
			t.Errorf("%s is %d clicks away (found: %v), want two at most", path, n, found)
		}
	}
}

// The characters by which pages name a member are made when they join or sign in,
// so that no page that shows them has to change anything.
func TestJoiningMakesTheFlattrID(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	had, err := s.store.KnownFlattrID(t.Context(), s.member("bob"))
	if err != nil || had == "" {
		t.Fatalf("joining makes %q, %v", had, err)
	}
	bob.get("/buttons?url=https://bob.example/")
	bob.wants("Account tag", "Once it stands there, have the page checked.")
	if !strings.Contains(bob.text, had) {
		t.Error("the page shows another one")
	}
}

// What pages of others make a browser load, and what their links lead to, is
// small, sets no cookie, and asks nobody else for anything.
func TestWhatVisitorsGetIsSmallAndTracksNobody(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	long := strings.Repeat("長い'", 26)
	id := s.known("https://bob.example/"+strings.Repeat("a", 1900), long, "bob")
	for i := range 45 {
		s.known(fmt.Sprintf("https://bob.example/%d/%s", i, strings.Repeat("b", 100)), fmt.Sprintf("%d %s", i, long), "bob")
	}
	bob.post("/profile", url.Values{
		"seen": {"public"}, "firstname": {strings.Repeat("ä", 80)}, "lastname": {strings.Repeat("'", 80)}, "about": {strings.Repeat("文", 1000)},
		"city": {strings.Repeat("ö", 80)}, "country": {strings.Repeat("&", 80)}, "url": {"https://bob.example/" + strings.Repeat("c", 450)},
	})
	bob.wants("Saved.")
	ann := s.join("ann", 5*money.Euro)
	ann.post("/flattr", url.Values{"submit": {url.Values{
		"url": {"https://wordy.example/"}, "title": {long}, "description": {strings.Repeat("'&", 500)}, "user_id": {"mallory"}, "tags": {strings.Repeat("tag,", 100)},
	}.Encode()}})
	ann.wants("It is a promise")
	loaded := regexp.MustCompile(`(?i)(?:src|<link[^>]*href|url\(|@import|srcset|action|poster|data)\s*=?\s*["'(]?\s*(?:https?:)?//([^/"')\s]+)`)
	host := strings.TrimPrefix(s.origin, "http://")
	for _, path := range []string{
		"/js/0.6/load.js?mode=auto", "/js/0.5.0/load.js", "/js/0.5/load.js", "/button/load.js", "/button/view/?url=https://bob.example/0/x&uid=bob", "/button/view/?url=https://bob.example/&button=compact",
		"/button/flattr-badge-large.png", "/button/flattr-badge-small.png", fmt.Sprintf("/thing/%d", id), fmt.Sprintf("/t/%d", id), "/submit/auto?url=https://wordy.example/", "/profile/bob", "/profile/bob?things=20", "/@bob", "/domain/bob.example",
		"/submit/auto?url=https://bob.example/&user_id=bob&title=News", "/submit/auto?url=https://new.example/" + strings.Repeat("%25e4", 400) + "&user_id=bob&title=" + url.QueryEscape(long),
	} {
		for _, lang := range []string{"en", "de"} {
			resp, text := visit(t, s.origin+path, lang)
			h, packed := resp.Header, bytes.Buffer{}
			zip := gzip.NewWriter(&packed)
			if _, err := zip.Write([]byte(text)); err != nil || zip.Close() != nil {
				t.Fatal(err)
			}
			if lang == "de" {
				t.Logf("%6d bytes, %5d packed: %.60s", len(text), packed.Len(), path)
			}
			if resp.StatusCode != http.StatusOK || len(text) >= mostOfAPage || packed.Len() >= mostOfAPage {
				t.Errorf("%.60s in %s: %d with %d bytes, packed %d", path, lang, resp.StatusCode, len(text), packed.Len())
			}
			if len(h.Values("Set-Cookie")) > 0 || !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") {
				t.Errorf("%.60s: cookies %q, Cache-Control %q", path, h.Values("Set-Cookie"), h.Get("Cache-Control"))
			}
			for _, from := range loaded.FindAllStringSubmatch(text, -1) {
				if from[1] != host {
					t.Errorf("%.60s asks %s for something: %s", path, from[1], from[0])
				}
			}
		}
	}
}

// Every thing of an author is reached from their page, however long its title.
func TestAnAuthorsListsGoOn(t *testing.T) {
	s := startLedger(t)
	s.join("bob", 0)
	long := strings.Repeat("長い'", 26)
	for i := range 45 {
		s.known(fmt.Sprintf("https://bob.example/%d", i), fmt.Sprintf("No. %d %s", i, long), "bob")
	}
	seen := map[string]bool{}
	b := newBrowser(t, s.origin)
	for next := "/profile/bob"; next != ""; {
		b.get(next)
		next = ""
		for n := range b.page.Descendants() {
			href := attr(n, "href")
			if strings.HasPrefix(href, "/thing/") {
				seen[href] = true
			}
			if n.Data == "a" && words(n) == "Older things" {
				next = href
			}
		}
		if len(b.text) >= mostOfAPage {
			t.Errorf("%s has %d bytes", b.at, len(b.text))
		}
	}
	if len(seen) != 45 {
		t.Errorf("the pages show %d things, want 45", len(seen))
	}
}
