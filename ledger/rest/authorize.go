package rest

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"flattr/ledger/flattr"
)

// companionScope is that of companions, whose tokens are for their own interface.
const companionScope = "companion"

// authenticate finds out whom a request is from, where it carries a token. Only
// the header counts: cookies are not read, and no token is taken from an address.
func (s *Server) authenticate(c *call) error {
	header := c.r.Header.Get("Authorization")
	c.caller = "address " + networkOf(s.address(c.r))
	if header == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
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
func (c *call) authorize(rt *route) error {
	if (rt.Token || rt.Scope != "") && c.member == 0 {
		return refuse(codeSignIn, "")
	}
	if rt.Scope != "" && !c.may(rt.Scope) {
		return refuse(codeScope, "The token was not given the scope "+rt.Scope+".")
	}
	return nil
}

// may reports whether the token was given a scope.
func (c *call) may(scope string) bool { return slices.Contains(c.scopes, scope) }

// address is where a request comes from. The ledger itself speaks plain http:
// under an https address a proxy stands before it, and the last entry of
// X-Forwarded-For is what that proxy saw.
func (s *Server) address(r *http.Request) string {
	if s.Public.Scheme == "https" {
		seen := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if last := strings.TrimSpace(seen[len(seen)-1]); net.ParseIP(last) != nil {
			return last
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// networkOf is what is counted of an address: of IPv6 the first 64 bits, since
// whoever has one address has all that begin so.
func networkOf(address string) string {
	const network = 64
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, network).Masked().String()
}
