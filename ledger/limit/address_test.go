package limit

import (
	"net/http/httptest"
	"testing"
)

func TestAddressIsWhatTheProxySaw(t *testing.T) {
	for _, c := range []struct {
		from      string
		forwarded []string
		proxied   bool
		want      string
	}{
		{"192.0.2.1:4711", nil, false, "192.0.2.1"},
		{"192.0.2.1:4711", []string{"198.51.100.7"}, false, "192.0.2.1"},                    // nobody stands before it
		{"127.0.0.1:4711", []string{"203.0.113.9, 198.51.100.7"}, true, "198.51.100.7"},     // what the visitor says comes first
		{"127.0.0.1:4711", []string{"203.0.113.9", " 198.51.100.7 "}, true, "198.51.100.7"}, // in a header of its own
		{"127.0.0.1:4711", []string{"nonsense"}, true, "127.0.0.1"},
		{"127.0.0.1:4711", nil, true, "127.0.0.1"},
		{"[2001:db8:1:2:3:4:5:6]:4711", nil, false, "2001:db8:1:2::/64"},
		{"127.0.0.1:4711", []string{"2001:db8:1:2::9"}, true, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:4711", nil, false, "192.0.2.1"},
		{"[fe80::1%eth0]:4711", nil, false, "fe80::/64"},
		{"@", nil, false, "@"}, // a socket of the machine
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.from, c.forwarded
		if got := Address(r, c.proxied); got != "address "+c.want {
			t.Errorf("Address(%s, %q, %t) = %q, want %q", c.from, c.forwarded, c.proxied, got, c.want)
		}
	}
}
