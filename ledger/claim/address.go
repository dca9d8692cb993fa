package claim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// errForbidden is what dialling answers for an address the ledger must not ask.
var errForbidden = errors.New("not an address of the public internet")

// special are the blocks of the registries of special-purpose addresses (IANA,
// RFC 6890 and what came after) that are not the public internet, or lead
// somewhere else than they say. Of IPv6 only 2000::/3 is given out at all.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // behind a carrier's translation
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, with the metadata of clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocols
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // AMT
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // measurements
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	"2001::/23",       // protocols: Teredo, ORCHID, measurements
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4: an IPv4 address in disguise
	"2620:4f:8000::/48",
	"3fff::/20", // documentation
)

// unicast is what is given out of IPv6. Loopback, link-local, unique local,
// multicast, mapped IPv4 and the translations 64:ff9b::/96 and 64:ff9b:1::/48 lie
// outside of it.
var unicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// public reports whether an address is one of the public internet.
func public(ip netip.Addr) bool {
	if ip.Zone() != "" || !ip.IsValid() || ip.Is4In6() {
		return false
	}
	if ip.Is6() && !unicast.Contains(ip) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// reach is what a fetcher may dial.
type reach struct {
	networks []netip.Prefix // that the operator allows beside the public internet
	ports    []uint16       // 80 and 443, unless the operator says otherwise; none: any
}

// allows tells whether an address may be dialled.
func (r reach) allows(at netip.AddrPort) error {
	if len(r.ports) > 0 && !slices.Contains(r.ports, at.Port()) {
		return fmt.Errorf("%w: port %d", errForbidden, at.Port())
	}
	ip := at.Addr()
	if public(ip) || slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	return fmt.Errorf("%w: %s", errForbidden, ip)
}

// Control is asked by a dialler for each address: it refuses what is neither on
// the public internet nor in one of the networks. Ports are not looked at.
func Control(networks []netip.Prefix) func(network, address string, c syscall.RawConn) error {
	return reach{networks: networks}.control
}

// control is asked by the dialler for each address, after names were resolved
// and before anything is sent: whatever a name server answers, and however often
// it changes its mind, this is the address that is connected to.
func (r reach) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %.60q", errForbidden, address)
	}
	return r.allows(at)
}
