package rest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// What follows is how programs ask that were written for Flattr, in the forms in
// which they have been seen to do it.

// Programs look whether the interface can be reached before they send what they
// have kept, and read one line.
func TestHelloIsOneLine(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for _, path := range []string{"", "/"} {
		if w := d.ask("GET", path, ""); w.Code != 200 || w.Body.String() != `{"message":"hello_world"}` {
			t.Errorf("GET %q = %d %s", path, w.Code, w.Body)
		}
	}
}

// Who has no token yet sends the application's id and secret with everything.
func TestApplicationsAreAnsweredAsEverybodyIs(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for _, header := range []string{"Basic aWQ6c2VjcmV0", "basic Og==", "Basic"} {
		if w := d.ask("GET", "/users/ann", "", "Authorization: "+header); w.Code != 200 {
			t.Errorf("GET /users/ann by %q = %d %s", header, w.Code, w.Body)
		}
		d.wants(d.ask("GET", "/user", "", "Authorization: "+header), http.StatusUnauthorized, "unauthorized")
		d.wants(d.ask("POST", "/things/4711/flattr", "", "Authorization: "+header), http.StatusUnauthorized, "unauthorized")
	}
}

// A script is led by a redirect without knowing of it, and no browser runs one
// whose status is an error.
func TestScriptsAreToldEverything(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	w := d.ask("GET", "/things/lookup/?q=https%3A%2F%2Fbob.example%2Fone&jsonp=$.on", "")
	to, err := url.Parse(w.Header().Get("Location"))
	if w.Code != http.StatusFound || err != nil || to.Query().Get("jsonp") != "$.on" {
		t.Fatalf("lookup = %d %v, %v", w.Code, w.Header(), err)
	}
	w = d.ask("GET", strings.TrimPrefix(to.RequestURI(), Base), "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `/**/$.on({"type":"thing"`) {
		t.Errorf("thing = %d %s", w.Code, w.Body)
	}
	w = d.ask("GET", "/things/lookup/?q=https%3A%2F%2Fno.example%2F&jsonp=on", "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `/**/on({"message":"not_found"`) {
		t.Errorf("lookup of nothing = %d %s", w.Code, w.Body)
	}
	w = d.ask("GET", "/users/nobody?jsonp=on", "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `/**/on({"error":"not_found"`) {
		t.Errorf("unknown member = %d %s", w.Code, w.Body)
	}
}

// Streams are asked for as JSON, and JSON is with what was accepted for a stream.
func TestStreamsAreJSON(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for path, want := range map[string]string{"/users/ann/activities": "application/stream+json", "/things/4711": "application/json"} {
		for _, accept := range []string{"application/json", "application/stream+json"} {
			if w := d.ask("GET", path, "", "Accept: "+accept); w.Code != 200 || w.Header().Get("Content-Type") != want+"; charset=utf-8" {
				t.Errorf("GET %s as %s = %d %s", path, accept, w.Code, w.Header().Get("Content-Type"))
			}
		}
	}
}

func TestOlderAddresses(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	d.thing(4720, "https://bob.example/?p=1&page=2", "Of two parameters", "bob")
	for path, want := range map[string]string{
		"/things/lookup/q/https%3A%2F%2Fbob.example%2Fone":                                                       "/things/4711",
		"/things/lookup/?url=https://bob.example/?p=1&page=2":                                                    "/things/4720",
		"/things/lookup?url=https://bob.example/?p=1&page=2&full":                                                "/things/4720",
		"/things/lookup?url=https%3A%2F%2Fbob.example%2F%3Fp%3D1%26page%3D2&page=1":                              "/things/4720",
		"/things/lookup/?q=https://bob.example/one&x=1":                                                          "/things/4711",
		"/things/lookup/?url=http://flattr.com/submit/auto?user_id=bob&url=" + "https%3A%2F%2Fbob.example%2Fone": "/things/4711",
		"/things/lookup/?url=http://flattr.com/submit/auto?url=https://bob.example/one&user_id=bob":              "/things/4711",
	} {
		if w := d.ask("GET", path, ""); w.Code != http.StatusFound || !strings.HasSuffix(w.Header().Get("Location"), want) {
			t.Errorf("GET %s = %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	d.wants(d.ask("GET", "/things/lookup/?url=http://flattr.com/submit/auto?url=https://bob.example/one&user_id=ann", ""), http.StatusBadRequest, "validation")
	d.wants(d.ask("GET", "/things/lookup/q/", ""), http.StatusNotFound, "not_found")

	w := d.ask("GET", "/things?id=4711,4712", "")
	var things []struct{ ID int64 }
	if err := json.Unmarshal(w.Body.Bytes(), &things); err != nil || len(things) != 2 || things[0].ID != 4711 || things[1].ID != 4712 {
		t.Errorf("things by ids of the query = %d %s, %v", w.Code, w.Body, err)
	}
	d.wants(d.ask("GET", "/things?id=4711%2F..%2F..", ""), http.StatusNotFound, "not_found")
	if w := d.ask("GET", "/things", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET /things without ids = %d", w.Code)
	}
}

// A search by url= names a thing, or hosts without a scheme.
func TestSearchByHosts(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for query, want := range map[string]int{
		"bob.example": 3, "nobody.example%7Cbob.example": 3, "nobody.example|www.bob.example": 3, "bob.example/one": 1, "none.example": 0, "https://bob.example/one": 1,
	} {
		var got searched
		if w := d.ask("GET", "/things/search?url="+query, ""); w.Code != 200 || json.Unmarshal(onlyTotals(t, w.Body.Bytes()), &got) != nil || got.TotalItems != want {
			t.Errorf("search by url=%s = %d %.200s, want %d things", query, w.Code, w.Body, want)
		}
	}
	d.wants(d.ask("GET", "/things/search?url=junk%20here", ""), http.StatusBadRequest, "validation")
	d.wants(d.ask("GET", "/things/search?url=javascript:alert(1)", ""), http.StatusBadRequest, "validation")
	d.wants(d.ask("GET", "/things/search?url="+strings.Repeat("a.example|", 40)+"b.example", ""), http.StatusBadRequest, "invalid_parameters")
}

// onlyTotals leaves the things out of a search's answer.
func onlyTotals(t *testing.T, body []byte) []byte {
	t.Helper()
	before, _, ok := strings.Cut(string(body), `,"things":`)
	if !ok {
		t.Fatalf("a search answers %.200s", body)
	}
	return []byte(before + "}")
}
