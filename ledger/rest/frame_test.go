package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"flattr/ledger/store/storetest"
)

func TestPathsAndMethods(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for path, want := range map[string]int{
		"/things/4711": 200, "/things/4711/": 200, "/things/4711.json": 200, "/things/4711.json/": 200, "/things/4711,4712": 200, "/things/4711%2C4712": 200, "/users/ANN": 200, "/users/ann.xml": 200,
		"": 200, "/": 200, "//": 200, "/things": 405, "/things/": 405, "/things/x": 404, "/things/-1": 404, "/things/0": 404, "/things/4503599627370497": 404, "/things/99999999999999999999": 404,
		"/users": 404, "/users//things": 404, "/users/%00": 400, "/users/%ff": 400, "/a/b/c/d/e/f/g/h/i/j": 404, "/things/..%2f..": 404, "/users/ann.as": 406, "/users/ann.txt": 406, "/users/ann.html": 404,
		"/users/ann/activities": 200, "/users/ann/activities.json": 406, "/users/nobody/activities.as": 404, "/users/ann/activities.as?type=both": 400,
		"/users/ann/flattrs?count=0": 400, "/users/ann/flattrs?count=x": 400, "/users/ann/flattrs?page=-1": 400, "/users/ann/flattrs?page=99999999999999": 400, "/users/ann/flattrs?count=2147483647&page=2147483647": 400,
		"/users/ann/flattrs?count=5000": 200, "/users/ann/flattrs?page=1000": 200, "/categories?x=%ff": 400, "/categories?x=%zz": 200,
		"/things/" + strings.Repeat("1,", 101): 400,
	} {
		w := d.ask("GET", path, "")
		if w.Code != want {
			t.Errorf("GET %s = %d %s, want %d", path, w.Code, w.Body, want)
		}
		if kind := w.Header().Get("Content-Type"); strings.Contains(kind, "html") || w.Code >= 400 && !json.Valid(w.Body.Bytes()) && !strings.Contains(kind, "xml") {
			t.Errorf("GET %s answers %s: %s", path, kind, w.Body)
		}
	}
	for _, path := range []string{"//rest/v2/users/ann.xml", "/rest//v2/users/ann.xml", "/./rest/v2/users/ann.xml", "/x/../rest/v2//users/ann.xml/", "/%72est/v2/users/ann.xml"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://ledger.example"+path, nil)
		w := httptest.NewRecorder()
		if d.handler.ServeHTTP(w, r); w.Code != 200 || w.Header().Get("Content-Type") != "application/xml; charset=utf-8" {
			t.Errorf("GET %s = %d %s", path, w.Code, w.Body)
		}
	}
	if w := d.ask("HEAD", "/things/4711", ""); w.Code != 200 {
		t.Errorf("HEAD = %d", w.Code)
	}
	if w := d.ask("OPTIONS", "/things/4711", ""); w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "GET, HEAD") || w.Body.Len() > 0 {
		t.Errorf("OPTIONS = %d %v", w.Code, w.Header())
	}
	if w := d.ask("PUT", "/users/ann", ""); w.Code != 405 || !strings.Contains(w.Header().Get("Allow"), "GET") {
		t.Errorf("PUT /users/ann = %d %v", w.Code, w.Header())
	}
	if w := d.ask("POST", "/users/ann", "_method=delete", "Content-Type: application/x-www-form-urlencoded"); w.Code != 405 {
		t.Errorf("POST as DELETE = %d", w.Code)
	}
}

func TestFormats(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2": "application/json", "application/json": "application/json",
		"text/xml": "application/xml", "application/xml;q=0.9, application/json;q=0.5": "application/xml", "application/x-yaml": "application/yaml", "text/javascript, */*;q=0.1": "application/json",
		"application/xml;q=0, application/json": "application/json", "application/*": "application/json", "\x00;;;,application/xml": "application/xml",
	} {
		w := d.ask("GET", "/things/4711", "", "Accept: "+accept)
		if kind := w.Header().Get("Content-Type"); w.Code != 200 || kind != want+"; charset=utf-8" {
			t.Errorf("Accept %q = %d %s, want %s", accept, w.Code, kind, want)
		}
	}
	for _, accept := range []string{"text/html", "image/png, text/css", ";", "application/json;q=0", "application/atom+xml"} {
		d.wants(d.ask("GET", "/things/4711", "", "Accept: "+accept), http.StatusNotAcceptable, "not_acceptable")
	}
	if w := d.ask("GET", "/things/4711.json", "", "Accept: text/html"); w.Code != 200 {
		t.Errorf("a suffix goes before Accept: %d", w.Code)
	}
	if w := d.ask("GET", "/users/ann/activities", "", "Accept: application/atom+xml"); w.Header().Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Errorf("activities = %s", w.Header())
	}
}

func TestJSONP(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	w := d.ask("GET", "/categories?jsonp=my.call_$1", "")
	if !strings.HasPrefix(w.Body.String(), `/**/my.call_$1([{"id":"text"`) || !strings.HasSuffix(w.Body.String(), ");") || w.Header().Get("Content-Type") != "application/javascript; charset=utf-8" {
		t.Errorf("JSONP = %v %s", w.Header(), w.Body)
	}
	for _, callback := range []string{"alert(1)//", "a-b", "1a", "<script>", strings.Repeat("a", 65), "a\n", "%E2%80%A8"} {
		d.wants(d.ask("GET", "/categories?jsonp="+strings.NewReplacer("<", "%3C", ">", "%3E", "\n", "%0A").Replace(callback), ""), http.StatusBadRequest, "invalid_parameters")
	}
	d.wants(d.ask("GET", "/categories?jsonp=f", "", "Authorization: Bearer ann:"), http.StatusBadRequest, "invalid_request")
	if w := d.ask("GET", "/users/ann.xml?jsonp=f", ""); w.Code != 400 || !strings.Contains(w.Body.String(), "<error>invalid_request</error>") {
		t.Errorf("JSONP of XML = %d %s", w.Code, w.Body)
	}
}

func TestTokens(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for _, header := range []string{"Digest eA==", "Bearer", "Bearer ", "Bearer nonsense", "Bearer " + strings.Repeat("a:", 200), "ann:", "Bearer ann:companion"} {
		got := d.wants(d.ask("GET", "/categories", "", "Authorization: "+header), http.StatusUnauthorized, "unauthorized")
		if got["error_description"] != "You are unauthorized to access the resource" {
			t.Errorf("%s: %v", header, got)
		}
	}
	if w := d.ask("GET", "/user", ""); w.Header().Get("WWW-Authenticate") == "" {
		t.Error("a request without token is not asked for one")
	}
	if w := d.ask("GET", "/user", "", "Authorization: bearer ann:"); w.Code != 200 {
		t.Errorf("bearer in lower case = %d", w.Code)
	}
	for _, cookie := range []string{"flattr_session", "__Host-flattr_session", "session", "token", "access_token", "Authorization"} {
		if w := d.ask("GET", "/user?access_token=ann:&token=ann:&oauth_token=ann:", "", "Cookie: "+cookie+"=ann:"); w.Code != 401 {
			t.Errorf("a token in the address or in the cookie %s = %d", cookie, w.Code)
		}
		if w := d.ask("GET", "/things/4711", "", "Cookie: "+cookie+"=ann:flattr"); w.Code != 200 || strings.Contains(w.Body.String(), "flattred") {
			t.Errorf("an answer depends on the cookie %s: %s", cookie, w.Body)
		}
	}
}

func TestAnswersArePackedAndOpenToAllPages(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	plain := d.ask("GET", "/languages", "", "Accept-Encoding: br, gzip;q=0")
	packed := d.ask("GET", "/languages", "", "Accept-Encoding: deflate, gzip;q=0.5")
	if plain.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("encodings %v, %v", plain.Header(), packed.Header())
	}
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || string(text) != plain.Body.String() {
		t.Errorf("unpacked %q, %v", text, err)
	}
	for _, path := range []string{"/languages", "/nothing", "/user"} {
		h := d.ask("GET", path, "", "Origin: https://page.example").Header()
		if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

func TestPages(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	ids := func(path string) (all []string) {
		var things []struct {
			ID int64 `json:"id"`
		}
		if err := json.Unmarshal(d.ask("GET", path, "").Body.Bytes(), &things); err != nil {
			t.Fatal(err)
		}
		for _, thing := range things {
			all = append(all, fmt.Sprint(thing.ID))
		}
		return all
	}
	for path, want := range map[string]string{
		"/users/bob/things": "[4712 4711]", "/users/bob/things?count=1": "[4712]", "/users/bob/things?count=1&page=2": "[4711]", "/users/bob/things?count=1&page=3": "[]",
	} {
		if got := fmt.Sprint(ids(path)); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

// said is a header with its name as it is written.
func said(h http.Header, name string) string { return strings.Join(h[name], ",") }

func TestRateLimit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		d := newDesk(t, where)
		d.member("ann")
		other := d.process()
		beside := other.Before(http.NotFoundHandler())
		merge := func() {
			t.Helper()
			for _, s := range []*Server{d.server, other} {
				if err := s.rates.merge(t.Context(), d.now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		const token = "Authorization: Bearer ann:"
		for range hourlyLimit / 2 {
			d.ask("GET", "/categories", "", token)
			d.askOf(beside, "GET", "/categories", "", token)
		}
		h := d.ask("GET", "/rate_limit", "", token).Header()
		if said(h, "X-RateLimit-Current") != "500" || said(h, "X-RateLimit-Remaining") != "500" || said(h, "X-RateLimit-Limit") != "1000" || said(h, "X-RateLimit-Reset") != fmt.Sprint(start.Add(time.Hour).Unix()) {
			t.Errorf("before merging: %v", h)
		}
		merge()
		d.ask("GET", "/categories", "", token) // is refused or not, as processes have told each other
		merge()
		got := d.wants(d.ask("GET", "/categories", "", token), http.StatusForbidden, "rate_limit_exceeded")
		d.wants(d.askOf(beside, "GET", "/categories", "", token), http.StatusForbidden, "rate_limit_exceeded")
		if left := d.wants(d.ask("GET", "/rate_limit", "", token), 200, ""); left["remaining_hits"] != 0.0 || left["reset_time"] != "Sun, 22 Nov 2026 13:00:00 +0000 GMT" {
			t.Errorf("left = %v after %v", left, got)
		}
		if w := d.ask("GET", "/categories", ""); w.Code != 200 || said(w.Header(), "X-RateLimit-Current") != "1" {
			t.Errorf("an address is counted with a token: %d %v", w.Code, w.Header())
		}
		for range hourlyLimit {
			d.ask("GET", "/rate_limit", "", "Authorization: Bearer guessed") // is one address
		}
		d.wants(d.ask("GET", "/categories", "", "Authorization: Bearer guessed"), http.StatusForbidden, "rate_limit_exceeded")
		d.pass(time.Hour)
		if w := d.ask("GET", "/categories", "", token); w.Code != 200 || said(w.Header(), "X-RateLimit-Current") != "1" {
			t.Errorf("in the next hour: %d %v", w.Code, w.Header())
		}
		merge()
		var rows int
		if err := storetest.DB(t, where).QueryRow("SELECT COUNT(*) FROM rest_hits").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d rows are kept of all hours, %v, want 1", rows, err)
		}
	})
}

// TestRateLimitCountsNetworks holds that nobody has a thousand requests for each
// of the addresses that a network of IPv6 has.
func TestRateLimitCountsNetworks(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	counts := []string{}
	for _, from := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"} {
		counts = append(counts, said(d.ask("GET", "/categories", "", "X-Forwarded-For: "+from).Header(), "X-RateLimit-Current"))
	}
	if got := strings.Join(counts, " "); got != "1 2 1 1 2 1" {
		t.Errorf("counted %s", got)
	}
}

func TestPanicsAndBrokenStoresAnswerInJSON(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	d.server.routes = append(d.server.routes, route{
		Method: http.MethodGet, Pattern: "/broken", segments: []string{"broken"},
		handle: func(*call) (any, error) { panic("something of the program's inside") },
	})
	w := d.ask("GET", "/broken", "")
	d.wants(w, http.StatusInternalServerError, "server_error")
	if strings.Contains(w.Body.String(), "inside") || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("the answer says too much: %s", w.Body)
	}
	d.sql("DROP TABLE profile")
	w = d.ask("GET", "/users/ann", "")
	d.wants(w, http.StatusInternalServerError, "server_error")
	if strings.Contains(w.Body.String(), "profile") {
		t.Errorf("the answer says too much: %s", w.Body)
	}
}

// bodies are sent to a route that answers what it was sent.
func (d *desk) echo() {
	d.server.routes = append(d.server.routes, route{
		Method: http.MethodPost, Pattern: "/echo", segments: []string{"echo"},
		handle: func(c *call) (any, error) {
			return struct {
				Fields fields   `json:"fields"`
				Items  []fields `json:"items,omitempty"`
			}{c.sent.fields, c.items()}, nil
		},
	}, route{
		Method: http.MethodPatch, Pattern: "/echo", segments: []string{"echo"},
		handle: func(c *call) (any, error) {
			tags, _ := c.list("tags")
			return tags, nil
		},
	})
}

func TestBodies(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	d.member("ann")
	d.echo()
	const form, js = "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json; charset=utf-8"
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	_, _ = packer.Write([]byte(`{"url":"x"}`))
	_ = packer.Close()
	var bomb bytes.Buffer
	packer = gzip.NewWriter(&bomb)
	_, _ = packer.Write(make([]byte, maxBodyBytes+1))
	_ = packer.Close()
	for _, test := range []struct {
		body   string
		header []string
		status int
		want   string
	}{
		{"url=x&tags=a&tags=b", []string{form}, 200, `{"fields":{"tags":["a","b"],"url":["x"]}}`},
		{"tags[]=a&tags[]=b", nil, 200, `{"fields":{"tags":["a","b"]}}`},
		{`{"url":"x","hidden":true,"n":1e3,"none":null,"tags":["a",1,[2]],"deep":{"a":1}}`, []string{js}, 200, `{"fields":{"hidden":["true"],"n":["1e3"],"tags":["a","1"],"url":["x"]}}`},
		{` {"url":"x"}`, []string{form}, 200, `{"fields":{"url":["x"]}}`},
		{`[{"url":"x"},{"url":"y"}]`, []string{js}, 200, `{"fields":null,"items":[{"url":["x"]},{"url":["y"]}]}`},
		{packed.String(), []string{js, "Content-Encoding: gzip"}, 200, `{"fields":{"url":["x"]}}`},
		{"", []string{js}, 200, `{"fields":null}`},
		{bomb.String(), []string{js, "Content-Encoding: gzip"}, 413, "invalid_request"},
		{"not packed", []string{js, "Content-Encoding: gzip"}, 400, "invalid_request"},
		{`{"url":"x"}`, []string{js, "Content-Encoding: utf-8"}, 200, `{"fields":{"url":["x"]}}`},
		{"x", []string{js, "Content-Encoding: br"}, 415, "invalid_request"},
		{"url=" + strings.Repeat("x", maxBodyBytes), []string{form}, 413, "invalid_request"},
		{"<url/>", []string{"Content-Type: application/xml"}, 415, "invalid_request"},
		{"x", []string{"Content-Type: ;;"}, 415, "invalid_request"},
		{`{"url":`, []string{js}, 400, "invalid_request"},
		{`{} {}`, []string{js}, 400, "invalid_request"},
		{`"url"`, []string{js}, 400, "invalid_request"},
		{`[1]`, []string{js}, 400, "invalid_request"},
		{strings.Repeat("[", 100_000), []string{js}, 400, "invalid_request"},
		{`{"a":` + strings.Repeat("[", 20_000), []string{js}, 400, "invalid_request"},
		{"url=%zz&n=100%", []string{form}, 200, `{"fields":{"n":["100%"],"url":["%zz"]}}`},
		{"url=%ff", []string{form}, 400, "validation"},
		{"url=%00", []string{form}, 400, "validation"},
		{"{\"url\":\"\xff\"}", []string{js}, 400, "validation"},
		{`{"url":"\u0000"}`, []string{js}, 400, "validation"},
	} {
		w := d.ask("POST", "/echo", test.body, append(test.header, byAnn)...)
		if test.status == 200 {
			if got := w.Body.String(); w.Code != 200 || got != test.want {
				t.Errorf("%.60q = %d %s, want %s", test.body, w.Code, got, test.want)
			}
			continue
		}
		d.wants(w, test.status, test.want)
	}
	for _, w := range []string{
		d.ask("PATCH", "/echo", "tags=a, b,,c", form, byAnn).Body.String(), d.ask("POST", "/echo?_method=PATCH", `{"tags":["a","b","c"]}`, js, byAnn).Body.String(),
		d.ask("POST", "/echo", "tags=a&tags=b,c&_method=patch", form, byAnn).Body.String(),
	} {
		if w != `["a","b","c"]` {
			t.Errorf("tags = %s", w)
		}
	}
}

// TestBodiesCostNoMemory holds that nobody's body is read without a token, and
// that with one it cannot hold what takes many times its bytes in memory.
func TestBodiesCostNoMemory(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	many := "[" + strings.Repeat("{},", maxBodyBytes/3-1) + "{}]"
	for path, want := range map[string]int{"/flattr/bulk": http.StatusUnauthorized, "/things/4711": http.StatusUnauthorized, "/users/ann": http.StatusMethodNotAllowed} {
		read := strings.NewReader(many)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://ledger.example"+Base+path, read)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if d.handler.ServeHTTP(w, r); w.Code != want || read.Len() != len(many) {
			t.Errorf("POST %s without a token = %d after %d bytes, want %d after none", path, w.Code, len(many)-read.Len(), want)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d.wants(d.ask("POST", "/flattr/bulk", many, byAnn, isJSON), http.StatusBadRequest, "invalid_request")
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 16*maxBodyBytes {
		t.Errorf("a body of 1 MiB took %d bytes", after.TotalAlloc-before.TotalAlloc)
	}
}

// TestWhatIsRefusedCounts holds that every answer but a preflight says how many
// requests are left, and takes one.
func TestWhatIsRefusedCounts(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	for i, path := range []string{"/nothing", "/users/ann.atom", "/categories?jsonp=%28", "/a/b/c/d/e/f/g/h/i/j", "/users/%ff"} {
		if got := said(d.ask("GET", path, "").Header(), "X-RateLimit-Current"); got != strconv.Itoa(i+1) {
			t.Errorf("GET %s: X-RateLimit-Current %q, want %d", path, got, i+1)
		}
	}
	if w := d.ask("OPTIONS", "/users/ann/activities", "", "Accept: text/html"); w.Code != http.StatusNoContent {
		t.Errorf("a preflight = %d", w.Code)
	}
	if w := d.ask("GET", "/nothing?jsonp=call", ""); !strings.HasPrefix(w.Body.String(), `/**/call({"error":"not_found"`) {
		t.Errorf("JSONP of nothing = %d %s", w.Code, w.Body)
	}
}
