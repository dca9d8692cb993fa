package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flattr/ledger/oauth"
	"flattr/ledger/store"
	"flattr/programtest"
)

// site is oauth/testdata/grant, a site whose visitors sign in with Flattr.
const siteFolder = "oauth/testdata/grant"

// registerApp registers an application of the operator.
func (s *served) registerApp(callback string, implicit bool) (app store.App, secret string) {
	s.t.Helper()
	server, err := oauth.New(s.t.Context(), s.store, s.clock)
	if err != nil {
		s.t.Fatalf("oauth.New: %v", err)
	}
	app, secret, err = server.Register(s.t.Context(), 0, "Podcast player", callback, implicit)
	if err != nil {
		s.t.Fatalf("Register: %v", err)
	}
	return app, secret
}

// startSite starts the site and answers its origin.
func startSite(t *testing.T, ledger, id, secret, more string) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat(filepath.Join(siteFolder, "node_modules", "grant")); err != nil {
		t.Skipf("grant is not installed: run npm install --no-save in ledger/%s, as make test does", siteFolder)
	}
	command := exec.CommandContext(t.Context(), node, "site.js", ledger, id, secret, more)
	command.Dir = siteFolder
	said := &programtest.Output{}
	command.Stderr = said
	printed, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start site: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it
		_ = command.Wait()
	})
	line, err := bufio.NewReader(printed).ReadString('\n')
	if err != nil {
		t.Fatalf("site prints no address: %v\n%s", err, said)
	}
	return strings.TrimSpace(line)
}

// to goes to an address of another server, as a browser that is led there.
func (b *browser) to(address string) (*http.Response, []byte) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatalf("GET %s: %v", address, err)
	}
	client := http.Client{Jar: b.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatalf("GET %s: %v", address, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("GET %s: %v", address, err)
	}
	return resp, body
}

// signedIn is what the site knows of a visitor.
type signedIn struct {
	Token  string         `json:"token"`
	Status int            `json:"status"`
	User   map[string]any `json:"user"`
	Raw    map[string]any `json:"raw"`
	Error  any            `json:"error"`
}

// grant 5.0.0 signs a member in by its built-in provider flattr: state, a form
// with id and secret, then a call with the token. So it does with PKCE, and with
// the credentials in the header.
func TestGrantSignsIn(t *testing.T) {
	for name, more := range map[string]string{
		"as it is": `{}`,
		"PKCE":     `{"pkce": true}`,
		"Basic":    `{"token_endpoint_auth_method": "client_secret_basic"}`,
		"commas":   `{"scope_delimiter": ","}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := startLedger(t)
			app, secret := s.registerApp("http://127.0.0.1/connect/flattr/callback", false)
			site := startSite(t, s.origin, app.ID, secret, more)
			ann := s.join("ann", 0)
			got := s.signInBy(ann, site)
			if !isHex40(got.Token) || got.Status != http.StatusOK || got.User["username"] != "ann" {
				t.Fatalf("signed in as %+v, want ann by a token of 40 hex digits", got)
			}
			if got.Raw["token_type"] != "bearer" {
				t.Errorf("token_type = %v, want bearer", got.Raw["token_type"])
			}
			ann.get("/grants")
			ann.wants("Podcast player", "flattr and subscribe for you", "register things in your name", "the operator of this ledger")
			ann.submit("revoke-"+app.ID, nil)
			ann.wants("Revoked.", "You have not allowed any device or application")
			if status := s.restUser(got.Token); status != http.StatusUnauthorized {
				t.Errorf("a revoked token is answered with %d, want 401", status)
			}
		})
	}
}

// What the library checks it finds: the state of another sign-in is refused by
// it, a consent that is not given and a wrong secret by the ledger.
func TestGrantIsToldWhatWentWrong(t *testing.T) {
	s := startLedger(t)
	app, secret := s.registerApp("http://127.0.0.1/connect/flattr/callback", false)
	site := startSite(t, s.origin, app.ID, secret, `{}`)
	ann := s.join("ann", 0)
	resp, _ := ann.to(site + "/connect/flattr")
	ann.get(strings.TrimPrefix(resp.Header.Get("Location"), s.origin))
	resp = ann.submit("consent", map[string]string{"decision": "deny"})
	if got := s.endAt(ann, site, resp.Header.Get("Location")); got.Token != "" || !strings.Contains(asText(got.Error), "access_denied") {
		t.Errorf("after a refusal the site knows %+v, want access_denied", got)
	}

	resp, _ = ann.to(site + "/connect/flattr")
	ann.get(strings.TrimPrefix(resp.Header.Get("Location"), s.origin))
	resp = ann.submit("consent", map[string]string{"decision": "allow"})
	forged, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	q := forged.Query()
	q.Set("state", "of another")
	forged.RawQuery = q.Encode()
	if got := s.endAt(ann, site, forged.String()); got.Token != "" || !strings.Contains(asText(got.Error), "state mismatch") {
		t.Errorf("with another state the site knows %+v, want a mismatch", got)
	}

	other := startSite(t, s.origin, app.ID, strings.Repeat("0", 64), `{}`)
	if got := s.signInBy(ann, other); got.Token != "" || !strings.Contains(asText(got.Error), "invalid_client") {
		t.Errorf("with a wrong secret the site knows %+v, want invalid_client", got)
	}
}

// signInBy goes all the way: to the site, to the ledger, consent, and back.
func (s *served) signInBy(b *browser, site string) signedIn {
	s.t.Helper()
	resp, _ := b.to(site + "/connect/flattr")
	ask := resp.Header.Get("Location")
	if !strings.HasPrefix(ask, s.origin+"/oauth/authorize?") {
		s.t.Fatalf("the site leads to %q, want the ledger", ask)
	}
	b.get(strings.TrimPrefix(ask, s.origin))
	b.wants("Podcast player", "flattr and subscribe for you, within your budget", "register things in your name", site)
	resp = b.submit("consent", map[string]string{"decision": "allow"})
	return s.endAt(b, site, resp.Header.Get("Location"))
}

// endAt follows the answer to the site.
func (s *served) endAt(b *browser, site, answer string) signedIn {
	s.t.Helper()
	if !strings.HasPrefix(answer, site+"/connect/flattr/callback?") {
		s.t.Fatalf("consent leads to %q, want the site's callback:\n%s", answer, words(b.page))
	}
	resp, _ := b.to(answer)
	if resp.Header.Get("Location") != "/signed-in" {
		s.t.Fatalf("callback answers %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	_, body := b.to(site + "/signed-in")
	var got signedIn
	if err := json.Unmarshal(body, &got); err != nil {
		s.t.Fatalf("site answers %q: %v", body, err)
	}
	return got
}

// restUser asks REST v2 whose token it is.
func (s *served) restUser(token string) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.origin+"/rest/v2/user", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatalf("GET /user: %v", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func isHex40(s string) bool { return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == "" }

func asText(v any) string {
	raw, _ := json.Marshal(v)
	return string(raw)
}
