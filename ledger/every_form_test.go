package main

import (
	"fmt"
	"go/ast"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// askedFor are the names of all values that the pages read of addresses and forms.
func askedFor(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	parsed, _ := pagesSource(t)
	for _, file := range parsed["web"] {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if called, ok := call.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "Get" {
				if name, ok := patternOf(call.Args[0], nil); ok {
					names[name] = true
				}
			}
			return true
		})
	}
	if len(names) < 20 {
		t.Fatalf("the source names the values %v: it is not read right", names)
	}
	return slices.Sorted(maps.Keys(names))
}

// Every form there is refuses what another site sends with the member's cookies,
// and what is no form.
func TestEveryFormIsTakenFromOurPagesOnly(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	forms := routePatterns(t, http.MethodPost)
	if !slices.Contains(forms, "/oauth/authorize") || !slices.Contains(forms, "/settings/signin/password") || len(forms) < 35 {
		t.Fatalf("the source names the forms %v: it is not read right", forms)
	}
	values := url.Values{
		"name": {"ann"}, "password": {"correct horse"}, "old": {"correct horse"}, "new": {"mallorys horse"}, "budget": {"99"},
		"address": {"mallory@x.example"}, "all": {"yes"}, "programs": {"yes"}, "language": {"de"}, "zone": {"Asia/Tokyo"}, "to": {"mallory"},
	}.Encode()
	for _, path := range forms {
		for _, foreign := range []map[string]string{
			{"Sec-Fetch-Site": "cross-site"},
			{"Sec-Fetch-Site": "same-site"},
			{"Sec-Fetch-Site": "cross-site", "Origin": s.origin}, // what the browser says goes before
			{"Origin": "https://evil.example"},
			{"Origin": "null"}, // of a frame in a sandbox
			{"Origin": "https" + strings.TrimPrefix(s.origin, "http") + ".evil.example"},
			{"Origin": s.origin + "0"},
		} {
			foreign["Content-Type"] = formType
			if ann.request(http.MethodPost, path, values, foreign); ann.status != http.StatusForbidden || !strings.Contains(ann.text, "came from another site") {
				t.Errorf("POST %s with %v = %d, want 403 that says why", path, foreign, ann.status)
			}
		}
		if path == "/mail/unsubscribe" {
			continue // mail programs post what they like (RFC 8058); the address is all that counts
		}
		for _, kind := range []string{"application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedd", ""} {
			header := map[string]string{"Sec-Fetch-Site": "same-origin", "Content-Type": kind}
			if ann.request(http.MethodPost, path, values, header); ann.status < 400 || ann.status >= 500 {
				t.Errorf("POST %s of %q = %d, want 4xx", path, kind, ann.status)
			}
		}
		if resp := ann.request(http.MethodGet, path+"?"+values, "", nil); resp.StatusCode >= 500 {
			t.Errorf("GET %s with the values of a form = %d", path, resp.StatusCode)
		}
	}
	ann.get("/month")
	ann.wants("€2.00", "Sign out")
	if s.enters("ann", "mallorys horse").isIn() || !s.enters("ann", "correct horse").isIn() {
		t.Error("the password is not what it was")
	}
}

// hostileTexts are what addresses and forms may carry.
var hostileTexts = []string{
	"\x00", "%_\\'\"; DROP TABLE member; --", "\xff\xfe", "-1", "9223372036854775808", "NaN", `"a" AND (`, `a"b* OR`, "NEAR(a b",
	"{{.}}<script>alert(1)</script>", "../../etc/passwd", "0000-01", "\r\nSet-Cookie: a=b", strings.Repeat("é", 3000), "\u202e🦄２０２６-11",
}

// placeholder is a part of a pattern that an address names.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// Whatever an address or a form says, the ledger answers in words: nothing that is
// asked is a failure of the ledger.
func TestNoInputIsAFailureOfTheLedger(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		ann, names := s.join("ann", 50*money.Euro), askedFor(t)
		pages, forms := routePatterns(t, http.MethodGet), routePatterns(t, http.MethodPost)
		send(t, s.link(ann), click(s.clock(), api.Thing{URL: "https://a.example/"}))

		for i, value := range hostileTexts {
			all := url.Values{}
			for _, name := range names {
				all.Set(name, value)
			}
			part := []string{url.PathEscape(value), "1", "2026-11"}[i%3]
			for _, path := range pages {
				s.answers(ann, http.MethodGet, placeholder.ReplaceAllLiteralString(strings.TrimSuffix(path, "{$}"), part)+"?"+all.Encode(), "")
			}
			all.Set("password", "correct horse")
			for _, path := range forms {
				if path != "/signout" && !strings.HasSuffix(path, "/everywhere") {
					s.answers(ann, http.MethodPost, path, all.Encode())
				}
			}
		}
		if !ann.isIn() {
			t.Error("ann is signed out")
		}
	})
}

// answers fails where a request is answered by a failure.
func (s *served) answers(b *browser, method, address, body string) {
	s.t.Helper()
	resp := b.request(method, address, body, map[string]string{"Content-Type": formType, "Sec-Fetch-Site": "same-origin"})
	if resp.StatusCode >= 500 {
		s.t.Errorf("%s %.120s with %.80q = %d\n%s", method, address, body, resp.StatusCode, fmt.Sprintf("%.300s", s.log.String()[max(0, len(s.log.String())-600):]))
	}
	if resp.Header.Get("Set-Cookie") != "" && strings.Contains(strings.Join(resp.Header.Values("Set-Cookie"), ""), "a=b") {
		s.t.Errorf("%s %.120s sets a cookie of the visitor's own", method, address)
	}
}

// Nothing that a member sees is kept by anybody, stands in a frame, or is taken for
// something else than it is.
func TestEveryPageOfAMemberIsKeptByNobody(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	for _, path := range routePatterns(t, http.MethodGet) {
		address := placeholder.ReplaceAllLiteralString(strings.TrimSuffix(path, "{$}"), "ann")
		for _, b := range []*browser{ann, newBrowser(t, s.origin)} {
			resp := b.request(http.MethodGet, address, "", nil)
			h := resp.Header
			kept := h.Get("Cache-Control")
			if moved := resp.StatusCode >= 300 && resp.StatusCode < 400; b == ann && !moved && kept != "no-store" {
				t.Errorf("GET %s as a member = %d, Cache-Control %q, want no-store", address, resp.StatusCode, kept)
			}
			if strings.Contains(kept, "public") && (len(h.Values("Set-Cookie")) > 0 || !strings.Contains(h.Get("Vary"), "Cookie")) {
				t.Errorf("GET %s may be kept, with cookies %v and Vary %q", address, h.Values("Set-Cookie"), h.Get("Vary"))
			}
			policy := h.Get("Content-Security-Policy")
			if !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") ||
				h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("GET %s: headers %v", address, h)
			}
		}
	}
}
