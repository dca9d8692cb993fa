package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flattr/ledger/oauth"
)

// say writes a request as it stands to the ledger and reads its answer.
func (s *served) say(method, raw string) (status int, header http.Header, body string) {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.origin, "http://"), 10*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, raw) }() // the ledger may answer and hang up before it has read all
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("%.80q is not answered: %v", raw, err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body) // of one that hung up, what it had said
	return resp.StatusCode, resp.Header, string(text)
}

// TestRESTOverTheWire holds that what reaches the interface is answered by it,
// however it is written, and that what the server refuses before, since it is no
// request at all or none that it can hand on, is one line of plain text.
func TestRESTOverTheWire(t *testing.T) {
	s := startLedger(t)
	s.join("ann", 0)
	auth, err := oauth.New(t.Context(), s.store, s.clock)
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.IssueToken(t.Context(), s.member("ann"), "flattr")
	if err != nil {
		t.Fatal(err)
	}
	const rest = " HTTP/1.1\r\nHost: ledger.example\r\nConnection: close\r\n"
	long, asAnn := strings.Repeat("x", 1<<20+1), rest+"Authorization: Bearer "+token+"\r\n"
	for raw, want := range map[string]string{
		"GET /rest/v2/user" + rest + "\r\n":                                                                      "401 json",
		"GET //rest/v2/user" + rest + "\r\n":                                                                     "401 json",
		"GET /rest/../rest/v2/user" + rest + "\r\n":                                                              "401 json",
		"GET /rest/v2/../../login" + rest + "\r\n":                                                               "404 json",
		"GET http://other.example/rest/v2/categories" + rest + "\r\n":                                            "200 json",
		"GET /rest/v2/categories HTTP/1.0\r\n\r\n":                                                               "200 json",
		"HEAD /rest/v2/categories" + rest + "\r\n":                                                               "200 json",
		"HEAD /rest/v2/nothing" + rest + "\r\n":                                                                  "404 json",
		"OPTIONS /rest/v2/things/1/flattr" + rest + "Access-Control-Request-Method: POST\r\n\r\n":                "204 ",
		"TRACE /rest/v2/user" + rest + "\r\n":                                                                    "405 json",
		"POST /rest/v2/flattr" + rest + "Content-Length: 1048577\r\n\r\n":                                        "401 json", // nobody's body is waited for
		"BREW /rest/v2/things/1" + asAnn + "\r\n":                                                                "405 json",
		"POST /rest/v2/flattr" + asAnn + "Content-Length: 1048577\r\n\r\n" + long:                                "413 json",
		"POST /rest/v2/flattr" + asAnn + "Transfer-Encoding: chunked\r\n\r\n100001\r\n" + long + "\r\n0\r\n\r\n": "413 json",
		"POST /rest/v2/flattr" + asAnn + "Transfer-Encoding: chunked\r\n\r\nzz\r\n":                              "400 json",
		"POST /rest/v2/flattr" + asAnn + "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>":               "415 json",
		"GET /rest/v2/user" + rest + "Accept: text/html\r\n\r\n":                                                 "406 json",
		"GET /rest/v2/user" + rest + "Cookie: a=" + strings.Repeat("x", 4000) + "\r\n\r\n":                       "401 json",
		"GET /rest/v2/user" + rest + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":                            "431 text",
		"GET /rest/v2/%zz" + rest + "\r\n":                                                                       "400 text",
		"GET /rest/v2/user HTTP/1.1\r\nConnection: close\r\n\r\n":                                                "400 text", // no Host
		"GET /rest/v2/user" + rest + "A b: c\r\n\r\n":                                                            "400 text",
		"GET /rest/v2/user HTTP/9.9\r\n\r\n":                                                                     "505 text",
		"POST /rest/v2/flattr" + rest + "Content-Length: -1\r\n\r\n":                                             "400 text",
		"POST /rest/v2/flattr" + rest + "Transfer-Encoding: gzip\r\n\r\n":                                        "501 text",
		"<html>\r\n\r\n": "400 text",
	} {
		method, _, _ := strings.Cut(raw, " ")
		status, header, body := s.say(method, raw)
		kind := header.Get("Content-Type")
		got := fmt.Sprint(status, " ")
		switch {
		case strings.HasPrefix(kind, "application/json"):
			got += "json"
		case strings.HasPrefix(kind, "text/plain"):
			got += "text"
		default:
			got += kind
		}
		if got != want || strings.Contains(body, "<") || strings.Contains(body, "goroutine") {
			t.Errorf("%.80q = %s %s %.200q, want %s", raw, got, kind, body, want)
		}
		if strings.HasSuffix(want, "json") && header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%.80q: %v", raw, header)
		}
		if method == "HEAD" && body != "" || strings.HasSuffix(want, "text") && len(body) > 100 {
			t.Errorf("%.80q has the body %q", raw, body)
		}
	}
}
