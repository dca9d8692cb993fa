package hook

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"flattr/ledger/flattr"
)

// maxURL bounds the address of a hook.
const maxURL = 2000

// CheckURL refuses with invalid_request an address that deliveries cannot be
// posted to: they name readers, so that only TLS will do, loopback aside.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL || u.Host == "" || u.Hostname() == "" || u.Fragment != "" || u.Opaque != "":
		return flattr.Refuse(flattr.Invalid, "A hook's address is like https://partner.example/flattr. Correct it.")
	case u.User != nil:
		return flattr.Refuse(flattr.Invalid, "A hook's address has no password: deliveries are signed. Leave it out.")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return flattr.Refuse(flattr.Invalid, "A hook's address begins with https://, since it is told who flattrs. Only loopback may do without.")
}

// maxNamespace bounds the name of a partner's namespace.
const maxNamespace = 40

// CheckNamespace refuses with invalid_request what is no name of a partner's
// namespace; that a hook has none is allowed.
func CheckNamespace(name string) error {
	other := func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') }
	if len(name) > maxNamespace || strings.ContainsFunc(name, other) {
		return flattr.Refuse(flattr.Invalid, "A namespace has up to 40 letters a to z, digits and -. Correct it.")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// How long the steps of a delivery may take; answerTimeout bounds all of it.
const (
	dialTimeout = 5 * time.Second
	tlsTimeout  = 5 * time.Second
	idleTimeout = 30 * time.Second
	maxHeader   = 16 << 10
)

// Control looks at each address that is dialled, after its name was resolved,
// and refuses it by an error.
type Control = func(network, address string, c syscall.RawConn) error

// NewClient is a client that follows no redirects, uses no proxy, keeps no
// cookies, and dials only what allowed lets pass.
func NewClient(allowed Control) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: allowed}
	return &http.Client{
		Timeout: answerTimeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    tlsTimeout,
			ResponseHeaderTimeout:  answerTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConnsPerHost:    1,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
