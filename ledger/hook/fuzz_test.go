package hook

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/url"
	"testing"
)

// Whatever a partner answers, a delivery is made, tried again after a time that is
// bounded, or given up.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999\r\n\r\n", "HTTP/1.1 429 x\r\nRetry-After: -1\r\n\r\n",
		"HTTP/1.1 410 Gone\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", "HTTP/1.1 999 ?\r\nTransfer-Encoding: chunked\r\n\r\nzz", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), &http.Request{Method: http.MethodPost})
		if err != nil {
			return // the client fails, and it is tried again
		}
		defer response.Body.Close()
		said := judge(response)
		if made := response.StatusCode/100 == 2; made != (said == nil) {
			t.Fatalf("%q = %+v", raw, said)
		}
		if said == nil {
			return
		}
		if said.retryAfter < 0 || said.retryAfter > lastBound || said.gone != (response.StatusCode == http.StatusGone) || said.err == nil {
			t.Fatalf("%q = %+v", raw, said)
		}
	})
}

// An address that deliveries go to is secret on its way, but for loopback.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://ring.example/hook?key=1", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost/", "https://a@b/", "https:b", "https://[::1", "//x", "HTTPS://X/#a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if err := CheckURL(raw); err != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback()) {
			t.Fatalf("CheckURL lets %q through", raw)
		}
	})
}
