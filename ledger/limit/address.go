package limit

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Address names where a request comes from, for counting. The ledger itself speaks
// plain http: where it is proxied, which is where readers reach it by https, a
// proxy stands before it, and the last entry of X-Forwarded-For is what that proxy
// saw. Of IPv6 the first 64 bits count, since whoever has one address has all that
// begin so.
func Address(r *http.Request, proxied bool) string {
	if proxied {
		seen := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if ip, err := netip.ParseAddr(strings.TrimSpace(seen[len(seen)-1])); err == nil {
			return "address " + networkOf(ip)
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = networkOf(ip)
	}
	return "address " + host
}

func networkOf(ip netip.Addr) string {
	const network = 64
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, network).Masked().String()
}
