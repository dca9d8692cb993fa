package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// TestURLsThatAreNotEscaped holds that a URL is found as it is, escaped whole, and
// as browsers escape it.
func TestURLsThatAreNotEscaped(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	const odd = "https://bob.example/100%?x=a+b&y=%26&full=1"
	d.thing(4715, odd, "Odd", "bob")
	for _, query := range []string{
		"url=" + odd, "q=" + odd, "url=" + odd + "&jsonp=f", "url=" + url.QueryEscape(odd) + "&full",
		"url=https://bob.example/100%25?x=a+b&y=%2526&full=1", "url=https%3A%2F%2Fbob.example%2F100%%3Fx%3Da%2Bb%26y%3D%2526%26full%3D1",
		"url=https://flattr.com/submit/auto?user_id=bob&url=" + url.QueryEscape(odd),
	} {
		if w := d.ask("GET", "/things/lookup?"+query, ""); w.Code != http.StatusFound || !strings.Contains(w.Header().Get("Location"), "/things/4715") {
			t.Errorf("lookup of %s = %d %s", query, w.Code, w.Body)
		}
	}
	d.thing(4716, "https://bob.example/?a=1&b=2", "Parts", "bob")
	found := d.ok(d.ask("GET", "/things/search?url=https://bob.example/?a=1&b=2&user=bob&count=1", ""), http.StatusOK)
	if found["total_items"] != 1.0 {
		t.Errorf("search with a URL that is not escaped = %v", found)
	}
}

// TestNamesThatEndAsFormatsAreFollowed holds that the address of such a member is
// theirs, and not that of whom it resembles.
func TestNamesThatEndAsFormatsAreFollowed(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	for _, name := range []string{"ann", "ann.json", "ann.txt", "ann.html"} {
		d.member(name)
	}
	for path, want := range map[string]string{
		"/users/ann": "ann", "/users/ann.json": "ann", "/users/ann.json.json": "ann.json", "/users/ann.txt.json": "ann.txt", "/users/ann.html": "ann.html",
	} {
		got := d.ok(d.ask("GET", path, ""), http.StatusOK)
		resource, _ := strings.CutPrefix(fmt.Sprint(got["resource"]), "https://ledger.example"+Base)
		if again := d.ok(d.ask("GET", resource, ""), http.StatusOK); got["username"] != want || again["username"] != want {
			t.Errorf("%s = %v, and its resource %v", path, got["username"], again["username"])
		}
	}
}

// TestSemicolonsPartNothing holds that what Go's reader of forms drops is read.
func TestSemicolonsPartNothing(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	made := d.ok(d.ask("POST", "/things", "title=Said;+and+done&url=https://said.example/a;b", byAnn, isForm), http.StatusCreated)
	auto := url.QueryEscape("https://flattr.com/submit/auto?user_id=ann&amp;url=https://said.example/a;b")
	for _, named := range []string{"https://said.example/a;b", "https%3A%2F%2Fsaid.example%2Fa%3Bb", auto} {
		found := d.ok(d.ask("GET", "/things/lookup?url="+named, ""), http.StatusFound)
		if at := fmt.Sprint(found["location"]); !strings.HasSuffix(at, fmt.Sprintf("/things/%.0f", made["id"])) {
			t.Errorf("lookup of %s = %v, want the thing %.0f", named, found, made["id"])
		}
	}
}
