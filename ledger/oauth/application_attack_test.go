package oauth_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/oauth"
	"flattr/ledger/store/storetest"
)

// An answer goes to the callback and to no address that resembles it, neither
// with a code nor with an error.
func TestApplicationRedirectAttacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		for registered, attacks := range map[string][]string{
			"https://player.example/callback": {
				"https://evilplayer.example/callback", "https://player.example.evil.example/callback", "https://evil.example/player.example/callback",
				"https://player.example@evil.example/callback", "https://x:y@player.example/callback", "https://player.example:444/callback",
				"https://player.example/callback/", "https://player.example/callback/../x", "https://player.example/callback?x=1", "https://player.example/callback#f",
				"https://player.example/", "https://player.example", "http://player.example/callback", "https://PLAYER.example/callback", "https://sub.player.example/callback",
				"https://player.example\\@evil.example/callback", "https://player.example/%63allback", "//player.example/callback", "javascript:alert(1)",
				"https://player.example/callback\r\nX: y", " https://player.example/callback", "https://player.example.", "https://evil.example",
			},
			"http://127.0.0.1/callback": {
				"http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback", "http://127.0.0.1:08/callback", "http://127.0.0.1:80", "http://127.0.0.1:80/other",
				"http://127.0.0.1:80@evil.example/callback", "http://127.0.0.1.evil.example/callback", "http://127.0.0.1:80.evil.example/callback", "http://127.0.0.12/callback",
				"http://localhost/callback", "http://[::1]/callback", "https://127.0.0.1/callback", "http://127.0.0.1:80/callback?x", "http://127.0.0.1:80/callback#x",
			},
			"http://localhost:3000/callback": {"http://localhost:3001/callback", "http://localhost/callback", "http://127.0.0.1:3000/callback"},
			"com.example.player:/callback":   {"com.example.player:/other", "com.example.player://evil.example/callback", "com.example.players:/callback"},
		} {
			p := d.player(registered, false)
			for _, to := range attacks {
				for _, kind := range []string{"code", "nonsense"} { // with nothing wrong else, and with an error to tell
					asked, _, err := p.begin(p.asks(url.Values{"redirect_uri": {to}, "response_type": {kind}}))
					var refused *oauth.Refusal
					w := httptest.NewRecorder()
					if asked != nil || !errors.As(err, &refused) || d.server.Redirect(w, refused) || w.Header().Get("Location") != "" {
						t.Errorf("registered %s: %q is answered: %v, %q", registered, to, err, w.Header().Get("Location"))
					}
				}
			}
			if to := p.answer(p.asks(url.Values{"redirect_uri": {registered}})); !strings.HasPrefix(to.String(), registered+"?code=") {
				t.Errorf("registered %s: answer goes to %s", registered, to)
			}
		}
		for registered, to := range map[string]string{
			"http://127.0.0.1/callback": "http://127.0.0.1:49152/callback", "http://127.0.0.1:80/a?b=c": "http://127.0.0.1:49152/a?b=c",
			"http://[::1]:1/callback": "http://[::1]:49152/callback", "http://[::1]": "http://[::1]:49152",
		} {
			p := d.player(registered, false)
			got := p.answer(p.asks(url.Values{"redirect_uri": {to}}))
			if !strings.HasPrefix(got.String(), to) {
				t.Errorf("registered %s: answer to %s goes to %s", registered, to, got)
			}
			if status, body := p.exchange(p.form(got.Query().Get("code"))); status != http.StatusOK {
				t.Errorf("registered %s: exchange without redirect = %d %v", registered, status, body)
			}
		}
	})
}

// A code is worth something to the application it was made for, once, within a
// minute, and nothing to anybody else.
func TestApplicationCodeAttacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		thief := p.player("https://thief.example/callback", false)
		for name, attack := range map[string]func(url.Values){
			"another application":      func(f url.Values) { f.Set("client_id", thief.app.ID); f.Set("client_secret", thief.secret) },
			"the companion":            func(f url.Values) { f.Set("client_id", api.CompanionClient); f.Del("client_secret") },
			"another's secret":         func(f url.Values) { f.Set("client_secret", thief.secret) },
			"no secret":                func(f url.Values) { f.Del("client_secret") },
			"empty secret":             func(f url.Values) { f.Set("client_secret", "") },
			"the hash for the secret":  func(f url.Values) { f.Set("client_secret", p.app.Secret) },
			"secret in capitals":       func(f url.Values) { f.Set("client_secret", strings.ToUpper(p.secret)) },
			"no client":                func(f url.Values) { f.Del("client_id") },
			"unknown client":           func(f url.Values) { f.Set("client_id", "x") },
			"redirect of the thief":    func(f url.Values) { f.Set("redirect_uri", thief.app.Callback) },
			"redirect beneath":         func(f url.Values) { f.Set("redirect_uri", callback+"&x=y") },
			"a verifier without cause": func(f url.Values) { f.Set("code_verifier", oauth2.GenerateVerifier()) },
			"a minute later":           func(url.Values) { p.pass(oauth.CodeLifetime) },
			"client credentials":       func(f url.Values) { f.Set("grant_type", "client_credentials") },
			"no grant type":            func(f url.Values) { f.Del("grant_type") },
			"password": func(f url.Values) {
				f.Set("grant_type", "password")
				f.Set("username", "ann")
				f.Set("password", "x")
			},
		} {
			form := p.form(p.code(url.Values{"scope": {"flattr"}}))
			attack(form)
			if status, body := p.exchange(form); status < 400 || status >= 500 || body["access_token"] != nil {
				t.Errorf("%s: exchange = %d %v, want a refusal", name, status, body)
			}
		}
		code := p.code(nil)
		if status, _ := p.exchange(thief.form(code)); status < 400 {
			t.Fatalf("a thief exchanges a code: %d", status)
		}
		if status, body := p.exchange(p.form(code)); status != http.StatusOK {
			t.Errorf("after a thief's attempt the exchange = %d %v, want 200", status, body)
		}
	})
}

func TestReplayedCodeOfApplicationRevokesItsToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		form := p.form(p.code(nil))
		_, body := p.exchange(form)
		token := body["access_token"].(string)
		stolen := maps.Clone(form)
		stolen.Set("client_secret", "guessed")
		if status, _ := p.exchange(stolen); status != http.StatusUnauthorized || !p.inForce(token) {
			t.Errorf("who has no secret is answered %d and ends the token: %v", status, !p.inForce(token))
		}
		if status, again := p.exchange(form); status != http.StatusBadRequest || again["error"] != "invalid_grant" {
			t.Errorf("second exchange = %d %v, want invalid_grant", status, again)
		}
		if p.inForce(token) {
			t.Error("the token of a code that came twice is still in force")
		}
	})
}

// PKCE holds wherever it was begun.
func TestApplicationVerifier(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		verifier := oauth2.GenerateVerifier()
		bound := url.Values{"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
		with := func(code, verifier string) url.Values {
			f := p.form(code)
			f.Set("code_verifier", verifier)
			return f
		}
		if status, body := p.exchange(with(p.code(bound), verifier)); status != http.StatusOK {
			t.Errorf("right verifier = %d %v, want 200", status, body)
		}
		if status, body := p.exchange(p.form(p.code(bound))); status != http.StatusBadRequest {
			t.Errorf("no verifier = %d %v, want 400", status, body)
		}
		code := p.code(bound)
		for _, form := range []url.Values{with(code, oauth2.GenerateVerifier()), p.form(code), with(code, verifier)} {
			if status, body := p.exchange(form); status != http.StatusBadRequest || body["access_token"] != nil {
				t.Errorf("after a wrong verifier = %d %v, want 400", status, body)
			}
		}
		for _, weak := range []url.Values{
			{"code_challenge": {verifier}, "code_challenge_method": {"plain"}},
			{"code_challenge": {verifier}},
			{"code_challenge_method": {"S256"}},
			{"code_challenge": {"short"}, "code_challenge_method": {"S256"}},
		} {
			if _, _, err := p.begin(p.asks(weak)); err == nil {
				t.Errorf("Begin with %v = nil, want a refusal", weak)
			}
		}
	})
}

// Neither who asks nor who exchanges gets more than the member has seen.
func TestScopesCannotGrow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		for _, scope := range []string{api.CompanionScope, "flattr companion", "operator", "FLATTR", "flattr.thing", "*", "openid"} {
			_, _, err := p.begin(p.asks(url.Values{"scope": {scope}}))
			var refused *oauth.Refusal
			w := httptest.NewRecorder()
			if !errors.As(err, &refused) || !p.server.Redirect(w, refused) {
				t.Fatalf("scope %q: Begin = %v, want a refusal that the application is told", scope, err)
			}
			to, err := url.Parse(w.Header().Get("Location"))
			if err != nil || to.Host != "player.example" || to.Query().Get("error") != "invalid_scope" || to.Query().Has("code") {
				t.Errorf("scope %q: told %v, %v, want invalid_scope", scope, to, err)
			}
		}
		form := p.form(p.code(url.Values{"scope": {"thing"}}))
		form.Set("scope", "flattr thing email extendedread companion")
		_, body := p.exchange(form)
		if _, scopes, _, err := p.server.Bearer(t.Context(), body["access_token"].(string)); err != nil || !slices.Equal(scopes, []string{"thing"}) {
			t.Errorf("Bearer = %q, %v, want thing alone", scopes, err)
		}
	})
}

func TestImplicitOnlyWhereRegistered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		p := d.player("https://old.example/done", true)
		to := p.answer(p.asks(url.Values{"response_type": {"token"}, "scope": {"flattr"}, "state": {"s"}}))
		got, err := url.ParseQuery(to.Fragment)
		if err != nil || to.RawQuery != "" || got.Get("state") != "s" || got.Get("token_type") != "bearer" || got.Has("expires_in") {
			t.Fatalf("answer %s, want a token in the fragment", to)
		}
		if member, scopes, _, err := d.server.Bearer(t.Context(), got.Get("access_token")); err != nil || member != d.member || !slices.Equal(scopes, []string{"flattr"}) {
			t.Errorf("Bearer = %d, %q, %v", member, scopes, err)
		}
		p.token("flattr") // by a code all the same
		for name, q := range map[string]url.Values{
			"not registered for it": d.player(callback, false).asks(url.Values{"response_type": {"token"}}),
			"both":                  p.asks(url.Values{"response_type": {"code token"}}),
		} {
			if _, _, err := p.begin(q); err == nil {
				t.Errorf("%s: Begin = nil, want a refusal", name)
			}
		}
	})
}

// What is revoked is refused at once, also what was under way.
func TestRevokedIsRefusedAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		ctx := t.Context()
		d := newDesk(t, where)
		for name, revoke := range map[string]func(*player) error{
			"by the member":         func(p *player) error { return d.store.RevokeConsent(ctx, d.clock(), d.member, p.app.ID) },
			"by who registered it":  func(p *player) error { return d.store.RevokeApp(ctx, d.clock(), p.app.ID, d.member) },
			"by the operator":       func(p *player) error { return d.store.RevokeApp(ctx, d.clock(), p.app.ID, 0) },
			"by the member's leave": func(*player) error { _, err := d.store.Delete(ctx, d.clock(), "ann"); return err },
		} {
			if name == "by the member's leave" {
				continue // last
			}
			p := d.player(callback, false)
			token, code := p.token("flattr"), p.code(nil)
			if err := revoke(p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if p.inForce(token) {
				t.Errorf("revoked %s the token is still in force", name)
			}
			if status, body := p.exchange(p.form(code)); status < 400 || status >= 500 {
				t.Errorf("revoked %s a code under way = %d %v, want a refusal", name, status, body)
			}
			if _, _, err := p.begin(p.asks(nil)); (err == nil) != (name == "by the member") {
				t.Errorf("revoked %s: Begin = %v", name, err)
			}
			if err := revoke(p); flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("revoked %s once more = %v, want not_found", name, err)
			}
		}
		p := d.player(callback, false)
		if err := d.store.RevokeApp(ctx, d.clock(), p.app.ID, d.member+1); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("revoked by another member = %v, want not_found", err)
		}
		token := p.token("flattr")
		if _, err := d.store.Delete(ctx, d.clock(), "ann"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
		if p.inForce(token) {
			t.Error("the token of a member who left is in force")
		}
		if app, err := d.store.App(ctx, p.app.ID); err != nil || !app.Revoked {
			t.Errorf("App of a member who left = %+v, %v, want revoked", app, err)
		}
	})
}
