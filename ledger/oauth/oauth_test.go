package oauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/oauth"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

const redirect = "http://127.0.0.1:49152" + api.CompanionCallback

// desk is an authorization server over a real store, with a clock that the
// test moves.
type desk struct {
	t      *testing.T
	server *oauth.Server
	store  *store.Store
	member flattr.MemberID

	mu  sync.Mutex
	now time.Time
}

func newDesk(t *testing.T, where string) *desk {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, where)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	t.Cleanup(func() { _ = st.Close() })
	d := &desk{t: t, store: st, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	if d.server, err = oauth.New(ctx, st, d.clock); err != nil {
		t.Fatalf("New = %v", err)
	}
	invites, err := st.MintInvites(ctx, d.now, 1, 0)
	if err != nil {
		t.Fatalf("MintInvites = %v", err)
	}
	m, err := st.SignUp(ctx, d.now, store.SignUp{Name: "ann", PasswordHash: "x", InviteCode: invites[0].Code})
	if err != nil {
		t.Fatalf("SignUp = %v", err)
	}
	d.member = m.ID
	return d
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// sound is an authorization request with nothing wrong.
func sound(verifier string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {api.CompanionClient}, "redirect_uri": {redirect},
		"scope": {api.CompanionScope}, "state": {"state-of-the-device"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
}

func (d *desk) begin(q url.Values) (*oauth.Request, *http.Request, error) {
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, api.PathAuthorize+"?"+q.Encode(), nil)
	asked, err := d.server.Begin(r)
	return asked, r, err
}

// allow consents and returns the code.
func (d *desk) allow(verifier string) string {
	d.t.Helper()
	asked, r, err := d.begin(sound(verifier))
	if err != nil {
		d.t.Fatalf("Begin = %v", err)
	}
	w := httptest.NewRecorder()
	if err := d.server.Allow(w, r, asked, d.member, "Firefox, Linux"); err != nil {
		d.t.Fatalf("Allow = %v", err)
	}
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || !strings.HasPrefix(to.String(), redirect+"?") {
		d.t.Fatalf("Allow answers %d to %q, %v", w.Code, w.Header().Get("Location"), err)
	}
	if got := to.Query().Get("state"); got != "state-of-the-device" {
		d.t.Errorf("state = %q, want it back unchanged", got)
	}
	return to.Query().Get("code")
}

// exchange posts to the token endpoint.
func (d *desk) exchange(form url.Values) (int, map[string]any) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodPost, api.PathToken, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	d.server.ServeToken(w, r)
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		d.t.Fatalf("token answer %d %q is no JSON: %v", w.Code, w.Body, err)
	}
	return w.Code, body
}

func exchangeForm(code, verifier string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {api.CompanionClient}, "code": {code},
		"redirect_uri": {redirect}, "code_verifier": {verifier},
	}
}

func TestCodeBecomesTokenThatCanBeRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		status, body := d.exchange(exchangeForm(d.allow(verifier), verifier))
		if status != http.StatusOK {
			t.Fatalf("exchange = %d %v, want 200", status, body)
		}
		if _, ok := body["expires_in"]; ok {
			t.Errorf("answer %v names an expiry; tokens have none", body)
		}
		if _, ok := body["refresh_token"]; ok {
			t.Errorf("answer %v has a refresh token", body)
		}
		token := body["access_token"].(string)
		d.pass(5 * 365 * 24 * time.Hour)
		if m, err := d.server.Member(t.Context(), token); err != nil || m != d.member {
			t.Fatalf("Member five years later = %d, %v, want %d", m, err, d.member)
		}
		for _, bad := range []string{"", "x", token + "x", strings.ToUpper(token), token[1:], "a." + token} {
			if _, err := d.server.Member(t.Context(), bad); flattr.CodeOf(err) != api.CodeSignIn {
				t.Errorf("Member(%.12q…) = %v, want unauthorized", bad, err)
			}
		}
		revoke := url.Values{"token": {token}, "client_id": {api.CompanionClient}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, api.PathRevoke, strings.NewReader(revoke.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		d.server.ServeRevoke(w, r)
		if w.Code != http.StatusOK {
			t.Fatalf("revoke = %d %s, want 200", w.Code, w.Body)
		}
		if _, err := d.server.Member(t.Context(), token); flattr.CodeOf(err) != api.CodeSignIn {
			t.Errorf("Member after revoke = %v, want unauthorized", err)
		}
	})
}

// The address to which a code is sent is the one thing an attacker wants to
// choose.
func TestRedirectAttacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		for _, to := range []string{
			"", "http://127.0.0.1/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback", "http://127.0.0.1:080/callback",
			"http://127.0.0.1:49152/", "http://127.0.0.1:49152/callback/", "http://127.0.0.1:49152/other/callback", "http://127.0.0.1:49152/callback/../x",
			"http://127.0.0.1:49152/%63allback", "http://127.0.0.1:49152//callback", "http://127.0.0.1:49152/callback?x=1", "http://127.0.0.1:49152/callback#f",
			"http://127.0.0.1:49152/callback#", "http://127.0.0.1:49152/callback?", "https://127.0.0.1:49152/callback", "HTTP://127.0.0.1:49152/callback",
			"http://localhost:49152/callback", "http://[::1]:49152/callback", "http://127.0.0.2:49152/callback", "http://127.1:49152/callback",
			"http://2130706433:49152/callback", "http://0x7f.0.0.1:49152/callback", "http://0.0.0.0:49152/callback",
			"http://user@127.0.0.1:49152/callback", "http://user:pw@127.0.0.1:49152/callback", "http://127.0.0.1:49152@evil.example/callback",
			"http://evil.example/callback", "http://127.0.0.1.evil.example:49152/callback", "http://evil-127.0.0.1:49152/callback",
			"http://127.0.0.1:49152\\@evil.example/callback", "http://127.0.0.1:49152.evil.example/callback", "//127.0.0.1:49152/callback",
			"javascript:alert(1)", "data:text/html,x", " http://127.0.0.1:49152/callback", "http://127.0.0.1:49152/callback\r\nX: y",
			"http://127.0.0.1:+1/callback", "http://127.0.0.1:-1/callback", "http://127.0.0.1:1e3/callback",
		} {
			q := sound(oauth2.GenerateVerifier())
			q.Set("redirect_uri", to)
			asked, _, err := d.begin(q)
			var refused *oauth.Refusal
			if asked != nil || !errors.As(err, &refused) {
				t.Errorf("Begin with redirect %q = %v, want a refusal", to, err)
				continue
			}
			w := httptest.NewRecorder()
			if d.server.Redirect(w, refused) || w.Header().Get("Location") != "" {
				t.Errorf("redirect %q was followed to %q", to, w.Header().Get("Location"))
			}
		}
		for _, to := range []string{"http://127.0.0.1:1/callback", "http://127.0.0.1:80/callback", "http://127.0.0.1:65535/callback"} {
			q := sound(oauth2.GenerateVerifier())
			q.Set("redirect_uri", to)
			if _, _, err := d.begin(q); err != nil {
				t.Errorf("Begin with redirect %q = %v, want none", to, err)
			}
		}
	})
}

// What is wrong apart from the address is told to the program, so that it can
// say so; no one is asked for consent.
func TestRequestsThatAreNotInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		for name, change := range map[string]func(url.Values){
			"no PKCE":          func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") },
			"no method":        func(q url.Values) { q.Del("code_challenge_method") },
			"plain":            func(q url.Values) { q.Set("code_challenge_method", "plain") },
			"short challenge":  func(q url.Values) { q.Set("code_challenge", "abc") },
			"other scope":      func(q url.Values) { q.Set("scope", "companion operator") },
			"token directly":   func(q url.Values) { q.Set("response_type", "token") },
			"code and token":   func(q url.Values) { q.Set("response_type", "code token") },
			"no response type": func(q url.Values) { q.Del("response_type") },
			"short state":      func(q url.Values) { q.Set("state", "x") },
		} {
			q := sound(oauth2.GenerateVerifier())
			change(q)
			_, _, err := d.begin(q)
			var refused *oauth.Refusal
			if !errors.As(err, &refused) {
				t.Errorf("%s: Begin = %v, want a refusal", name, err)
				continue
			}
			w := httptest.NewRecorder()
			if !d.server.Redirect(w, refused) {
				t.Errorf("%s: the program is not told", name)
				continue
			}
			to, err := url.Parse(w.Header().Get("Location"))
			if err != nil || to.Host != "127.0.0.1:49152" || to.Query().Get("error") == "" || to.Query().Get("code") != "" {
				t.Errorf("%s: answered to %v, %v, want an error at the callback", name, to, err)
			}
		}
		for name, change := range map[string]func(url.Values){
			"other client":     func(q url.Values) { q.Set("client_id", "somebody") },
			"no client":        func(q url.Values) { q.Del("client_id") },
			"redirect twice":   func(q url.Values) { q.Add("redirect_uri", "http://evil.example/callback") },
			"client twice":     func(q url.Values) { q.Add("client_id", "somebody") },
			"very long state":  func(q url.Values) { q.Set("state", strings.Repeat("x", 2000)) },
			"very long client": func(q url.Values) { q.Set("client_id", strings.Repeat("x", 2000)) },
		} {
			q := sound(oauth2.GenerateVerifier())
			change(q)
			_, _, err := d.begin(q)
			var refused *oauth.Refusal
			if !errors.As(err, &refused) || d.server.Redirect(httptest.NewRecorder(), refused) {
				t.Errorf("%s: Begin = %v, want a refusal that is redirected nowhere", name, err)
			}
		}
	})
}

func TestCodeAttacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		for name, attack := range map[string]func(*desk, url.Values){
			"wrong verifier":  func(_ *desk, f url.Values) { f.Set("code_verifier", oauth2.GenerateVerifier()) },
			"no verifier":     func(_ *desk, f url.Values) { f.Del("code_verifier") },
			"the challenge":   func(_ *desk, f url.Values) { f.Set("code_verifier", oauth2.S256ChallengeFromVerifier(verifier)) },
			"other client":    func(_ *desk, f url.Values) { f.Set("client_id", "somebody") },
			"other redirect":  func(_ *desk, f url.Values) { f.Set("redirect_uri", "http://127.0.0.1:49153/callback") },
			"no redirect":     func(_ *desk, f url.Values) { f.Del("redirect_uri") },
			"code of nobody":  func(_ *desk, f url.Values) { f.Set("code", "abc.def") },
			"other signature": func(_ *desk, f url.Values) { f.Set("code", "abc."+strings.Split(f.Get("code"), ".")[1]) },
			"60 s later":      func(d *desk, _ url.Values) { d.pass(oauth.CodeLifetime) },
			"other grant":     func(_ *desk, f url.Values) { f.Set("grant_type", "client_credentials") },
			"refresh": func(_ *desk, f url.Values) {
				f.Set("grant_type", "refresh_token")
				f.Set("refresh_token", f.Get("code"))
			},
			"name and password": func(_ *desk, f url.Values) { f.Set("grant_type", "password"); f.Set("username", "ann") },
		} {
			t.Run(name, func(t *testing.T) {
				form := exchangeForm(d.allow(verifier), verifier)
				attack(d, form)
				status, body := d.exchange(form)
				if status < 400 || status >= 500 || body["access_token"] != nil {
					t.Errorf("exchange = %d %v, want a refusal", status, body)
				}
			})
		}
		t.Run("59 s later is in time", func(t *testing.T) {
			form := exchangeForm(d.allow(verifier), verifier)
			d.pass(oauth.CodeLifetime - time.Second)
			if status, body := d.exchange(form); status != http.StatusOK {
				t.Errorf("exchange = %d %v, want 200", status, body)
			}
		})
	})
}

func TestWrongVerifierBurnsTheCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		code := d.allow(verifier)
		if status, _ := d.exchange(exchangeForm(code, oauth2.GenerateVerifier())); status < 400 {
			t.Fatalf("wrong verifier = %d, want a refusal", status)
		}
		if status, body := d.exchange(exchangeForm(code, verifier)); status < 400 {
			t.Errorf("right verifier after a wrong one = %d %v, want a refusal", status, body)
		}
	})
}

func TestReusedCodeRevokesItsToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		form := exchangeForm(d.allow(verifier), verifier)
		_, body := d.exchange(form)
		token := body["access_token"].(string)
		d.pass(2 * oauth.CodeLifetime) // long after it expired, too
		if status, again := d.exchange(form); status < 400 || again["access_token"] != nil {
			t.Fatalf("second exchange = %d %v, want a refusal", status, again)
		}
		if _, err := d.server.Member(t.Context(), token); flattr.CodeOf(err) != api.CodeSignIn {
			t.Errorf("Member with the first token = %v, want unauthorized", err)
		}
	})
}

func TestCodeExchangedManyTimesAtOnceGivesOneTokenAtMost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		form := exchangeForm(d.allow(verifier), verifier)
		var mu sync.Mutex
		var wg sync.WaitGroup
		tokens := 0
		for range 8 {
			wg.Go(func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, api.PathToken, strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				d.server.ServeToken(w, r)
				switch w.Code {
				case http.StatusOK:
					mu.Lock()
					tokens++
					mu.Unlock()
				case http.StatusBadRequest: // another was faster
				default:
					t.Errorf("exchange = %d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		if tokens > 1 {
			t.Errorf("tokens = %d, want one at most", tokens)
		}
	})
}

func TestDenyTellsTheProgram(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		asked, _, err := d.begin(sound(oauth2.GenerateVerifier()))
		if err != nil {
			t.Fatalf("Begin = %v", err)
		}
		w := httptest.NewRecorder()
		d.server.Deny(w, asked)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "state-of-the-device" {
			t.Errorf("Deny answers to %v, %v, want access_denied with the state", to, err)
		}
	})
}

func TestOverlongTokenRequestIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		verifier := oauth2.GenerateVerifier()
		form := exchangeForm(d.allow(verifier), verifier)
		form.Set("padding", strings.Repeat("x", 1<<20))
		if status, body := d.exchange(form); status < 400 || body["access_token"] != nil {
			t.Errorf("exchange with 1 MiB = %d %v, want a refusal", status, body)
		}
	})
}
