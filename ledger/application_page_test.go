package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A member registers an application, sees its secret once, and another member
// allows it, sees that and takes it back.
func TestMemberRegistersApplication(t *testing.T) {
	s := startLedger(t)
	bob, ann := s.join("bob", 0), s.join("ann", 0)
	bob.get("/applications")
	bob.wants("You have not registered an application.")
	bob.submit("register", map[string]string{"name": "Blog <b>&", "callback": "http://blog.example/", "implicit": ""})
	if bob.status != http.StatusUnprocessableEntity {
		t.Errorf("a callback that others can read = %d, want 422", bob.status)
	}
	bob.wants("Write an address that begins with https://")
	bob.submit("register", map[string]string{"name": "Blog <b>&", "callback": "https://blog.example/done", "implicit": ""})
	bob.wants("Registered:", "Blog <b>&", "Copy the secret now.")
	id, secret := textOf(bob, "client-id"), textOf(bob, "client-secret")
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(secret) {
		t.Fatalf("shown id %q and secret %q", id, secret)
	}
	bob.get("/applications")
	bob.wants("Blog <b>&", id, "https://blog.example/done")
	if strings.Contains(bob.text, secret) {
		t.Error("the secret is shown a second time")
	}

	ask := "/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {id}, "scope": {"flattr,email"}, "state": {"s"}}.Encode()
	ann.get(strings.Replace(ask, "?", "/?", 1)) // as clients write it too
	ann.wants("Allow this application?")
	resp := ann.get(ask)
	ann.wants("Allow this application?", "Blog <b>&", "Registered by bob", "https://blog.example", "flattr and subscribe for you", "see your e-mail address")
	if got := words(ann.page); strings.Contains(got, "register things") {
		t.Errorf("consent speaks of a scope that was not asked for:\n%s", got)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self' https:") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
	code := s.codeFor(ann, "https://blog.example/done")
	if resp := s.forge(ann, http.MethodPost, "/oauth/token/", url.Values{"code": {code}}, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an exchange at an address with a slash behind it = %d, want 401 for want of a secret", resp.StatusCode)
	}
	token := s.exchange(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {id}, "client_secret": {secret}})
	if status := s.restUser(token); status != http.StatusOK {
		t.Errorf("GET /user with the token = %d, want 200", status)
	}
	ann.get("/grants")
	ann.wants("Blog <b>&", "Registered by bob", "see your e-mail address")
	bob.get("/applications")
	bob.submit("end-"+id, nil)
	bob.wants("Nobody can use this application any more.")
	if status := s.restUser(token); status != http.StatusUnauthorized {
		t.Errorf("GET /user after the application ended = %d, want 401", status)
	}
	ann.get("/grants")
	ann.wants("You have not allowed any device or application")
	ann.get(ask)
	if ann.status != http.StatusBadRequest {
		t.Errorf("an ended application asks: %d, want 400", ann.status)
	}
}

// Only the member's own click on the page allows anything: no other site, no
// frame, no GET, nobody who is not signed in.
func TestConsentCannotBeForged(t *testing.T) {
	s := startLedger(t)
	app, _ := s.registerApp("https://player.example/callback", false)
	ann := s.join("ann", 0)
	form := url.Values{"response_type": {"code"}, "client_id": {app.ID}, "scope": {"flattr"}, "decision": {"allow"}}
	for name, headers := range map[string]map[string]string{
		"another site":             {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"a sister site":            {"Sec-Fetch-Site": "same-site"},
		"an old browser elsewhere": {"Origin": "https://evil.example"},
		"a sandboxed frame":        {"Origin": "null"},
	} {
		for _, path := range []string{"/oauth/authorize", "/grants/revoke", "/applications", "/applications/revoke"} {
			resp := s.forge(ann, http.MethodPost, path, form, headers)
			if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Location") != "" {
				t.Errorf("POST %s from %s = %d to %q, want 403", path, name, resp.StatusCode, resp.Header.Get("Location"))
			}
		}
	}
	if resp := s.forge(ann, http.MethodGet, "/oauth/authorize?"+form.Encode(), nil, nil); resp.StatusCode != http.StatusOK || resp.Header.Get("Location") != "" || resp.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("GET with a decision = %d to %q, want the page that asks, in no frame", resp.StatusCode, resp.Header.Get("Location"))
	}
	stranger := newBrowser(t, s.origin)
	if resp := s.forge(stranger, http.MethodPost, "/oauth/authorize", form, map[string]string{"Sec-Fetch-Site": "same-origin"}); !strings.HasPrefix(resp.Header.Get("Location"), "/signin") {
		t.Errorf("a stranger's consent leads to %q, want the sign-in", resp.Header.Get("Location"))
	}
	for _, strange := range []url.Values{
		{"response_type": {"code"}, "client_id": {app.ID}, "redirect_uri": {"https://player.example.evil.example/callback"}},
		{"response_type": {"wrong"}, "client_id": {app.ID}, "redirect_uri": {"https://evil.example/"}},
		{"response_type": {"code"}, "client_id": {"nobody"}, "redirect_uri": {"https://evil.example/"}},
	} {
		if resp := s.forge(ann, http.MethodGet, "/oauth/authorize?"+strange.Encode(), nil, nil); resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
			t.Errorf("GET with %v = %d to %q, want 400 and no redirect", strange, resp.StatusCode, resp.Header.Get("Location"))
		}
	}
	ann.get("/grants")
	ann.wants("You have not allowed any device or application")
}

// A member revokes only what is theirs.
func TestApplicationOfAnotherStays(t *testing.T) {
	s := startLedger(t)
	bob, ann := s.join("bob", 0), s.join("ann", 0)
	bob.get("/applications")
	bob.submit("register", map[string]string{"name": "Blog", "callback": "https://blog.example/", "implicit": ""})
	id := textOf(bob, "client-id")
	ann.do(http.MethodPost, "/applications/revoke", url.Values{"app": {id}})
	bob.get("/applications")
	bob.wants(id)
	ann.do(http.MethodPost, "/grants/revoke", url.Values{"client": {"\xff\x00"}})
	if ann.status != http.StatusOK {
		t.Errorf("revoking what is no client = %d, want 200", ann.status)
	}
	ann.get("/language?to=de&next=/")
	ann.get("/applications")
	ann.wants("Eigene Anwendungen", "Rückadresse")
	ann.get("/grants")
	ann.wants("Du hast keinem Gerät und keiner Anwendung erlaubt")
}

// forge sends what another site could make the member's browser send.
func (s *served) forge(b *browser, method, path string, form url.Values, headers map[string]string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	client := http.Client{Jar: b.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	_ = resp.Body.Close()
	return resp
}

// codeFor allows what the page asks and answers the code.
func (s *served) codeFor(b *browser, callback string) string {
	s.t.Helper()
	resp := b.submit("consent", map[string]string{"decision": "allow"})
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(to.String(), callback+"?") {
		s.t.Fatalf("consent leads to %v, want %s", to, callback)
	}
	return to.Query().Get("code")
}

// exchange answers the token that a code is worth.
func (s *served) exchange(form url.Values) string {
	s.t.Helper()
	resp, err := http.PostForm(s.origin+"/oauth/token", form)
	if err != nil {
		s.t.Fatalf("exchange: %v", err)
	}
	defer resp.Body.Close()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || !isHex40(body.Token) {
		s.t.Fatalf("exchange = %d %+v, %v", resp.StatusCode, body, err)
	}
	return body.Token
}

func textOf(b *browser, id string) string {
	n := b.find(func(n *html.Node) bool { return attr(n, "id") == id })
	if n == nil {
		b.t.Fatalf("no element %q on %s:\n%s", id, b.at, b.text)
	}
	return words(n)
}
