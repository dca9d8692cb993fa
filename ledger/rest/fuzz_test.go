package rest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// FuzzBody holds that whatever is sent is text in the end, or is refused in words.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{"url=x&tags[]=a", `{"url":"x","n":1,"deep":{"a":[1]}}`, `[{"url":"x"}]`, "%ff", "\xff", `{"a":"\ud800"}`, "{", "[[[["} {
		f.Add("", []byte(seed))
		f.Add("application/json", []byte(seed))
		f.Add("application/x-www-form-urlencoded", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		sent, err := decodeBody(kind, raw)
		var p *problem
		if err != nil {
			if !errors.As(err, &p) || p.status < 400 || p.status > 499 {
				t.Fatalf("decodeBody(%q, %q) = %v", kind, raw, err)
			}
			return
		}
		for _, all := range append(sent.items, sent.fields) {
			for name, values := range all {
				for _, value := range append(values, name) {
					if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 {
						t.Fatalf("decodeBody(%q, %q) lets %q through", kind, raw, value)
					}
				}
			}
		}
	})
}

// FuzzAccept holds that an answer is in a format that is offered.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/xml;q=0.5, application/json;q=NaN", ";q=", "a/b;q=1e400"} {
		f.Add("", seed)
		f.Add("atom", seed)
	}
	f.Fuzz(func(t *testing.T, suffix, accept string) {
		for _, own := range [][]string{nil, activityFormats} {
			format, err := formatOf(suffix, []string{accept}, own)
			offered := own
			if own == nil {
				offered = usualFormats
			}
			if (err == nil) != slices.Contains(offered, format) {
				t.Fatalf("formatOf(%q, %q) = %q, %v", suffix, accept, format, err)
			}
		}
	})
}

// FuzzPath holds that no path and no query breaks what reads them.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/things/1,2.json", "/users/%2e%2e/things", "/", "//", "/users/\u00e4.xml", "/things/.json", "/users/a.json.xml"} {
		f.Add(seed, "count=1&page=2&full")
	}
	s := &Server{}
	s.routes = s.table()
	f.Fuzz(func(t *testing.T, path, query string) {
		u := &url.URL{Path: path, RawQuery: query}
		r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
		found, suffix := s.match(u.EscapedPath())
		if _, known := formats[suffix]; suffix != "" && !known {
			t.Fatalf("match(%q) has the suffix %q", path, suffix)
		}
		c := &call{server: s, r: r, query: queryOf(query, found.named(http.MethodGet)), args: found.args, format: formatJSON}
		if limit, offset, err := c.page(); err == nil && (limit < 1 || limit > maxCount || offset < 0 || offset > maxOffset) {
			t.Fatalf("page(%q) = %d, %d", query, limit, offset)
		}
		ids, _, err := c.ids()
		if err == nil && len(ids) > maxIDs {
			t.Fatalf("%d ids", len(ids))
		}
		if name, err := callbackOf(c); err == nil && strings.ContainsAny(name, "<>()\"'\n ;/") {
			t.Fatalf("callback %q", name)
		}
		_ = c.checkAddress()
	})
}

// FuzzQuery holds that no query is refused, that what is escaped is read as it
// was meant, and that a URL which is not escaped comes out whole.
func FuzzQuery(f *testing.F) {
	f.Add("url=https://bob.example/?a=1&b=2;c%&jsonp=f", "https://bob.example/100%?a=1&b=2+3")
	f.Add("url=http://flattr.com/submit/auto?user_id=bob&url=https%3A%2F%2Fbob.example%2F", "https://bob.example/%zz;")
	f.Add("&&=;%", "https://bob.example/?full=1&_=2")
	f.Fuzz(func(t *testing.T, query, address string) {
		for _, rt := range []*route{nil, &lookupRoutes[0], &searchRoutes[0]} {
			values := queryOf(query, rt)
			if again := queryOf(values.Encode(), rt); !maps.EqualFunc(values, again, slices.Equal) {
				t.Fatalf("%q is %v, and escaped anew %v", query, values, again)
			}
			if got := queryOf("url="+url.QueryEscape(address)+"&jsonp=f", rt); got.Get("url") != address || got.Get("jsonp") != "f" {
				t.Fatalf("%q comes out as %v", address, got)
			}
		}
		plain := "https://bob.example/?" + address
		if strings.Contains(plain, "#") || strings.Contains(strings.ToLower(plain), "%25") || strings.Contains(plain, "jsonp") || strings.Contains(plain, "&_") || strings.Contains(plain, "full") {
			return // this says more than a URL
		}
		if got := queryOf("url="+plain+"&jsonp=f", &lookupRoutes[0]); got.Get("url") != plain || got.Get("jsonp") != "f" {
			t.Fatalf("%q, not escaped, comes out as %v", plain, got)
		}
	})
}

// FuzzIDs holds that ids are ids, as many as can be asked for, whatever is
// between the commas.
func FuzzIDs(f *testing.F) {
	for _, seed := range []string{"1", "1,2", ",", "0", "-1,x", "4503599627370497", " 7 ,8", strings.Repeat("1,", maxIDs+1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c := &call{args: map[string]string{"id": raw}}
		ids, several, err := c.ids()
		if err != nil && statusOf(err) != http.StatusNotFound && statusOf(err) != http.StatusBadRequest {
			t.Fatalf("ids(%q) = %v", raw, err)
		}
		if err == nil && (several != strings.Contains(raw, ",") || !several && len(ids) != 1 || len(ids) > maxIDs) {
			t.Fatalf("ids(%q) = %v, %v", raw, ids, several)
		}
		for _, id := range ids {
			if id < 1 || id > flattr.MaxID {
				t.Fatalf("ids(%q) has %d", raw, id)
			}
		}
	})
}

// FuzzCallback holds that what stands before the bracket of JSONP is the name of
// a function, and that nobody with a token gets one.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{"f", "jQuery1_2.call", "alert(1)//", "\u2028", "a\n", "<script>", "$", strings.Repeat("a", 65)} {
		f.Add(seed, "")
		f.Add(seed, "Bearer x")
	}
	f.Fuzz(func(t *testing.T, name, token string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{"Authorization": {token}}}
		got, err := callbackOf(&call{r: r, query: url.Values{"jsonp": {name}}, format: formatJSON})
		plain := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.") == ""
		if err == nil && (got != name || name != "" && token != "" || !plain || len(name) > 64) {
			t.Fatalf("callback %q with the token %q is %q", name, token, got)
		}
	})
}

// FuzzEncode holds that every text comes out of JSON and XML as it went in, or
// mended where XML cannot say it.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "a/b", "<&>\"'", "\u2028\ufeff\x7f\u0085", "\xff\x00", "- a: b\n\t#"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := struct {
			Title string   `json:"title"`
			Tags  []string `json:"tags"`
		}{text, []string{text}}
		raw, err := encode(formatJSON, "thing", value)
		if err != nil {
			t.Fatal(err)
		}
		back := value
		if err := json.Unmarshal(raw, &back); err != nil || back.Title != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Fatalf("%q is %q after JSON, %v", text, back.Title, err)
		}
		if strings.Contains(strings.ReplaceAll(string(raw), `\/`, ""), "/") {
			t.Fatalf("a bare slash in %s", raw)
		}
		raw, err = encode(formatXML, "thing", value)
		if err != nil {
			t.Fatal(err)
		}
		for decoder := xml.NewDecoder(strings.NewReader(string(raw))); err == nil; _, err = decoder.Token() {
		}
		if err != io.EOF {
			t.Fatalf("%q is not well-formed in XML: %v\n%s", text, err, raw)
		}
		raw, err = encode(formatYAML, "thing", value)
		if err != nil || len(strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")) != 4 {
			t.Fatalf("%q breaks the lines of YAML: %q, %v", text, raw, err)
		}
	})
}
