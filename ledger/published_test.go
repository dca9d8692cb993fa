package main

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// mostOfAPage is how large a page may be that old links lead to, in bytes.
const mostOfAPage = 10_000

// known makes a thing of an author and answers its number.
func (s *served) known(url, title, owner string) flattr.ThingID {
	s.t.Helper()
	m, err := s.store.MemberByName(s.t.Context(), owner)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Write(s.t.Context(), func(tx *store.Tx) error { return tx.AddThing(s.clock(), url, title, m.ID) }); err != nil {
		s.t.Fatal(err)
	}
	return s.view(url).ID
}

func (s *served) view(url string) flattr.Thing {
	s.t.Helper()
	v, err := s.store.ThingByURL(s.t.Context(), url)
	if err != nil {
		s.t.Fatalf("thing %s: %v", url, err)
	}
	return v
}

func TestPagesThatOldLinksLeadTo(t *testing.T) {
	s := startLedger(t)
	s.join("Bob", 0)
	id := s.known("https://bob.example/a", "A song", "Bob")
	for path, shows := range map[string]string{
		fmt.Sprintf("/thing/%d", id): "A song", fmt.Sprintf("/thing/%d/a-song", id): "A song", fmt.Sprintf("/thing/%d/", id): "A song", fmt.Sprintf("/t/%d", id): "A song",
		"/submit/auto?url=http://www.bob.example/a&user_id=mallory":       `by <a href="/profile/Bob">`,
		"/submit/auto?url=https%3A%2F%2Fnew.example%2F&user_id=mallory":   "The button names mallory as the author.",
		"/submit/auto?user_id=x&amp;url=https://new.example/&&title=News": "News",
		"/submit/auto?url=https://new.example/&owner=email:0123&hidden=1": "Its author is not known here yet",
		"/profile/bob": "Bob", "/user/BOB": "Bob", "/@Bob": "Bob", "/%40bob": "Bob", "/@bob/": "Bob",
		"/domain/news.example": "news.example", "/buttons": "A button for your page", "/buttons?url=https://bob.example/a&user_id=bob": "Account tag",
	} {
		resp, text := visit(t, s.origin+path, "")
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, shows) {
			t.Errorf("%s: %d, does not show %q:\n%s", path, resp.StatusCode, shows, text)
		}
		h := resp.Header
		if len(h.Values("Set-Cookie")) > 0 || !strings.HasPrefix(h.Get("Cache-Control"), "public, max-age=") || len(text) >= mostOfAPage && !strings.HasPrefix(path, "/buttons") {
			t.Errorf("%s: cookies %q, Cache-Control %q, %d bytes", path, h.Values("Set-Cookie"), h.Get("Cache-Control"), len(text))
		}
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.Contains(text, "<script") || strings.Contains(text, `method="post"`) {
			t.Errorf("%s: policy %q, or has a script or a form:\n%s", path, h.Get("Content-Security-Policy"), text)
		}
	}
	bob := newBrowser(t, s.origin)
	bob.get("/@bob")
	for _, feed := range bob.all("href") {
		if strings.HasSuffix(feed, ".atom") {
			if resp, text := visit(t, s.origin+feed, ""); resp.StatusCode != http.StatusOK || !strings.Contains(text, "<feed") {
				t.Errorf("the feed %s: %d, %.200s", feed, resp.StatusCode, text)
			}
		}
	}
	if !strings.Contains(bob.text, "/profile/Bob/things.atom") {
		t.Error("an author's page names no feed")
	}
	for path, status := range map[string]int{
		"/thing/1": 404, "/thing/x": 404, "/thing/-1": 404, "/thing/99999999999999999999": 404, "/t/0": 404, "/profile/nobody": 404, "/@nobody": 404, "/nobody": 404,
		"/domain/localhost": 404, "/domain/a.b@c": 404, "/submit/auto": 400, "/submit/auto?url=javascript:alert(1)": 400, "/buttons?url=javascript:alert(1)": 422,
	} {
		resp, text := visit(t, s.origin+path, "")
		if resp.StatusCode != status || len(resp.Header.Values("Set-Cookie")) > 0 || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %q, want %d and not kept:\n%s", path, resp.StatusCode, resp.Header, status, text)
		}
	}
	if resp, text := visit(t, s.origin+fmt.Sprintf("/thing/%d", id), "de"); resp.Header.Get("Content-Language") != "de" || !strings.Contains(text, "Anmelden und flattern") {
		t.Errorf("the page in German:\n%s", text)
	}
	if _, err := s.store.ThingByURL(t.Context(), "https://new.example/"); flattr.CodeOf(err) != flattr.NotFound {
		t.Errorf("looking at a page made a thing: %v", err)
	}
}

// visit asks for a page as a browser without cookies does.
func visit(t *testing.T, address, lang string) (*http.Response, string) {
	t.Helper()
	b := newBrowser(t, "")
	if lang != "" {
		b.lang = lang
	}
	b.client.Jar, b.client.CheckRedirect = nil, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp := b.get(strings.ReplaceAll(address, " ", "%20"))
	return resp, b.text
}

func TestALongLinkMakesASmallPage(t *testing.T) {
	s := startLedger(t)
	thing := "url=" + url.QueryEscape("https://long.example/"+strings.Repeat("a/b%20", 120)) + "&"
	query := url.Values{
		"title": {strings.Repeat("題", 400)}, "user_id": {"bob"},
		"description": {strings.Repeat("説 ", 3000)}, "tags": {strings.Repeat("tag,", 300)},
	}
	for rest, status := range map[string]int{thing: http.StatusOK, "": http.StatusBadRequest} {
		resp, text := visit(t, s.origin+"/submit/auto?"+rest+query.Encode()[:11_000], "de")
		if resp.StatusCode != status || len(text) >= mostOfAPage {
			t.Errorf("%d with %d bytes, want %d", resp.StatusCode, len(text), status)
		}
	}
}

func TestAReaderFlattrsFromAPageAfterSigningIn(t *testing.T) {
	s := startLedger(t)
	author := s.join("bob", 0)
	s.join("ann", 5*money.Euro)
	id := s.known("https://bob.example/a", "A song", "bob")

	ann := newBrowser(t, s.origin)
	ann.get(fmt.Sprintf("/thing/%d", id))
	ann.wants("A song", "by bob", "Sign in and flattr this")
	ann.submit("enter", nil)
	ann.submit("signin", map[string]string{"name": "ann", "password": "correct horse"})
	if ann.at.Path != fmt.Sprintf("/thing/%d", id) {
		t.Fatalf("signing in ends at %s", ann.at)
	}
	if v := s.view("https://bob.example/a"); v.Flattrs != 0 {
		t.Fatalf("%d clicks before the first: a GET made one", v.Flattrs)
	}
	if resp := ann.submit("flattr", nil); resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page of a member may be kept: %q", resp.Header.Get("Cache-Control"))
	}
	ann.wants("Flattred. It is worth €2.00 so far this month.", "Flattred once.")
	ann.get(ann.at.Path)
	ann.wants("You have flattred this, this month.", "Flattred once.")
	if v := s.view("https://bob.example/a"); v.Flattrs != 1 {
		t.Errorf("%d clicks, want 1", v.Flattrs)
	}
	ann.post("/flattr", url.Values{"thing": {fmt.Sprint(id)}})
	ann.wants("You flattred this already this month.")

	// A link is believed about everything but the owner.
	ann.get("/submit/auto?url=https://victim.example/x&user_id=mallory&title=Victim%27s+page&tags=a,b&language=de_DE&category=audio")
	ann.submit("flattr", nil)
	ann.wants("It is a promise until its author is known", "Victim's page", "The button names mallory")
	if v := s.view("https://victim.example/x"); v.OwnerID != 0 || v.Asserted != "mallory" || v.Title != "Victim's page" || len(v.Tags) != 2 || v.Language != "de_DE" || v.Category != "audio" {
		t.Errorf("the thing of the link is %+v", v)
	}

	ann.get("/@BOB")
	ann.submit("flattr", nil)
	ann.wants("Flattred. It is worth €1.00 so far this month.", "bob", "Flattred once.")
	if v := s.view(s.origin + "/profile/bob"); v.Owner != "bob" || v.Flattrs != 1 {
		t.Errorf("the author as a thing is %+v", v)
	}
	ann.get("/domain/news.example")
	ann.submit("flattr", nil)
	ann.wants("news.example", "It is a promise")
	if v := s.view("http://news.example"); v.Flattrs != 1 {
		t.Errorf("the site is %+v", v)
	}

	author.get(fmt.Sprintf("/thing/%d", id))
	author.wants("This is your own thing")
	author.get("/profile/bob")
	author.wants("This is your page.")
	author.post("/flattr", url.Values{"thing": {fmt.Sprint(id)}})
	author.wants("This is your own thing")
	author.post("/flattr", url.Values{"profile": {"ann"}})
	author.wants("Your means do not reach: you have €0.00.")
}

func (b *browser) post(path string, form url.Values) *http.Response {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func TestNobodyElseMakesAMemberFlattr(t *testing.T) {
	s := startLedger(t)
	s.join("bob", 0)
	ann := s.join("ann", 5*money.Euro)
	id := s.known("https://bob.example/a", "A song", "bob")
	for _, path := range []string{
		fmt.Sprintf("/thing/%d", id), fmt.Sprintf("/flattr?thing=%d", id), "/submit/auto?url=https://bob.example/a", "/profile/bob",
	} {
		ann.get(path)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.origin+"/flattr", strings.NewReader(fmt.Sprintf("thing=%d", id)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := ann.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %d, want 403", resp.StatusCode)
	}
	if v := s.view("https://bob.example/a"); v.Flattrs != 0 {
		t.Errorf("%d clicks, want none", v.Flattrs)
	}
	// Who joins on the way comes back to the thing too.
	joins := newBrowser(t, s.origin)
	joins.get(fmt.Sprintf("/thing/%d", id))
	joins.wants("Join")
	joins.get("/signup?" + url.Values{"next": {fmt.Sprintf("/thing/%d", id)}}.Encode()) // as the button in the form does
	joins.submit("signup", map[string]string{"invite": s.invite(5 * money.Euro), "name": "cat", "password": "correct horse"})
	if joins.at.Path != fmt.Sprintf("/thing/%d", id) {
		t.Errorf("joining ends at %s", joins.at)
	}
	// Who is not signed in is asked to, and comes back to the thing.
	stranger := newBrowser(t, s.origin)
	stranger.post("/flattr", url.Values{"thing": {fmt.Sprint(id)}})
	if want := fmt.Sprintf("next=%%2Fthing%%2F%d", id); stranger.at.Path != "/signin" || !strings.Contains(stranger.at.RawQuery, want) {
		t.Errorf("a stranger's click ends at %s", stranger.at)
	}
	for _, form := range []url.Values{{}, {"thing": {"x"}}, {"thing": {"-5"}}, {"submit": {"url=javascript:alert(1)"}}, {"domain": {"a/b.c"}}, {"profile": {"nobody"}}} {
		if resp := ann.post("/flattr", form); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d, want 400", form, resp.StatusCode)
		}
	}
	ann.post("/flattr", url.Values{"thing": {"77"}})
	if ann.status != http.StatusNotFound {
		t.Errorf("a click on no thing ends with %d", ann.status)
	}
}

// Whatever stands in an address, it stands in the page as text.
func TestPublishedPagesTakeNoMarkup(t *testing.T) {
	s := startLedger(t)
	member := s.join("bob", 5*money.Euro)
	attacks := []string{
		`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `</textarea><script>alert(1)</script>`, `</title><svg onload=alert(1)>`,
		`" onmouseover="alert(1)`, `https://evil.example/"><script>alert(1)</script>`, `https://evil.example/' onclick='x`, `{{.Body}}`, "\x00\xff", `<!--`, `]]>`, `https://evil.example/&quot;><b>`,
	}
	for _, attack := range attacks {
		e := url.QueryEscape(attack)
		var paths []string
		for _, key := range []string{"url", "user_id", "owner", "fid", "title", "description", "language", "tags", "category", "hidden"} {
			paths = append(paths, "/submit/auto?url=https://good.example/&"+key+"="+e)
		}
		for _, key := range []string{"url", "user_id", "title", "size", "language"} {
			paths = append(paths, "/buttons?url=https://good.example/&"+key+"="+e)
		}
		for _, tree := range []string{"/thing/", "/thing/1/", "/t/", "/profile/", "/user/", "/@", "/domain/"} {
			paths = append(paths, tree+url.PathEscape(attack))
		}
		for _, path := range paths {
			for who, b := range map[string]*browser{"a visitor": newBrowser(t, s.origin), "a member": member} {
				b.get(path)
				if b.status >= 500 {
					t.Errorf("%s, %s: %d", who, path, b.status)
				}
				for n := range b.page.Descendants() {
					if n.Type != nethtml.ElementNode {
						continue
					}
					if n.Data == "script" || n.Data == "img" || n.Data == "b" || n.Data == "svg" && attr(n, "onload") != "" {
						t.Errorf("%s, %s puts <%s> into the page", who, path, n.Data)
					}
					for _, a := range n.Attr {
						if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") && a.Key != "value" {
							t.Errorf("%s, %s puts %s=%q into the page", who, path, a.Key, a.Val)
						}
					}
				}
			}
		}
	}
}

// The snippets are what they seem when a browser reads them, and no more.
func TestSnippetsHoldWhatWasChosen(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	title := `Fish & "chips" <b>'s</b>`
	bob.get("/buttons?" + url.Values{"url": {"https://bob.example/?a=1&b=2"}, "title": {title}, "size": {"large"}, "language": {"de_DE"}}.Encode())
	want := s.origin + "/submit/auto?url=https%3A%2F%2Fbob.example%2F%3Fa%3D1%26b%3D2&user_id=bob&title=" + strings.ReplaceAll(url.QueryEscape(title), "+", "%20") + "&language=de_DE"
	for id, tag := range map[string]string{"link": "a", "head": "link", "atom": "link", "rss": "atom:link"} {
		text := snippetOf(bob, id)
		page, err := nethtml.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		read := &browser{t: t, page: page}
		element := read.find(func(n *nethtml.Node) bool { return n.Data == tag })
		if element == nil || attr(element, "href") != want || attr(element, "title") != "Flattern: "+title {
			t.Errorf("snippet %s leads to %q:\n%s", id, attr(element, "href"), text)
		}
		if regexp.MustCompile(`(?i)<script|load\.js|iframe|src=|style`).MatchString(text) {
			t.Errorf("snippet %s asks for something: %s", id, text)
		}
	}
	if meta := snippetOf(bob, "meta"); !regexp.MustCompile(`^<meta name="flattr:id" content="[0-9a-z]{6}">$`).MatchString(meta) {
		t.Errorf("the account tag is %q", meta)
	}
	if again := snippetOf(bob, "meta"); again != snippetOf(bob, "meta") {
		t.Error("the account tag changes")
	}
	shown := bob.find(func(n *nethtml.Node) bool { return n.Data == "p" && attr(n, "class") == "looks" })
	if shown == nil || !strings.Contains(bob.text, snippetOf(bob, "link")) {
		t.Error("the picture is not the button that is offered")
	}
}

// snippetOf is a text to copy on the page of the configurator.
func snippetOf(b *browser, id string) string {
	b.t.Helper()
	area := b.find(func(n *nethtml.Node) bool { return n.Data == "textarea" && attr(n, "id") == id })
	if area == nil || area.FirstChild == nil {
		b.t.Fatalf("no snippet %q on %s:\n%s", id, b.at, html.UnescapeString(words(b.page)))
	}
	return area.FirstChild.Data
}
