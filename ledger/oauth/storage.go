package oauth

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// storage is what fosite keeps, in the words of our store. It knows no refresh
// tokens.
type storage struct {
	store *store.Store
	now   func() time.Time
}

// companion is the program every reader runs. It is public: it has no secret,
// since none would stay one.
var companion = &fosite.DefaultClient{
	ID:            api.CompanionClient,
	RedirectURIs:  []string{"http://127.0.0.1" + api.CompanionCallback},
	ResponseTypes: fosite.Arguments{"code"},
	GrantTypes:    fosite.Arguments{"authorization_code"},
	Scopes:        fosite.Arguments{api.CompanionScope},
	Public:        true,
}

// GetClient is the client of that id.
func (s *storage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	client, _, err := s.clientInForce(ctx, id)
	return client, err
}

// ClientAssertionJWTValid refuses: no client signs assertions.
func (s *storage) ClientAssertionJWTValid(context.Context, string) error {
	return fosite.ErrJTIKnown
}

// SetClientAssertionJWT refuses: no client signs assertions.
func (s *storage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrJTIKnown
}

// CreateAuthorizeCodeSession keeps a code with the challenge it is bound to.
func (s *storage) CreateAuthorizeCodeSession(ctx context.Context, signature string, request fosite.Requester) error {
	member, err := memberID(request)
	if err != nil {
		return err
	}
	form, issued := request.GetRequestForm(), s.now()
	return s.store.SaveCode(ctx, store.OAuthCode{
		Signature: signature, Grant: request.GetID(), Client: request.GetClient().GetID(), Member: member,
		Scope: strings.Join(request.GetGrantedScopes(), " "), Redirect: form.Get("redirect_uri"), Challenge: form.Get("code_challenge"),
		Agent: agentOf(request), Issued: issued, Expires: issued.Add(CodeLifetime),
	})
}

// GetAuthorizeCodeSession is the request a code was made for. A code that is
// too old is not found; one that was used is an error of its own, on which
// fosite revokes what it was used for.
func (s *storage) GetAuthorizeCodeSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	code, err := s.code(ctx, signature)
	if err != nil {
		return nil, err
	}
	request, err := s.request(ctx, code)
	if err != nil {
		return nil, err
	}
	if code.Spent {
		return request, fosite.ErrInvalidatedAuthorizeCode
	}
	if code.Ended || !s.now().Before(code.Expires) {
		return nil, fosite.ErrNotFound
	}
	return request, nil
}

// InvalidateAuthorizeCodeSession marks a code as used; only one of two that
// come at once succeeds.
func (s *storage) InvalidateAuthorizeCodeSession(ctx context.Context, signature string) error {
	return notFound(s.store.SpendCode(ctx, signature))
}

// CreatePKCERequestSession has nothing to do: the challenge is kept with the
// code.
func (s *storage) CreatePKCERequestSession(context.Context, string, fosite.Requester) error {
	return nil
}

// GetPKCERequestSession is the request with the challenge, if it had one and
// until a verifier was offered for it.
func (s *storage) GetPKCERequestSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	code, err := s.code(ctx, signature)
	if err != nil {
		return nil, err
	}
	if code.Tried || code.Challenge == "" {
		return nil, fosite.ErrNotFound
	}
	return s.request(ctx, code)
}

// DeletePKCERequestSession uses up the one try at the verifier.
func (s *storage) DeletePKCERequestSession(ctx context.Context, signature string) error {
	return notFound(s.store.TryCode(ctx, signature))
}

// CreateAccessTokenSession keeps a token.
func (s *storage) CreateAccessTokenSession(ctx context.Context, signature string, request fosite.Requester) error {
	member, err := memberID(request)
	if err != nil {
		return err
	}
	session, _ := request.GetSession().(*fosite.DefaultSession)
	return notFound(s.store.SaveToken(ctx, store.OAuthToken{
		Signature: signature, Grant: request.GetID(), Client: request.GetClient().GetID(), Member: member,
		Scope: strings.Join(request.GetGrantedScopes(), " "), Agent: agentOf(request), Issued: s.now(), OfCode: session != nil && session.Extra[ofCode] != nil,
	}))
}

// GetAccessTokenSession is the request a token was issued for.
func (s *storage) GetAccessTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	token, err := s.store.Token(ctx, signature)
	if err != nil {
		return nil, notFound(err)
	}
	return s.request(ctx, store.OAuthCode{Grant: token.Grant, Client: token.Client, Member: token.Member, Scope: token.Scope})
}

// DeleteAccessTokenSession revokes one token.
func (s *storage) DeleteAccessTokenSession(ctx context.Context, signature string) error {
	token, err := s.store.Token(ctx, signature)
	if err != nil {
		return notFound(err)
	}
	return s.store.RevokeGrant(ctx, s.now(), token.Grant)
}

// RevokeAccessToken revokes the tokens of one consent.
func (s *storage) RevokeAccessToken(ctx context.Context, grant string) error {
	return s.store.RevokeGrant(ctx, s.now(), grant)
}

// Refresh tokens are not issued, so none is ever found.

// CreateRefreshTokenSession refuses.
func (s *storage) CreateRefreshTokenSession(context.Context, string, string, fosite.Requester) error {
	return fosite.ErrServerError.WithHint("Refresh tokens are not issued.")
}

// GetRefreshTokenSession finds none.
func (s *storage) GetRefreshTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, fosite.ErrNotFound
}

// DeleteRefreshTokenSession has nothing to do.
func (s *storage) DeleteRefreshTokenSession(context.Context, string) error { return nil }

// RotateRefreshToken has nothing to do.
func (s *storage) RotateRefreshToken(context.Context, string, string) error { return nil }

// RevokeRefreshToken has nothing to do.
func (s *storage) RevokeRefreshToken(context.Context, string) error { return nil }

func (s *storage) code(ctx context.Context, signature string) (store.OAuthCode, error) {
	code, err := s.store.Code(ctx, signature)
	return code, notFound(err)
}

// ofCode marks the session of a request that a code was made for: its token is
// kept only while the code's consent holds.
const ofCode = "of code"

// inBrowser is where the session of a request has the browser in which the member
// consented.
const inBrowser = "in browser"

func agentOf(request fosite.Requester) string {
	session, ok := request.GetSession().(*fosite.DefaultSession)
	if !ok {
		return ""
	}
	agent, _ := session.Extra[inBrowser].(string)
	return agent
}

// request puts what was kept back into fosite's form.
func (s *storage) request(ctx context.Context, code store.OAuthCode) (fosite.Requester, error) {
	client, err := s.GetClient(ctx, code.Client)
	if err != nil {
		return nil, err
	}
	scopes := fosite.Arguments(strings.Fields(code.Scope))
	return &fosite.Request{
		ID: code.Grant, Client: client, RequestedAt: code.Issued, RequestedScope: scopes, GrantedScope: scopes,
		Form:    url.Values{"redirect_uri": {code.Redirect}, "code_challenge": {code.Challenge}, "code_challenge_method": {"S256"}},
		Session: &fosite.DefaultSession{Subject: strconv.FormatInt(int64(code.Member), 10), Extra: map[string]any{ofCode: true, inBrowser: code.Agent}},
	}, nil
}

func memberID(request fosite.Requester) (flattr.MemberID, error) {
	id, err := strconv.ParseInt(request.GetSession().GetSubject(), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("authorization without member: %q", request.GetSession().GetSubject())
	}
	return flattr.MemberID(id), nil
}

func notFound(err error) error {
	if code := flattr.CodeOf(err); code == flattr.NotFound || code == flattr.Invalid { // what is no text is not known
		return fosite.ErrNotFound
	}
	return err
}
