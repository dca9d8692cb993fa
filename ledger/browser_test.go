package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is a reader's browser without a screen: it keeps cookies, reads
// pages and sends the forms that it finds in them.
type browser struct {
	t      *testing.T
	origin string
	client *http.Client
	lang   string
	agent  string // as which it says it is; "" as Go does

	status int
	at     *url.URL   // address of the page
	text   string     // its source
	page   *html.Node // the same, parsed
}

func newBrowser(t *testing.T, origin string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("cookie jar: %v", err)
	}
	b := &browser{t: t, origin: origin, lang: "en", client: &http.Client{Jar: jar}}
	// The companion's listener is not there: the browser stops at its address.
	b.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), origin) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

func (b *browser) do(method, path string, form url.Values) *http.Response {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	if method == http.MethodGet && form != nil {
		path, body = path+"?"+form.Encode(), nil
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.origin+path, body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	r.Header.Set("Accept-Language", b.lang)
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	b.status, b.at, b.text = resp.StatusCode, resp.Request.URL, string(raw)
	if b.page, err = html.Parse(strings.NewReader(b.text)); err != nil {
		b.t.Fatalf("parse %s: %v", path, err)
	}
	return resp
}

func (b *browser) get(path string) *http.Response { return b.do(http.MethodGet, path, nil) }

// submit fills in the form with that id and sends it, with the hidden fields
// and defaults it has.
func (b *browser) submit(id string, fill map[string]string) *http.Response {
	b.t.Helper()
	form := b.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "id") == id })
	if form == nil {
		b.t.Fatalf("no form %q on %s:\n%s", id, b.at, b.text)
	}
	return b.send(form, fill)
}

func (b *browser) send(form *html.Node, fill map[string]string) *http.Response {
	b.t.Helper()
	values, known := url.Values{}, map[string]bool{"decision": true}
	for n := range form.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "input":
			known[attr(n, "name")] = true
			if attr(n, "type") != "radio" || has(n, "checked") {
				values.Set(attr(n, "name"), attr(n, "value"))
			}
		case n.Data == "select", n.Data == "textarea":
			known[attr(n, "name")] = true
		}
	}
	for name, value := range fill {
		if !known[name] {
			b.t.Fatalf("form %q has no field %q", attr(form, "id"), name)
		}
		values.Set(name, value)
	}
	return b.do(strings.ToUpper(attr(form, "method")), attr(form, "action"), values)
}

// find is the first element of the page that fits, or nil.
func (b *browser) find(fits func(*html.Node) bool) *html.Node {
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			return n
		}
	}
	return nil
}

// all are the values of an attribute on all elements that have it.
func (b *browser) all(name string) []string {
	var values []string
	for n := range b.page.Descendants() {
		if value := attr(n, name); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// wants fails unless the page shows all of these texts.
func (b *browser) wants(texts ...string) {
	b.t.Helper()
	shown := words(b.page)
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.t.Errorf("%s does not show %q:\n%s", b.at, text, shown)
		}
	}
}

// words is the text of a page as a reader sees it.
func words(page *html.Node) string {
	var text strings.Builder
	for n := range page.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
			text.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
