package claim

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestOnlyThePublicInternetIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "192.0.1.1": true, "172.32.0.1": true, "100.128.0.1": true, "223.255.255.1": true,
		"2606:4700:4700::1111": true, "2a00:1450::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "127.0.0.1": false, "127.255.255.254": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "192.88.99.1": false,
		"192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:93.184.216.34": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::5db8:d822": false, "64:ff9b:1::1": false, "100::1": false,
		"2001::1": false, "2001:20::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "2002:5db8:d822::1": false,
		"3fff::1": false, "5f00::1": false, "fc00::1": false, "fd12::1": false, "fe80::1": false, "fe80::1%lo": false, "fec0::1": false, "ff02::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("public(%s) = %t, want %t", text, got, want)
		}
	}
}

// Each address class, behind a name and as it is, is not dialled: the web server
// that listens there for real is not asked.
func TestNoAddressOfTheHouseIsAsked(t *testing.T) {
	in := startInternet(t)
	f := in.fetcherFor(reach{ports: in.r.ports})
	for i, address := range []string{
		"127.0.0.1", "127.0.0.2", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "::", "::ffff:127.0.0.1", "fe80::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1",
	} {
		name := fmt.Sprintf("n%d.test", i)
		in.Names.Host(name, []string{address})
		if address != "::ffff:127.0.0.1" { // no name server can say that: it is an A record then
			_, err := in.fetch(f, "http://"+name+in.Port+"/")
			mustForbid(t, name+" at "+address, err)
		}
		host := address
		if strings.Contains(address, ":") {
			host = "[" + address + "]"
		}
		_, err := in.fetch(f, "http://"+host+in.Port+"/")
		mustForbid(t, address, err)
	}
	for _, raw := range []string{"http://2130706433" + in.Port + "/", "http://0x7f.1" + in.Port + "/", "http://127.1" + in.Port + "/", "http://0177.0.0.1" + in.Port + "/", "http://localhost" + in.Port + "/"} {
		if text, err := in.fetch(f, raw); err == nil {
			t.Errorf("%s was fetched: %q", raw, text)
		}
	}
	if asked := in.Requests(); len(asked) > 0 {
		t.Errorf("%d requests reached the house, the first %s", len(asked), asked[0].Host)
	}
}

func TestOnlyTheWebsPortsAreDialled(t *testing.T) {
	in := startInternet(t)
	in.Site("bob.test/", "hello")
	in.r.ports = []uint16{80, 443}
	_, err := in.fetch(in.fetcherFor(in.r), in.URL("bob.test/"))
	mustForbid(t, "another port", err)
}

// A name that is harmless when it is looked up first and leads into the house
// later wins nothing: what is dialled is what is looked at.
func TestARebindingNameReachesNothing(t *testing.T) {
	in := startInternet(t)
	outside, err := net.Listen("tcp", "127.0.0.2"+in.Port)
	if err != nil {
		t.Skipf("no second loopback address here: %v", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again", http.StatusFound)
	})}
	go func() { _ = server.Serve(outside) }()
	defer server.Close()
	in.Site("rebind.test/again", "secret")
	in.Names.Host("rebind.test", []string{"127.0.0.2"}, []string{"127.0.0.1"})
	f := in.fetcherFor(reach{networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, ports: in.r.ports})
	text, err := in.fetch(f, "http://rebind.test"+in.Port+"/")
	mustForbid(t, "a name that changed its mind: "+text, err)
	in.Names.Host("both.test", []string{"127.0.0.1", "10.0.0.1"})
	_, err = in.fetch(f, "http://both.test"+in.Port+"/")
	mustForbid(t, "a name with two addresses", err)
	if asked := in.Requests(); len(asked) > 0 {
		t.Errorf("%d requests reached the house", len(asked))
	}
}

func TestARedirectIsLookedAtAnew(t *testing.T) {
	in := startInternet(t)
	for what, to := range map[string]string{
		"the house":       "http://10.0.0.1" + in.Port + "/",
		"the loopback":    "http://127.0.0.3" + in.Port + "/",
		"IPv6 loopback":   "http://[::1]" + in.Port + "/",
		"another port":    "http://bob.test:22/",
		"a user":          "http://ann:secret@bob.test" + in.Port + "/",
		"a file":          "file:///etc/passwd",
		"another service": "gopher://bob.test" + in.Port + "/",
		"a script":        "javascript:alert(1)",
	} {
		in.Site("bob.test/", "-> "+to)
		if text, err := in.fetch(in.fetcherFor(in.r), in.URL("bob.test/")); err == nil {
			t.Errorf("a redirect to %s gave %q", what, text)
		} else if strings.Contains(to, "10.0.0.1") || strings.Contains(to, "127.0.0.3") || strings.Contains(to, ":22") || strings.Contains(to, "::1") {
			mustForbid(t, "a redirect to "+what, err)
		}
	}
}

func TestRedirectsEnd(t *testing.T) {
	in := startInternet(t)
	for i := range 20 {
		in.Site(fmt.Sprintf("bob.test/%d", i), fmt.Sprintf("-> /%d", i+1))
	}
	in.Site("bob.test/20", "done")
	f := in.fetcherFor(in.r)
	if _, err := in.fetch(f, in.URL("bob.test/0")); !errors.Is(err, errRedirects) {
		t.Errorf("20 redirects: %v, want %v", err, errRedirects)
	}
	if n := len(in.Requests()); n != maxRedirects+1 {
		t.Errorf("%d requests, want %d", n, maxRedirects+1)
	}
	if text, err := in.fetch(f, in.URL("bob.test/16")); err != nil || text != "done" {
		t.Errorf("4 redirects gave %q, %v", text, err)
	}
}

func TestARequestTellsNothing(t *testing.T) {
	in := startInternet(t)
	in.Site("bob.test/", "-> /next")
	in.Site("bob.test/next", "done")
	if _, err := in.fetch(in.fetcherFor(in.r), in.URL("bob.test/")); err != nil {
		t.Fatal(err)
	}
	for _, r := range in.Requests() {
		for _, name := range []string{"Cookie", "Referer", "Authorization", "X-Forwarded-For", "Accept-Encoding"} {
			if got := r.Header.Get(name); got != "" {
				t.Errorf("%s %s: %s: %s", r.Method, r.URL, name, got)
			}
		}
		if r.UserAgent() != agent {
			t.Errorf("User-Agent %q, want %q", r.UserAgent(), agent)
		}
	}
}

// hostile serves one answer on this net.
func (in *internet) hostile(t *testing.T, serve http.HandlerFunc) (f *fetcher, raw string) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	in.Names.Host("hostile.test", []string{"127.0.0.1"})
	f = in.fetcherFor(reach{networks: in.r.networks, ports: []uint16{at.Port()}})
	return f, fmt.Sprintf("http://hostile.test:%d/", at.Port())
}

// A server that does not resolve dots itself would answer for the key bob.test/
// with what somebody put below /~mallory/.
func TestWhatTheKeyNamesIsAsked(t *testing.T) {
	in := startInternet(t)
	var asked []string
	f, raw := in.hostile(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "page")
	})
	for _, path := range []string{"~mallory/../", "~mallory/%2e%2e/", "~mallory/.%2E/", "~mallory/x/../../"} {
		asked = nil
		if _, err := in.fetch(f, raw+path); err != nil || len(asked) != 1 || asked[0] != "/" {
			t.Errorf("%s asked for %q, %v, want /", path, asked, err)
		}
	}
	asked = nil
	if _, err := in.fetch(f, raw+"a%20b/%C3%A4?x=1%262#y"); err != nil || len(asked) != 1 || asked[0] != "/a%20b/%C3%A4?x=1%262" {
		t.Errorf("asked for %q, %v, want what was given", asked, err)
	}
}

func TestAnEndlessBodyIsCut(t *testing.T) {
	in := startInternet(t)
	f, raw := in.hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for {
			if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<16)); err != nil {
				return
			}
		}
	})
	text, err := in.fetch(f, raw)
	if err != nil || len(text) != maxPage {
		t.Errorf("an endless body gave %d bytes, %v; want %d", len(text), err, maxPage)
	}
}

func TestASlowAnswerIsCutOff(t *testing.T) {
	in := startInternet(t)
	for what, serve := range map[string]http.HandlerFunc{
		"header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("<p>"))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Millisecond): // drop by drop
				}
			}
		},
	} {
		f, raw := in.hostile(t, serve)
		f.timeout = 300 * time.Millisecond
		if _, err := in.fetch(f, raw); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a slow %s: %v, want a deadline", what, err)
		}
	}
}

func TestNothingIsInflated(t *testing.T) {
	in := startInternet(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	f, raw := in.hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	if text, err := in.fetch(f, raw); !errors.Is(err, errForm) {
		t.Errorf("a gzip bomb gave %d bytes, %v; want %v", len(text), err, errForm)
	}
}

func TestAnEndlessHeaderIsRefused(t *testing.T) {
	in := startInternet(t)
	f, raw := in.hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := range 200 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("a", 1000))
		}
	})
	if _, err := in.fetch(f, raw); err == nil {
		t.Error("a header of 200 kB was read")
	}
}

func TestOnlyTextThatIsLookedForIsRead(t *testing.T) {
	in := startInternet(t)
	for _, kind := range []string{"application/octet-stream", "text/plain", "image/svg+xml", "", "text/html; charset"} {
		f, raw := in.hostile(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{kind}
			_, _ = w.Write([]byte(`<meta name="flattr:id" content="abc123">`))
		})
		if _, err := in.fetch(f, raw); !errors.Is(err, errForm) {
			t.Errorf("%q: %v, want %v", kind, err, errForm)
		}
	}
}
