// Package oauth is the ledger's OAuth2 authorization server: authorization
// code with PKCE for companions, authorization code or (where registered)
// implicit for applications of others, on ory/fosite.
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
// So fosite it is, with one more rule of ours before it: a companion's redirect
// must be, to the byte, http://127.0.0.1:PORT/callback, and an application's the
// one that is registered, but for the port of a loopback literal.
// TestRedirectAttacks, TestCodeAttacks and the tests of applications hold this.
//
// # What clients of Flattr's interface need besides
//
// They were written against a draft of OAuth2. What they send is brought into
// fosite's form before it sees it: scopes with commas, JSON, credentials and
// redirects that are left out (exchange.go, authorize.go). Tokens have a form of
// their own (token.go). Clients are in application.go.
package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	foauth2 "github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/token/hmac"

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
	storage  *storage
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
		EnforcePKCEForPublicClients: true,
		GlobalSecret:                secret,
		ScopeStrategy:               fosite.ExactScopeStrategy,
		OmitRedirectScopeParam:      true,
		ClientSecretsHasher:         hasher{},
		SanitationWhiteList:         []string{"redirect_uri", "code_challenge", "code_challenge_method"},
	}
	tokens := &strategy{foauth2.NewHMACSHAStrategyUnPrefixed(&hmac.HMACStrategy{Config: config}, config), secret}
	keep := &storage{store: st, now: now}
	provider := compose.Compose(config, keep, &compose.CommonStrategy{CoreStrategy: tokens},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2AuthorizeImplicitFactory, compose.OAuth2PKCEFactory, compose.OAuth2TokenRevocationFactory)
	return &Server{provider: provider, strategy: tokens, storage: keep, store: st, now: now}, nil
}
