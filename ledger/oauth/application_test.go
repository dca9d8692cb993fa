package oauth_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/token/hmac"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/oauth"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

const callback = "https://player.example/callback?of=flattr"

var hex40 = regexp.MustCompile(`^[0-9a-f]{40}$`)

// player is an application at a desk.
type player struct {
	*desk
	app    store.App
	secret string
}

func newPlayer(t *testing.T, where string) *player {
	t.Helper()
	d := newDesk(t, where)
	return d.player(callback, false)
}

func (d *desk) player(callback string, implicit bool) *player {
	d.t.Helper()
	app, secret, err := d.server.Register(d.t.Context(), d.member, "Podcast player", callback, implicit)
	if err != nil {
		d.t.Fatalf("Register = %v", err)
	}
	return &player{desk: d, app: app, secret: secret}
}

// asks is the least that an application asks with.
func (p *player) asks(more url.Values) url.Values {
	q := url.Values{"response_type": {"code"}, "client_id": {p.app.ID}}
	maps.Copy(q, more)
	return q
}

// answer is where the member is led after consenting.
func (p *player) answer(q url.Values) *url.URL {
	p.t.Helper()
	asked, r, err := p.begin(q)
	if err != nil {
		p.t.Fatalf("Begin(%v) = %v", q, err)
	}
	w := httptest.NewRecorder()
	if err := p.server.Allow(w, r, asked, p.member, ""); err != nil || w.Code != http.StatusSeeOther {
		p.t.Fatalf("Allow = %d, %v", w.Code, err)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		p.t.Errorf("Cache-Control = %q, want no-store", got)
	}
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		p.t.Fatalf("Location = %v", err)
	}
	return to
}

func (p *player) code(more url.Values) string {
	p.t.Helper()
	return p.answer(p.asks(more)).Query().Get("code")
}

func (p *player) form(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {p.app.ID}, "client_secret": {p.secret}}
}

// token is exchanged for a code.
func (p *player) token(scope string) string {
	p.t.Helper()
	status, body := p.exchange(p.form(p.code(url.Values{"scope": {scope}})))
	token, _ := body["access_token"].(string)
	if status != http.StatusOK || !hex40.MatchString(token) || body["token_type"] != "bearer" {
		p.t.Fatalf("exchange = %d %v, want a bearer token of 40 hex digits", status, body)
	}
	return token
}

// inForce tells whether a token is.
func (d *desk) inForce(token string) bool {
	d.t.Helper()
	_, _, _, err := d.server.Bearer(d.t.Context(), token)
	if err != nil && flattr.CodeOf(err) != api.CodeSignIn {
		d.t.Fatalf("Bearer = %v", err)
	}
	return err == nil
}

func TestApplicationGetsToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		for asked, want := range map[string]string{"flattr thing": "flattr thing", "flattr,thing": "flattr thing", "email, flattr,,email": "email flattr", "": "", "extendedread": "extendedread"} {
			token := p.token(asked)
			member, scopes, client, err := p.server.Bearer(t.Context(), token)
			if err != nil || member != p.member || client != p.app.ID || strings.Join(scopes, " ") != want {
				t.Errorf("Bearer for scope %q = %d, %q, %q, %v; want %d, %q, %q", asked, member, scopes, client, err, p.member, want, p.app.ID)
			}
			if _, err := p.server.Member(t.Context(), token); flattr.CodeOf(err) != api.CodeSignIn {
				t.Errorf("Member for scope %q = %v: the token of an application is none of a companion", asked, err)
			}
		}
	})
}

// What clients send goes back as it came.
func TestStateGoesBackUnchanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		for _, state := range []string{"", "x", "a b+c&d=e%20#é", strings.Repeat("s", 1024)} {
			to := p.answer(p.asks(url.Values{"state": {state}}))
			if got := to.Query().Get("state"); got != state || to.Query().Has("state") != (state != "") {
				t.Errorf("state %.40q comes back as %.40q", state, got)
			}
			if !strings.HasPrefix(to.String(), callback+"&") {
				t.Errorf("answer goes to %s, want the callback with its own query", to)
			}
		}
	})
}

// Credentials by Basic or in the body, a body as form or JSON.
func TestWaysToExchange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		for name, ask := range map[string]func(url.Values) *http.Request{
			"form": func(f url.Values) *http.Request { return post("application/x-www-form-urlencoded", f.Encode()) },
			"form, charset": func(f url.Values) *http.Request {
				return post("application/x-www-form-urlencoded; charset=utf-8", f.Encode())
			},
			"form that does not say so": func(f url.Values) *http.Request { return post("", f.Encode()) },
			"JSON":                      func(f url.Values) *http.Request { return post("application/json", asJSON(f)) },
			"JSON, Basic": func(f url.Values) *http.Request {
				r := post("application/json; charset=utf-8", asJSON(without(f, "client_id", "client_secret")))
				r.SetBasicAuth(p.app.ID, p.secret)
				return r
			},
			"form, Basic": func(f url.Values) *http.Request {
				r := post("application/x-www-form-urlencoded", without(f, "client_id", "client_secret").Encode())
				r.SetBasicAuth(p.app.ID, p.secret)
				return r
			},
			"JSON that says form": func(f url.Values) *http.Request {
				r := post("application/x-www-form-urlencoded", asJSON(without(f, "client_id", "client_secret")))
				r.SetBasicAuth(p.app.ID, p.secret)
				return r
			},
			"redirect named again": func(f url.Values) *http.Request {
				f.Set("redirect_uri", callback)
				return post("application/x-www-form-urlencoded", f.Encode())
			},
		} {
			w := httptest.NewRecorder()
			p.server.ServeToken(w, ask(p.form(p.code(nil))).WithContext(t.Context()))
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
				t.Errorf("%s: exchange = %d %s, want 200", name, w.Code, w.Body)
				continue
			}
			if token, _ := body["access_token"].(string); !hex40.MatchString(token) || body["token_type"] != "bearer" || body["expires_in"] != nil {
				t.Errorf("%s: exchange = %v", name, body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				t.Errorf("%s: headers %v", name, w.Header())
			}
		}
		for name, r := range map[string]*http.Request{
			"text":        post("text/plain", "code=x"),
			"broken JSON": post("application/json", `{"code":`),
			"a list":      post("application/json", `["code"]`),
			"code twice":  post("application/x-www-form-urlencoded", "grant_type=authorization_code&code=a&code=b"),
			"no body":     post("", ""),
			"numbers":     post("application/json", `{"grant_type":1,"code":2}`),
			"broken form": post("application/x-www-form-urlencoded", "%zz"),
			"no UTF-8":    post("application/x-www-form-urlencoded", "grant_type=authorization_code&code=a.%ff&client_id=%ff&client_secret=%00"),
		} {
			w := httptest.NewRecorder()
			p.server.ServeToken(w, r.WithContext(t.Context()))
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code < 400 || w.Code >= 500 || body["error"] == "" {
				t.Errorf("%s: exchange = %d %s, want a refusal in JSON", name, w.Code, w.Body)
			}
		}
	})
}

func post(kind, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, api.PathToken, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func asJSON(f url.Values) string {
	object := map[string]string{}
	for name := range f {
		object[name] = f.Get(name)
	}
	raw, _ := json.Marshal(object)
	return string(raw)
}

func without(f url.Values, names ...string) url.Values {
	rest := maps.Clone(f)
	for _, name := range names {
		rest.Del(name)
	}
	return rest
}

// An application revokes its own token by RFC 7009, and nobody else's.
func TestApplicationRevokesItsToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		other := p.player("https://other.example/", false)
		token := p.token("flattr")
		for _, by := range []*player{other, p} {
			w := httptest.NewRecorder()
			p.server.ServeRevoke(w, post("application/json", asJSON(url.Values{"token": {token}, "client_id": {by.app.ID}, "client_secret": {by.secret}})).WithContext(t.Context()))
			if w.Code != http.StatusOK || p.inForce(token) != (by == other) {
				t.Errorf("revoke by %s = %d %s, token in force: %v", by.app.Callback, w.Code, w.Body, p.inForce(token))
			}
		}
	})
}

func TestWhatCanBeRegistered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		for _, c := range []struct {
			name, callback string
			want           flattr.Code
		}{
			{"Player", "https://a.example/", ""},
			{" Größe 10 ", "http://localhost:1/x?y", ""},
			{"x", "http://[::1]/", ""},
			{"x", "com.example:/x", ""},
			{"x", "player4://com.example.player", ""},
			{"x", "player:opaque", oauth.AppCallback},
			{"x", "intent://scan/", oauth.AppCallback},
			{"x", "ftp://a.example/", oauth.AppCallback},
			{"x", "vbscript://a/", oauth.AppCallback},
			{"", "https://a.example/", oauth.AppName},
			{strings.Repeat("x", 61), "https://a.example/", oauth.AppName},
			{"a\nb", "https://a.example/", oauth.AppName},
			{"a\u202eb", "https://a.example/", oauth.AppName},
			{"\xff", "https://a.example/", oauth.AppName},
			{"x", "", oauth.AppCallback},
			{"x", "https://", oauth.AppCallback},
			{"x", "http://a.example/", oauth.AppCallback},
			{"x", "javascript:alert(1)", oauth.AppCallback},
			{"x", "data:text/html,x", oauth.AppCallback},
			{"x", "https://u:p@a.example/", oauth.AppCallback},
			{"x", "https://a.example/#f", oauth.AppCallback},
			{"x", "https://a.example/ b", oauth.AppCallback},
			{"x", "/callback", oauth.AppCallback},
			{"x", "http://127.0.0.1.evil.example/", oauth.AppCallback},
			{"x", "https://a.example/" + strings.Repeat("x", 500), oauth.AppCallback},
			{"x", "https://ä.example/", oauth.AppCallback},
			{"x", "file:///etc/passwd", oauth.AppCallback},
		} {
			app, secret, err := d.server.Register(t.Context(), 0, c.name, c.callback, false)
			if flattr.CodeOf(err) != c.want || err != nil && c.want == "" {
				t.Errorf("Register(%q, %q) = %v, want %q", c.name, c.callback, err, c.want)
			}
			if err == nil && (len(app.ID) != 32 || len(secret) != 64 || strings.Contains(app.Secret, secret)) {
				t.Errorf("Register = %+v with secret %q", app, secret)
			}
		}
		if _, _, err := d.server.Register(t.Context(), d.member, "x", "player4://com.example.player", false); flattr.CodeOf(err) != oauth.AppCallback {
			t.Errorf("a member registers a scheme without a dot: %v, want app_callback", err)
		}
		for range 20 {
			d.player(callback, false)
		}
		if _, _, err := d.server.Register(t.Context(), d.member, "x", callback, false); flattr.CodeOf(err) != store.AppsFull {
			t.Errorf("the 21st application = %v, want apps_full", err)
		}
	})
}

// Companions that were linked before tokens had 40 digits stay linked.
func TestEarlierTokensStayInForce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		secret, err := d.store.Secret(t.Context(), "oauth", 32)
		if err != nil {
			t.Fatal(err)
		}
		token, signature, err := (&hmac.HMACStrategy{Config: &fosite.Config{GlobalSecret: secret}}).Generate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = d.store.SaveToken(t.Context(), store.OAuthToken{
			Signature: signature, Grant: "g", Client: api.CompanionClient, Member: d.member, Scope: api.CompanionScope, Issued: d.clock(),
		})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := d.server.Member(t.Context(), token); err != nil || m != d.member {
			t.Errorf("Member = %d, %v, want %d", m, err, d.member)
		}
		if d.inForce("x." + signature) {
			t.Error("a signature alone is taken for a token")
		}
	})
}

func TestIssuedToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		token, err := d.server.IssueToken(t.Context(), d.member, "flattr,thing")
		if err != nil || !hex40.MatchString(token) {
			t.Fatalf("IssueToken = %q, %v", token, err)
		}
		if m, scopes, client, err := d.server.Bearer(t.Context(), token); err != nil || m != d.member || client != oauth.OperatorClient || !slices.Equal(scopes, []string{"flattr", "thing"}) {
			t.Errorf("Bearer = %d, %q, %q, %v", m, scopes, client, err)
		}
		grants, err := d.store.Grants(t.Context(), d.member)
		if err != nil || len(grants) != 1 || grants[0].Client != oauth.OperatorClient || grants[0].Of != 1 || !grants[0].Since.Equal(d.clock()) || !grants[0].Used.Equal(d.clock()) {
			t.Errorf("Grants = %+v, %v", grants, err)
		}
		if _, err := d.server.IssueToken(t.Context(), d.member, "companion"); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("IssueToken with the companion's scope = %v, want invalid_request", err)
		}
	})
}

// Whatever is sent to the two endpoints, the answer is a refusal in its form.
func FuzzEndpoints(f *testing.F) {
	for _, seed := range [][2]string{
		{"application/json", `{"grant_type":"authorization_code","code":"a.b"}`},
		{"application/x-www-form-urlencoded", "grant_type=authorization_code&code=%ff.%00"},
		{"", "response_type=code&client_id=flattr-companion&redirect_uri=http://127.0.0.1:1/callback"},
		{"multipart/form-data; boundary=x", "--x\r\n"},
		{"x", "{"},
	} {
		f.Add(seed[0], seed[1])
	}
	ctx := f.Context()
	st, err := store.Open(ctx, f.TempDir()+"/ledger.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = st.Close() })
	server, err := oauth.New(ctx, st, func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		w := httptest.NewRecorder()
		server.ServeToken(w, post(kind, body))
		if w.Code < 400 || w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("token endpoint = %d %q", w.Code, w.Body)
		}
		r := httptest.NewRequest(http.MethodGet, api.PathAuthorize, nil)
		r.URL.RawQuery = body
		_, err := server.Begin(r)
		var refused *oauth.Refusal
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("Begin = %v", err)
		}
		_, _ = io.Copy(io.Discard, w.Body)
	})
}
