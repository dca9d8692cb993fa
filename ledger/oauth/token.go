package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ory/fosite"
	foauth2 "github.com/ory/fosite/handler/oauth2"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
)

// Clients of Flattr's interface know access tokens of 40 hexadecimal digits:
// 160 random bits, of which the ledger keeps a keyed hash only.
const (
	tokenBytes  = 20
	tokenDigits = 2 * tokenBytes
)

// strategy makes access tokens in the form that clients know; codes are
// fosite's. Companions that were linked earlier hold tokens in fosite's form,
// which stay in force.
type strategy struct {
	*foauth2.HMACSHAStrategyUnPrefixed
	key []byte
}

// isToken tells the form of a token that this server makes now.
func isToken(s string) bool {
	return len(s) == tokenDigits && strings.Trim(s, "0123456789abcdef") == ""
}

// GenerateAccessToken is a new token, and what is kept of it.
func (s *strategy) GenerateAccessToken(context.Context, fosite.Requester) (token, signature string, err error) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails
	token = hex.EncodeToString(raw)
	return token, s.mark(token), nil
}

// AccessTokenSignature is what is kept of a token, "" for one of no form of ours.
func (s *strategy) AccessTokenSignature(ctx context.Context, token string) string {
	if isToken(token) {
		return s.mark(token)
	}
	if s.Enigma.Validate(ctx, token) != nil {
		return ""
	}
	return s.Enigma.Signature(token)
}

// ValidateAccessToken refuses what is no token of ours by its form.
func (s *strategy) ValidateAccessToken(ctx context.Context, _ fosite.Requester, token string) error {
	if s.AccessTokenSignature(ctx, token) == "" {
		return fosite.ErrInvalidTokenFormat
	}
	return nil
}

func (s *strategy) mark(token string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("access token " + token)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// errToken is the answer to every token that is not in force.
var errToken = flattr.Refuse(api.CodeSignIn, "This token is not in force. Sign in again.")

// Bearer is whom a bearer token acts for, with which scopes, and the id of the
// application it was given to. A token that is not ours or revoked is flattr's
// code unauthorized; what the scopes allow is for the caller to judge.
func (s *Server) Bearer(ctx context.Context, token string) (member flattr.MemberID, scopes []string, client string, err error) {
	signature := s.strategy.AccessTokenSignature(ctx, token)
	if signature == "" {
		return 0, nil, "", errToken
	}
	known, err := s.store.Token(ctx, signature)
	if flattr.CodeOf(err) == flattr.NotFound {
		return 0, nil, "", errToken
	}
	if err != nil {
		return 0, nil, "", fmt.Errorf("find token: %w", err)
	}
	if known.Revoked {
		return 0, nil, "", errToken
	}
	if err := s.store.NoteUse(ctx, s.now(), known); err != nil {
		return 0, nil, "", err
	}
	return known.Member, strings.Fields(known.Scope), known.Client, nil
}

// Member is which member a companion's token acts for. A token that is not
// ours, revoked or of another scope is flattr's code unauthorized.
func (s *Server) Member(ctx context.Context, token string) (flattr.MemberID, error) {
	member, scopes, _, err := s.Bearer(ctx, token)
	if err != nil {
		return 0, err
	}
	if len(scopes) != 1 || scopes[0] != api.CompanionScope {
		return 0, errToken
	}
	return member, nil
}
