// Package oauth is the ledger's OAuth2 authorization server: authorization
// code with PKCE for companions, on ory/fosite.
//
// # Why fosite
//
// Two libraries were compared by how they check the redirect of a program that
// listens on 127.0.0.1 at a port it learns only at run time (RFC 8252, section
// 7.3):
//
//   - go-oauth2/oauth2 4.5.4 asks by default only whether the host and port of
//     the redirect end with those that were registered. For a registered
//     http://127.0.0.1 it refuses http://127.0.0.1:49152/callback, which is the
//     one address that is needed, and accepts https://127.0.0.1/callback,
//     http://127.0.0.1/elsewhere, http://user@127.0.0.1/callback,
//     http://evil-127.0.0.1/callback and ftp://9127.0.0.1/x; for
//     https://flattr.example it accepts https://evilflattr.example. Each server
//     has to bring a rule of its own, and PKCE is checked only if asked for.
//   - fosite 0.49 compares the whole address as text and, for a loopback
//     literal, leaves out the port alone: scheme http, host, path and query must
//     be equal, a fragment is refused. It enforces PKCE with S256, burns a code
//     whose verifier was wrong, and revokes what was issued for a code that is
//     used twice. What it lets through is user info in front of the host.
//
// So fosite it is, with one more rule of ours before it: the redirect must be,
// to the byte, http://127.0.0.1:PORT/callback. TestRedirectAttacks and
// TestCodeAttacks hold all of this.
package oauth

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	foauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/token/hmac"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// CodeLifetime is how long an authorization code can be exchanged.
const CodeLifetime = 60 * time.Second

const (
	// secretBytes is what fosite's signatures need.
	secretBytes = 32
	// maxFormBytes bounds a request to the token endpoint.
	maxFormBytes = 16 << 10
	// noExpiry is longer than any ledger will run: fosite knows no token
	// without end.
	noExpiry = 100 * 365 * 24 * time.Hour
	// maxParameter bounds each value of an authorization request; the longest
	// that is needed is a state.
	maxParameter = 1024
)

// Server is the authorization server.
type Server struct {
	provider fosite.OAuth2Provider
	strategy *strategy
	store    *store.Store
	now      func() time.Time
}

// New returns the server over a store; the key of its signatures is made once
// and kept there.
func New(ctx context.Context, st *store.Store, now func() time.Time) (*Server, error) {
	secret, err := st.Secret(ctx, "oauth", secretBytes)
	if err != nil {
		return nil, fmt.Errorf("read key of tokens: %w", err)
	}
	config := &fosite.Config{
		AuthorizeCodeLifespan:       CodeLifetime,
		AccessTokenLifespan:         noExpiry,
		RefreshTokenLifespan:        -1,
		EnforcePKCE:                 true,
		EnforcePKCEForPublicClients: true,
		GlobalSecret:                secret,
		ScopeStrategy:               fosite.ExactScopeStrategy,
		OmitRedirectScopeParam:      true,
		SanitationWhiteList:         []string{"redirect_uri", "code_challenge", "code_challenge_method"},
	}
	tokens := &strategy{foauth2.NewHMACSHAStrategyUnPrefixed(&hmac.HMACStrategy{Config: config}, config), secret}
	provider := compose.Compose(config, &storage{store: st, now: now}, &compose.CommonStrategy{CoreStrategy: tokens},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2PKCEFactory, compose.OAuth2TokenRevocationFactory)
	return &Server{provider: provider, strategy: tokens, store: st, now: now}, nil
}

// Request is an authorization request that is in order and waits for consent.
type Request struct {
	asked fosite.AuthorizeRequester
	form  url.Values
}

// Origin is where the answer goes: http://127.0.0.1:PORT.
func (q *Request) Origin() string {
	redirect := q.asked.GetRedirectURI()
	return redirect.Scheme + "://" + redirect.Host
}

// Form is the request as it has to come back with the member's answer.
func (q *Request) Form() url.Values { return q.form }

// Refusal is an authorization request that is not in order.
type Refusal struct {
	Reason string // English, for the error page
	asked  fosite.AuthorizeRequester
	cause  error
}

// Error says what is wrong with the request.
func (r *Refusal) Error() string { return "authorization request: " + r.Reason }

// parameters are what an authorization request may carry.
var parameters = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}

// Begin reads an authorization request from the query or the form of r. The
// error is a *Refusal when the request is not in order.
func (s *Server) Begin(r *http.Request) (*Request, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &Refusal{Reason: "its form cannot be read"}
	}
	form := url.Values{}
	for _, name := range parameters {
		values := r.Form[name]
		if len(values) > 1 || len(values) == 1 && len(values[0]) > maxParameter {
			return nil, &Refusal{Reason: name + " is given twice or too long"}
		}
		if len(values) == 1 {
			form.Set(name, values[0])
		}
	}
	if form.Get("client_id") == api.CompanionClient && !isLoopbackCallback(form.Get("redirect_uri")) {
		return nil, &Refusal{Reason: "redirect_uri is not http://127.0.0.1:PORT" + api.CompanionCallback}
	}
	clean := r.Clone(r.Context())
	clean.Form, clean.PostForm, clean.MultipartForm = form, form, nil
	clean.Body = http.NoBody
	clean.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	asked, err := s.provider.NewAuthorizeRequest(r.Context(), clean)
	if err != nil {
		return nil, refusal(asked, err)
	}
	// fosite looks at these only when it makes the code; a member is not asked
	// for a consent that cannot be used.
	if form.Get("code_challenge_method") != "S256" || !isChallenge(form.Get("code_challenge")) {
		return nil, refusal(asked, fosite.ErrInvalidRequest.WithHint("PKCE with code_challenge_method=S256 is required."))
	}
	return &Request{asked: asked, form: form}, nil
}

// isLoopbackCallback holds the redirect to the one form that companions use,
// byte for byte.
func isLoopbackCallback(raw string) bool {
	rest, ok := strings.CutPrefix(raw, "http://127.0.0.1:")
	if !ok {
		return false
	}
	port, ok := strings.CutSuffix(rest, api.CompanionCallback)
	if !ok {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// isChallenge tells the form of a SHA-256 in base64url without padding.
func isChallenge(s string) bool {
	const sha256Base64 = 43
	return len(s) == sha256Base64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func refusal(asked fosite.AuthorizeRequester, err error) *Refusal {
	known := fosite.ErrorToRFC6749Error(err)
	reason := known.HintField
	if reason == "" {
		reason = known.DescriptionField
	}
	return &Refusal{Reason: strings.TrimSuffix(reason, "."), asked: asked, cause: err}
}

// Redirect tells the program what was wrong with its request, if its address
// is sound; else it does nothing and reports false.
func (s *Server) Redirect(w http.ResponseWriter, r *http.Request, refused *Refusal) bool {
	if refused.asked == nil || !refused.asked.IsRedirectURIValid() {
		return false
	}
	s.provider.WriteAuthorizeError(r.Context(), w, refused.asked, refused.cause)
	return true
}

// Allow answers the program with a code that stands for the member's consent.
func (s *Server) Allow(w http.ResponseWriter, r *http.Request, q *Request, member flattr.MemberID) error {
	for _, scope := range q.asked.GetRequestedScopes() {
		q.asked.GrantScope(scope)
	}
	session := &fosite.DefaultSession{Subject: strconv.FormatInt(int64(member), 10)}
	answer, err := s.provider.NewAuthorizeResponse(r.Context(), q.asked, session)
	if err != nil {
		known := fosite.ErrorToRFC6749Error(err)
		if known.CodeField >= http.StatusInternalServerError {
			return fmt.Errorf("make authorization code: %w", err)
		}
		s.provider.WriteAuthorizeError(r.Context(), w, q.asked, err)
		return nil
	}
	s.provider.WriteAuthorizeResponse(r.Context(), w, q.asked, answer)
	return nil
}

// Deny tells the program that the member does not want it.
func (s *Server) Deny(w http.ResponseWriter, r *http.Request, q *Request) {
	s.provider.WriteAuthorizeError(r.Context(), w, q.asked, fosite.ErrAccessDenied.WithHint("The member did not allow it."))
}

// ServeToken is the token endpoint: it exchanges a code for a token.
func (s *Server) ServeToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	ctx := r.Context()
	request, err := s.provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	answer, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	// Tokens do not expire; no number would say so.
	if plain, ok := answer.(*fosite.AccessResponse); ok {
		delete(plain.Extra, "expires_in")
	}
	s.provider.WriteAccessResponse(ctx, w, request, answer)
}

// ServeRevoke is the revocation endpoint (RFC 7009).
func (s *Server) ServeRevoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}
