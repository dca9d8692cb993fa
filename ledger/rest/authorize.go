package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/limit"
)

// companionScope is that of companions, whose tokens are for their own interface.
const companionScope = "companion"

// authenticate finds out whom a request is from, where it carries a token. Only
// the header counts: cookies are not read, and no token is taken from an address.
// The id and secret of an application are nobody's token: who sends them is
// answered as everybody is.
func (s *Server) authenticate(c *call) error {
	header := c.r.Header.Get("Authorization")
	c.caller = limit.Address(c.r, s.Public.Scheme == "https")
	if header == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if strings.EqualFold(scheme, "Basic") {
		return nil // clients without a token name their application in every request, which no answer depends on
	}
	refused := refuse(codeSignIn, "")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return refused
	}
	member, scopes, client, err := s.Member(c.ctx(), token)
	if flattr.CodeOf(err) == codeSignIn {
		return refused
	}
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	if slices.Contains(scopes, companionScope) {
		return refused
	}
	c.member, c.scopes, c.client, c.caller = member, scopes, client, "token "+token
	return nil
}

// authorize holds that the caller may ask for the route.
func (c *call) authorize(rt *route, h http.Header) error {
	if (rt.Token || rt.Scope != "") && c.member == 0 {
		return signIn(h)
	}
	if rt.Scope != "" && !c.may(rt.Scope) {
		return refuse(codeScope, "The token was not given the scope "+rt.Scope+".")
	}
	return nil
}

// signIn asks for a token.
func signIn(h http.Header) error {
	h.Set("WWW-Authenticate", `Bearer realm="flattr"`)
	return refuse(codeSignIn, "")
}

// may reports whether the token was given a scope.
func (c *call) may(scope string) bool { return slices.Contains(c.scopes, scope) }
