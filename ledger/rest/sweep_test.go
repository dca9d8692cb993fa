package rest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"flattr/ledger/store/storetest"
)

// What the sweep puts together to requests. The first of each is what a client
// would send.
var (
	sweptMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "_"}
	sweptIDs     = []string{"4711", "99", "0", "x", "4711,4712", ",,,", "%ff", "%00", "99999999999999999999", "4711.json", "..%2f..", strings.Repeat("9,", 150)}
	sweptNames   = []string{"ann", "nobody", "%ff", "%00", "..", "%2e%2e%2fuser", "unclaimed", "%3Cscript%3E", "ann.xml", strings.Repeat("a", 3000)}
	sweptQueries = []string{
		"", "full", "count=-1", "page=99999999999999999999", "jsonp=%3Cscript%3E", "jsonp=call", "_method=DELETE", "%ff=%ff", "url=javascript:alert(1)", "url=%", "a=%zz&b=%00",
		"url=https://long.example/" + strings.Repeat("x", 10_000), "url=https://[::1", "url=http://flattr.com/submit/auto", "q=https://ledger.example/thing/99",
		"tags=!!((|", "query=%22*)(%27%00", "query=%22%2A)(%27--", "sort=%22", "language=,,,&category=,,", "type=both", strings.Repeat("a=b&", 2000), "count[]=1&count[]=2",
	}
	sweptHeaders = []string{
		"", "Accept: text/html", "Accept: \x00;;;q=", "Accept: application/xml", "Accept: application/x-yaml;q=1e400", "Accept: */*;q=0", "Accept: text/plain", "Accept: application/atom+xml",
		"Authorization: Bearer ann:flattr thing email extendedread", "Authorization: Bearer bob:flattr thing", "Authorization: Bearer ann:", "Authorization: Bearer nonsense", "Authorization: Basic %%%",
		"Authorization: Bearer " + strings.Repeat("x", 10_000), "Authorization: \xff\xfe", "Cookie: flattr_session=ann; __Host-session=ann", "Content-Encoding: gzip", "Content-Encoding: br",
		"X-Http-Method-Override: DELETE", "Range: bytes=0-0", "If-None-Match: *", "If-Modified-Since: Sun, 22 Nov 2099 12:00:00 GMT", "Accept-Encoding: gzip;q=x,*;q=", "Origin: null", "X-Forwarded-For: \x00",
	}
	sweptKinds  = []string{"application/json", "application/x-www-form-urlencoded", "", "text/xml", "multipart/form-data; boundary=x", ";;", "application/json; charset=\xff", "application/vnd.api+json"}
	sweptBodies = []string{
		"", "{}", "{", "[]", "[[1]]", "[{}]", "null", `"x"`, "\xff\xfe", "\x00", "url=%zz", "url=%ff", "_method=patch&title=x", "_method=delete", `{"_method":"put"}`,
		`{"url":"javascript:alert(1)"}`, `{"url":"https://x/\ud800"}`, `{"url":"https://long.example/` + strings.Repeat("x", 10_000) + `"}`, `{"url":{"a":["b"]}}`, `{"url":["a","b"]}`, `{"url":1e999}`,
		`[{"url":"https://flattr.com/submit/auto?url=javascript:alert(1)"}]`, `{"title":"` + strings.Repeat("\u202e", 2000) + `"}`, `{"tags":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`,
		`{"hidden":"maybe","category":"<b>","language":"'--"}`, `{"identity":"partner:player:\u0000"}`, `{"months":"3; DROP TABLE thing"}`, "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
		"url=" + strings.Repeat("x", maxBodyBytes),
	}
)

// TestHostileSweep puts strange requests to every route with every method: each
// is answered in the shape of the interface, by nothing that a browser shows as
// a page, and none makes the ledger fail.
func TestHostileSweep(t *testing.T) {
	d := newGoldenDesk(t, storetest.SQLite(t))
	paths := []string{}
	for _, rt := range d.server.routes {
		if !slices.Contains(paths, rt.Pattern) {
			paths = append(paths, rt.Pattern)
		}
	}
	paths = append(paths, "/nothing", "", "/users", "/things/lookup/x", "/../../etc/passwd", "/things/4711/flattr/flattr")
	random := rand.New(rand.NewPCG(2, 2010))
	owner := slices.Index(sweptHeaders, "Authorization: Bearer bob:flattr thing")
	asked := 0
	// Each of one kind, with what a client would send of the others, and then at random.
	for _, path := range paths {
		found, _ := d.server.match(path)
		for _, method := range sweptMethods {
			kinds := [5]int{len(sweptQueries), max(len(sweptIDs), len(sweptNames)), len(sweptKinds), len(sweptHeaders), len(sweptBodies)}
			for kind, all := range kinds {
				if found.named(method) == nil {
					all = 2
				}
				for i := range all {
					chosen := [5]int{3: owner}
					chosen[kind] = i
					d.sweep(&asked, method, path, chosen)
				}
			}
		}
	}
	for range 6000 {
		d.sweep(&asked, sweptMethods[random.IntN(len(sweptMethods))], paths[random.IntN(len(paths))],
			[5]int{random.IntN(100), random.IntN(100), random.IntN(100), random.IntN(100), random.IntN(100)})
	}
	if asked < 10_000 {
		t.Errorf("only %d requests were made", asked)
	}
}

// sweep puts one request together of the query, the argument of the path, the type
// of the body, the header and the body that were chosen, and judges its answer.
func (d *desk) sweep(asked *int, method, pattern string, chosen [5]int) {
	d.t.Helper()
	query, argument, kind, header, body := chosen[0], chosen[1], chosen[2], chosen[3], chosen[4]
	pick := func(list []string, n int) string { return list[n%len(list)] }
	path := strings.NewReplacer(":id", pick(sweptIDs, argument), ":name", pick(sweptNames, argument)).Replace(pattern)
	raw, err := url.ParseRequestURI("/rest/v2" + path + "?" + pick(sweptQueries, query))
	if err != nil {
		return // net/http refuses it before any handler
	}
	r := httptest.NewRequestWithContext(d.t.Context(), http.MethodGet, "/", strings.NewReader(pick(sweptBodies, body)))
	r.Method, r.URL = method, raw
	r.Header.Set("Content-Type", pick(sweptKinds, kind))
	*asked++
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", *asked>>16&255, *asked>>8&255, *asked&255)) // nobody's hour is used up
	if name, value, ok := strings.Cut(pick(sweptHeaders, header), ": "); ok {
		r.Header.Set(name, value)
	}
	if *asked%hourlyLimit == 0 {
		d.pass(time.Hour) // nor that of a token
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if wrong := misshapen(method, w); wrong != "" {
		d.t.Errorf("%s %.200s, %.80q, %.80q, %.80q = %d %v %.300s: %s", method, raw, r.Header.Get("Content-Type"), pick(sweptHeaders, header), pick(sweptBodies, body), w.Code, w.Header(), w.Body, wrong)
	}
}

// misshapen says what of an answer is not as the interface answers; "": nothing.
func misshapen(method string, w *httptest.ResponseRecorder) string {
	h, text := w.Header(), w.Body.String()
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type")) // none, where nothing is answered
	switch {
	case w.Code >= 500:
		return "the ledger failed"
	case h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store":
		return "a header lacks that every answer has"
	case h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || h.Get("Set-Cookie") != "":
		return "a page could make use of it"
	case strings.Contains(media, "html") || strings.Contains(strings.ToLower(text), "<html") || strings.Contains(text, "goroutine ") || strings.Contains(text, ".go:"):
		return "this is for no client"
	case method == http.MethodOptions && w.Code == http.StatusNoContent:
		if !strings.Contains(h.Get("Access-Control-Allow-Methods"), "OPTIONS") || text != "" {
			return "this is no answer to a preflight"
		}
	case w.Code == http.StatusNoContent:
		if text != "" {
			return "nothing has a body"
		}
	case h.Get("Content-Encoding") == "" && w.Code >= 400 && w.Code != http.StatusPaymentRequired:
		return misshapenError(media, text)
	}
	return ""
}

// misshapenError says what of an error is not as the interface says errors.
func misshapenError(media, text string) string {
	var said struct {
		XMLName     xml.Name `json:"-" yaml:"-"`
		Error       string   `json:"error" xml:"error" yaml:"error"`
		Description string   `json:"error_description" xml:"error_description" yaml:"error_description"`
		URI         string   `json:"error_uri" xml:"error_uri" yaml:"error_uri"`
	}
	var err error
	switch media {
	case "application/json":
		err = json.Unmarshal([]byte(text), &said)
	case "application/xml":
		err = xml.Unmarshal([]byte(text), &said)
	case "application/yaml":
		err = yaml.Unmarshal([]byte(text), &said)
	default:
		return "errors are not said as " + media
	}
	known := slices.ContainsFunc(errorKinds, func(k errorKind) bool { return k.Code == said.Error })
	if err != nil || !known || !strings.Contains(said.Description, " ") || !strings.HasSuffix(said.URI, "#"+said.Error) {
		return fmt.Sprintf("this is no error: %+v, %v", said, err)
	}
	return ""
}
