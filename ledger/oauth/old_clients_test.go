package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// Whoever names no application is asked for it in the way in which libraries
// then answer: they send the same again with id and secret.
func TestApplicationsNameThemselvesWhenAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		p := newPlayer(t, where)
		form := without(p.form(p.code(nil)), "client_id", "client_secret").Encode()
		w := httptest.NewRecorder()
		p.server.ServeToken(w, post("application/x-www-form-urlencoded", form).WithContext(t.Context()))
		if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") || !strings.Contains(w.Body.String(), "invalid_client") {
			t.Fatalf("without a name = %d %v %s, want to be asked", w.Code, w.Header(), w.Body)
		}
		r := post("application/x-www-form-urlencoded", form)
		r.SetBasicAuth(p.app.ID, p.secret)
		w = httptest.NewRecorder()
		if p.server.ServeToken(w, r.WithContext(t.Context())); w.Code != http.StatusOK {
			t.Errorf("the same again with id and secret = %d %s", w.Code, w.Body)
		}
	})
}

// Flattr's own reference named the implicit answer in two ways; either is for
// those alone that registered for it.
func TestTokensAreAskedForInTwoWays(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	implicit := d.player(callback, true)
	for _, kind := range []string{"token", "access_token"} {
		to := implicit.answer(implicit.asks(url.Values{"response_type": {kind}, "scope": {"flattr"}, "state": {"s"}}))
		answer, err := url.ParseQuery(to.Fragment)
		if err != nil || !hex40.MatchString(answer.Get("access_token")) || answer.Get("state") != "s" || !d.inForce(answer.Get("access_token")) {
			t.Errorf("response_type=%s is answered at %s, %v", kind, to, err)
		}
	}
	other := d.player(callback, false)
	if _, _, err := other.begin(other.asks(url.Values{"response_type": {"access_token"}})); err == nil {
		t.Error("an application that did not register for it may ask for a token")
	}
}

// Some clients write scopes for scope.
func TestScopesForScope(t *testing.T) {
	p := newPlayer(t, storetest.SQLite(t))
	for _, c := range []struct {
		asked url.Values
		want  string
	}{
		{url.Values{"scopes": {"flattr thing"}}, "flattr thing"},
		{url.Values{"scopes": {"thing"}, "scope": {"flattr"}}, "flattr"},
		{url.Values{"scopes": {"flattr", "thing"}}, ""},
	} {
		asked, _, err := p.begin(p.asks(c.asked))
		if err != nil || strings.Join(asked.Scopes(), " ") != c.want {
			t.Errorf("Begin(%v) asks for %v, %v; want %q", c.asked, asked, err, c.want)
		}
	}
}
