package main

import (
	"net/http"
	"strings"
	"testing"

	"flattr/ledger/money"
)

// The record of requests names no member, and holds nothing that lets anybody in:
// whoever may read it learns neither.
func TestTheRecordOfRequestsNamesNobody(t *testing.T) {
	s := startLedger(t)
	ann := s.join("annegret", 50*money.Euro)
	ann.get("/month")
	var codes []string
	for _, to := range ann.all("href") {
		if code, ok := strings.CutPrefix(to, "/invites/"); ok {
			codes = append(codes, code)
		}
	}
	if len(codes) < 2 {
		t.Fatalf("the page shows the invites %v", codes)
	}
	for path, want := range map[string]string{
		"/invites/" + codes[0]:          "/invites/*",
		"/profile/annegret":             "/profile/*",
		"/@annegret":                    "/@*",
		"/user/annegret/":               "/user/*/",
		"/profile/annegret/things.atom": "/profile/*/things.atom",
		"/rest/v2/users/annegret":       "/rest/v2/users/*",
		"/signup?invite=" + codes[1]:    "/signup",
		"/settings/data/flattr.zip":     "/settings/data/flattr.zip",
	} {
		if ann.request(http.MethodGet, path, "", nil); ann.status != http.StatusOK {
			t.Errorf("GET %s = %d", path, ann.status)
		}
		if !strings.Contains(s.log.String(), `"path":"`+want+`","status":200`) {
			t.Errorf("the record has no %s", want)
		}
	}
	ann.request(http.MethodGet, "/invites/"+codes[0]+"x", "", nil)
	for _, path := range []string{"/invites//" + codes[0], "/invites/./" + codes[0], "/profile//annegret", "/profile/x/../annegret"} {
		ann.request(http.MethodGet, path, "", nil) // led on to how it is written
	}
	for _, secret := range append(codes, "annegret", strings.ReplaceAll(codes[0], "-", "")) {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the record has %q:\n%s", secret, s.log)
		}
	}
}
