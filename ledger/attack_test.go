package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// request is one request as an attacker's page or program sends it.
func (b *browser) request(method, path, body string, header map[string]string) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.origin+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.text = resp.StatusCode, string(raw)
	return resp
}

const formType = "application/x-www-form-urlencoded"

// A page of another site posts forms with the member's cookies.
func TestPostsFromOtherSitesDoNothing(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	ask := "response_type=code&client_id=" + api.CompanionClient + "&redirect_uri=" + url.QueryEscape("http://127.0.0.1:49152/callback") +
		"&scope=companion&state=state-of-the-device&code_challenge=" + strings.Repeat("A", 43) + "&code_challenge_method=S256&decision=allow"
	for _, foreign := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"}, // another port or name on the same machine
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
		{"Origin": "http://127.0.0.1:1"},
	} {
		foreign["Content-Type"] = formType
		for path, body := range map[string]string{
			"/budget": "budget=99", "/signout": "", "/undo": "click=x", "/signup": "invite=x", "/signin": "name=mallory&password=x", api.PathAuthorize: ask,
		} {
			if ann.request(http.MethodPost, path, body, foreign); ann.status != http.StatusForbidden {
				t.Errorf("POST %s with %v = %d, want 403", path, foreign, ann.status)
			}
			if !strings.Contains(ann.text, "came from another site") {
				t.Errorf("POST %s is refused without saying why: %s", path, ann.text)
			}
		}
	}
	ann.get("/month")
	ann.wants("€2.00") // the budget is what it was, and ann is signed in
}

// A session token planted in a browser is worth nothing after signing in.
func TestSessionIsNewAfterSigningIn(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	b := newBrowser(t, s.origin)
	origin, err := url.Parse(s.origin)
	if err != nil {
		t.Fatal(err)
	}
	const planted = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	b.client.Jar.SetCookies(origin, []*http.Cookie{{Name: "flattr_session", Value: planted, Path: "/"}})
	b.get("/signin")
	b.submit("signin", map[string]string{"name": "ann", "password": "correct horse"})
	if b.at.Path != "/month" {
		t.Fatalf("signing in leads to %s", b.at)
	}
	cookies := b.client.Jar.Cookies(origin)
	if i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == "flattr_session" }); i < 0 || cookies[i].Value == planted {
		t.Errorf("cookies = %v, want a new token", cookies)
	}
	thief := newBrowser(t, s.origin)
	thief.client.Jar.SetCookies(origin, []*http.Cookie{{Name: "flattr_session", Value: planted, Path: "/"}})
	if thief.get("/month"); thief.at.Path != "/signin" {
		t.Errorf("the planted token leads to %s", thief.at)
	}
	// What is signed out stays out, even with the cookie kept.
	b.submit("signout", nil)
	thief.client.Jar.SetCookies(origin, cookies)
	if thief.get("/month"); thief.at.Path != "/signin" {
		t.Errorf("the token of an ended session leads to %s", thief.at)
	}
}

func TestCookiesAreNotForScripts(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	form := url.Values{"invite": {s.invite(0)}, "name": {"ann"}, "password": {"correct horse"}}
	resp := b.request(http.MethodPost, "/signup", form.Encode(), map[string]string{"Content-Type": formType})
	cookies := resp.Cookies()
	if len(cookies) != 2 {
		t.Errorf("cookies = %v, want that of the session, and that by which the browser is known", cookies)
	}
	for _, c := range cookies {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure {
			t.Errorf("cookie %v, want HttpOnly, SameSite=Lax, for this host", c)
		}
	}
}

// Behind TLS, cookies are for TLS and for this host alone.
func TestCookiesAreForThisHostByTLS(t *testing.T) {
	s := startLedger(t, func(opt *serveOptions) { opt.public = "https://ledger.example" })
	b := newBrowser(t, s.origin)
	form := url.Values{"invite": {s.invite(0)}, "name": {"ann"}, "password": {"correct horse"}}
	resp := b.request(http.MethodPost, "/signup", form.Encode(), map[string]string{"Content-Type": formType})
	if n := len(resp.Cookies()); n != 2 {
		t.Errorf("%d cookies, want 2", n)
	}
	for _, c := range resp.Cookies() {
		if !c.Secure || !c.HttpOnly || !strings.HasPrefix(c.Name, "__Host-") || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %v, want __Host-, Secure and HttpOnly", c)
		}
	}
}

// Titles, URLs and names come from pages of strangers.
func TestHostileThingsAreShownAsText(t *testing.T) {
	s := startLedger(t)
	bob := s.join("bob", 0)
	ann := s.join("ann", 50*money.Euro)
	companion := s.link(ann)
	hostile := `"><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}` + "\u202e\x00"
	for i, raw := range []string{
		"https://evil.example/?a=\"><script>alert(3)</script>", "https://evil.example/'onmouseover='alert(4)",
		"javascript:alert(5)", "JaVaScRiPt://evil.example/%0aalert(6)", "data:text/html,<script>alert(7)</script>", "vbscript:x", "//evil.example/", "file:///etc/passwd",
		"https://user:secret@evil.example/", "https://evil.example/\r\nX: y", "",
	} {
		results := send(t, companion, click(s.clock(), api.Thing{URL: raw, Title: fmt.Sprint(i, hostile), Owner: "mallory\"><b>"}))
		if i >= 2 && results.Results[0].Outcome != api.OutcomeRefused && !strings.HasPrefix(raw, "http") {
			t.Errorf("click on %q = %+v, want refused", raw, results.Results[0])
		}
	}
	// Even what an operator loads is not trusted to be a web address.
	err := s.store.Write(t.Context(), func(tx *store.Tx) error {
		id, err := tx.MemberID("bob")
		if err != nil {
			return err
		}
		return tx.AddThing(s.clock(), "https://evil.example/\"><script>alert(8)</script>", hostile, id)
	})
	if err != nil {
		t.Fatalf("AddThing = %v", err)
	}
	send(t, companion, click(s.clock(), api.Thing{URL: "https://evil.example/\"><script>alert(8)</script>"}))
	ann.get("/month")
	checkHarmless(t, ann)
	ann.wants(`<script>alert(1)</script>`)
	bob.get("/revenue")
	checkHarmless(t, bob)
	bob.wants(`<script>alert(1)</script>`)

	ask := url.Values{"invite": {hostile}, "name": {hostile}, "next": {hostile}}
	b := newBrowser(t, s.origin)
	b.get("/signup?" + ask.Encode())
	checkHarmless(t, b)
	b.submit("signup", nil)
	checkHarmless(t, b)
	b.get("/signin?" + ask.Encode())
	checkHarmless(t, b)
	b.get("/" + url.PathEscape(hostile))
	checkHarmless(t, b)
	ann.get(api.PathAuthorize + "?client_id=" + url.QueryEscape(hostile) + "&state=" + url.QueryEscape(hostile))
	checkHarmless(t, ann)
}

// checkHarmless fails if a page holds anything that could run or load.
func checkHarmless(t *testing.T, b *browser) {
	t.Helper()
	for n := range b.page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "iframe", "object", "embed", "base", "b":
			t.Errorf("%s has an element %s", b.at, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("%s has an attribute %s=%q", b.at, a.Key, a.Val)
			}
			if a.Key == "href" || a.Key == "action" || a.Key == "src" {
				u, err := url.Parse(a.Val)
				if err != nil || (u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s leads to %q", b.at, a.Val)
				}
			}
		}
	}
}

func TestNextLeadsToOurPagesOnly(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	for next, want := range map[string]string{
		"/revenue": "/revenue", "/month": "/month", api.PathAuthorize + "?client_id=x&state=%2f%2fevil": api.PathAuthorize + "?client_id=x&state=%2f%2fevil",
		"": "/month", "https://evil.example/": "/month", "//evil.example/month": "/month", "/\\evil.example": "/month", "\\\\evil.example": "/month",
		"/month/../../evil": "/month", "javascript:alert(1)": "/month", "/%2fevil.example": "/month", "month": "/month", "/month\r\nX: y": "/month",
		"http:/month": "/month", "http:month": "/month", "///month": "/month", "/signout": "/month", "/month#x": "/month", "https:///month": "/month", "@evil.example": "/month",
	} {
		b := newBrowser(t, s.origin)
		form := url.Values{"name": {"ann"}, "password": {"correct horse"}, "next": {next}}
		resp := b.request(http.MethodPost, "/signin", form.Encode(), map[string]string{"Content-Type": formType})
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("signing in with next=%q = %d to %q, want %q", next, resp.StatusCode, got, want)
		}
		if want != "/month" || next == "/month" {
			continue
		}
		resp = b.request(http.MethodGet, "/language?to=de&next="+url.QueryEscape(next), "", nil)
		if got := resp.Header.Get("Location"); got != "/" {
			t.Errorf("/language with next=%q leads to %q, want /", next, got)
		}
	}
}

func TestPagesRefuseWhatIsTooLongOrOfAnotherKind(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	long := "name=ann&password=" + strings.Repeat("x", 1<<20)
	for path, want := range map[string]int{"/signin": http.StatusRequestEntityTooLarge, "/signup": http.StatusRequestEntityTooLarge} {
		if b.request(http.MethodPost, path, long, map[string]string{"Content-Type": formType}); b.status != want {
			t.Errorf("POST %s of 1 MiB = %d, want %d", path, b.status, want)
		}
		for _, kind := range []string{"application/json", "text/plain", "multipart/form-data; boundary=x", ""} {
			if b.request(http.MethodPost, path, `{"name":"ann"}`, map[string]string{"Content-Type": kind}); b.status < 400 || b.status >= 500 {
				t.Errorf("POST %s of %q = %d, want 4xx", path, kind, b.status)
			}
		}
		if b.request(http.MethodPost, path, "name=%zz", map[string]string{"Content-Type": formType}); b.status != http.StatusBadRequest {
			t.Errorf("POST %s of a broken form = %d, want 400", path, b.status)
		}
	}
	for _, path := range []string{"/nope", "/static/", "/month/x", "/oauth/", "/static/web.go", "/static/..%2fweb.go", "/api/v2"} {
		if b.request(http.MethodGet, path, "", nil); b.status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, b.status)
		}
	}
}

func TestHeadersKeepBrowsersStrict(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	for _, path := range []string{"/", "/signin", "/month", "/nope", "/static/style.css"} {
		resp := ann.request(http.MethodGet, path, "", nil)
		csp := resp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("GET %s: policy %q lacks %s", path, csp, part)
			}
		}
		if strings.Contains(csp, "127.0.0.1") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
			t.Errorf("GET %s: policy %q allows too much", path, csp)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("GET %s: headers = %v", path, resp.Header)
		}
		if path == "/month" && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s may be cached: %v", path, resp.Header)
		}
	}
	ask := url.Values{
		"response_type": {"code"}, "client_id": {api.CompanionClient}, "redirect_uri": {"http://127.0.0.1:49152/callback"}, "scope": {"companion"},
		"state": {"state-of-the-device"}, "code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"},
	}
	resp := ann.request(http.MethodGet, api.PathAuthorize+"?"+ask.Encode(), "", nil)
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' http://127.0.0.1:49152") {
		t.Errorf("policy of the consent page = %q, want its form to be allowed to end at the companion", csp)
	}
	ask.Set("redirect_uri", "http://evil.example/callback")
	resp = ann.request(http.MethodGet, api.PathAuthorize+"?"+ask.Encode(), "", nil)
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" || strings.Contains(resp.Header.Get("Content-Security-Policy"), "evil") {
		t.Errorf("consent for another site = %d to %q with policy %q", resp.StatusCode, resp.Header.Get("Location"), resp.Header.Get("Content-Security-Policy"))
	}
}

func TestPasswordsCannotBeTriedWithoutEnd(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	b := newBrowser(t, s.origin)
	b.get("/signin")
	tries := 0
	for ; tries < 30; tries++ {
		b.submit("signin", map[string]string{"name": "ann", "password": fmt.Sprint("wrong ", tries)})
		if b.status != http.StatusUnprocessableEntity {
			break
		}
		b.wants("Name or password is wrong.")
	}
	if b.status != http.StatusTooManyRequests || tries > 12 {
		t.Errorf("after %d tries = %d, want 429 soon", tries, b.status)
	}
	b.wants("Too many attempts.")
	// Nobody learns which names exist.
	b.submit("signin", map[string]string{"name": "nobody", "password": "wrong horse"})
	b.wants("Name or password is wrong.")
}

// Another member's click cannot be undone, and what is no click neither.
func TestUndoOfAnothersClickDoesNothing(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 50*money.Euro), s.join("bob", 0)
	event := click(s.clock(), api.Thing{URL: "https://blog.example/1", Title: "One"})
	send(t, s.link(ann), event)
	for _, id := range []string{event.ID, "x", "", "00000000-0000-0000-0000-000000000000"} {
		bob.request(http.MethodPost, "/undo", "click="+id, map[string]string{"Content-Type": formType})
	}
	ann.get("/month")
	if states := ann.all("data-state"); len(states) != 1 || states[0] != "state.promise" {
		t.Errorf("states = %v, want the click as it was", states)
	}
}
