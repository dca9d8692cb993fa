package claim

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"flattr/ledger/flattr"
)

func parsed(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func isFlattr(host string) bool { return host == "flattr.com" || host == "api.flattr.com" }

func TestWhomAPageNames(t *testing.T) {
	const submit = "https://flattr.com/submit/auto?url=https%3A%2F%2Fbob.test%2F1&amp;user_id="
	for what, c := range map[string]struct {
		page string
		want names
	}{
		"meta":                    {`<head><meta name="flattr:id" content="abc123">`, names{id: "abc123"}},
		"the first wins":          {`<meta name="flattr:id" content="abc123"><meta name="flattr:id" content="zzz999">`, names{id: "abc123"}},
		"none":                    {`<meta name="flattr:id" content="none">`, names{id: "none"}},
		"not in the body":         {`<head></head><meta name="flattr:id" content="abc123">`, names{}},
		"not in a comment":        {`<body><div class="comment"><meta name="flattr:id" content="abc123"></div>`, names{}},
		"not after text":          {`<html>hello<meta name="flattr:id" content="abc123">`, names{}},
		"not in an HTML comment":  {`<head><!-- <meta name="flattr:id" content="abc123"> -->`, names{}},
		"not in a script":         {`<head><script>"<meta name='flattr:id' content='abc123'>"</script>`, names{}},
		"not in a title":          {`<head><title><meta name="flattr:id" content="abc123"></title>`, names{}},
		"not in a template":       {`<head><template><meta name="flattr:id" content="abc123"></template>`, names{}},
		"after a title":           {"<head>\n<title>Bob's</title>\n<meta name=\"flattr:id\" content=\"abc123\">", names{id: "abc123"}},
		"no id":                   {`<meta name="flattr:id" content="[YOUR ID]">`, names{}},
		"payment link":            {`<head><link rel="payment" href="` + submit + `bob">`, names{payment: []string{"bob"}}},
		"payment of another page": {`<head><link rel="payment" href="` + strings.Replace(submit, "bob.test", "eve.test", 1) + `bob">`, names{}},
		"payment to a stranger":   {`<head><link rel="payment" href="` + strings.Replace(submit, "flattr.com", "flattr.com.evil.test", 1) + `bob">`, names{}},
		"payment in the body":     {`<body><link rel="payment" href="` + submit + `bob">`, names{}},
		"a link in a comment":     {`<body><a href="` + submit + `mallory">`, names{}},
		"button":                  {`<a class="x FlattrButton" href="/1" data-flattr-uid="bob">`, names{buttons: []string{"bob"}}},
		"button by rev":           {`<a class="FlattrButton" href="https://bob.test/1" rev="flattr;uid:bob;category:text">`, names{buttons: []string{"bob"}}},
		"button of another page":  {`<a class="FlattrButton" href="/2" data-flattr-uid="bob">`, names{}},
		"button of a visitor":     {`<a class="FlattrButton" rel="nofollow ugc" href="/1" data-flattr-uid="mallory">`, names{}},
		"two buttons":             {`<a class="FlattrButton" href="/1" data-flattr-uid="bob"><a class="FlattrButton" href="/1" data-flattr-uid="mallory">`, names{buttons: []string{"bob", "mallory"}}},
		"a loader's uid":          {`<script src="//api.flattr.com/js/0.6/load.js?mode=auto&uid=bob"></script><a class="FlattrButton" href="/1">`, names{buttons: []string{"bob"}}},
		"a loader alone":          {`<script src="//api.flattr.com/js/0.6/load.js?mode=auto&uid=bob"></script>`, names{}},
	} {
		got := readPage([]byte(c.page), parsed(t, "https://bob.test/1"), isFlattr)
		if got.id != c.want.id || !slices.Equal(got.payment, c.want.payment) || !slices.Equal(got.buttons, c.want.buttons) {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
}

func TestWhatAFileSaysOfAPath(t *testing.T) {
	words := parseFile([]byte("\ufeff# who is thanked\nflattr: abc123\nFlattr = ann111 /~ann/ # Ann\nflattr: bob222 /~ann/bob\r\nflattr:none /private/\n" +
		"flattr: zzz999 relative\nflattr: toolong1\nflattr: ABC123\nflattr abc124\nflattr: abc125 /a b\nuser: abc126\nflattr: two111 /two/\nflattr: two222 /two/\n"))
	for path, want := range map[string]string{
		"/": "abc123", "/x": "abc123", "/~ann/": "ann111", "/~ann/x": "ann111", "/~ann/bob": "bob222", "/~ann/bob/": "ann111", "/~anna/": "abc123",
		"/private/": "abc123 none", "/private/x": "abc123 none", "/private": "abc123", "/two/x": "two111 two222",
	} {
		ids, out := ruling(words, path)
		got := strings.Join(ids, " ")
		if out != "" {
			got += " none"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := parseRecords([]string{"v=spf1 -all", "flattr=abc123", "flattr=abc124 /path/"}); len(got) != 1 || got[0].id != "abc123" {
		t.Errorf("records = %+v", got)
	}
}

func TestWhatCanBeClaimed(t *testing.T) {
	for typed, want := range map[string]string{
		"https://Blog.Example.org":     "https://Blog.Example.org/",
		"blog.example.org/~ann/":       "https://blog.example.org/~ann/",
		"http://ann.github.io/x":       "http://ann.github.io/x",
		"https://blog.example.org/#me": "https://blog.example.org/",
	} {
		if got, err := Site(typed); err != nil || got != want {
			t.Errorf("Site(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
	for _, typed := range []string{
		"", "https://github.io/", "https://co.uk/", "https://test/", "http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "localhost",
		"ftp://blog.example.org/", "javascript:alert(1)", "https://ann@blog.example.org/", "https://blog.example.org/?page=1", "https://" + strings.Repeat("a", 9000),
	} {
		if got, err := Site(typed); flattr.CodeOf(err) != flattr.NoSite {
			t.Errorf("Site(%.60q) = %.60q, %v, want %s", typed, got, err, flattr.NoSite)
		}
	}
	for host, want := range map[string]string{
		"a.b.example.org": "a.b.example.org b.example.org example.org", "ann.github.io": "ann.github.io", "example.co.uk": "example.co.uk",
		"1.2.3.4.5.example.org": "1.2.3.4.5.example.org 2.3.4.5.example.org 3.4.5.example.org example.org", "co.uk": "",
	} {
		if got := strings.Join(recordNames(host), " "); got != want {
			t.Errorf("recordNames(%s) = %q, want %q", host, got, want)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`<head><meta name="flattr:id" content="abc123"><link rel=payment href="https://flattr.com/submit/auto?url=/1&user_id=x">`))
	f.Add([]byte(`<template><svg><a class=FlattrButton rev="flattr;uid:bob;;:">`))
	at := parsed(f, "https://bob.test/1")
	f.Fuzz(func(t *testing.T, page []byte) {
		got := readPage(page, at, isFlattr)
		if got.id != "" && got.id != none && !isID(got.id) {
			t.Errorf("id %q", got.id)
		}
		if len(got.payment) > maxNames || len(got.buttons) > maxNames+1 {
			t.Errorf("%d and %d names", len(got.payment), len(got.buttons))
		}
		if got.id != "" && !strings.Contains(strings.ToLower(string(page)), "flattr:id") && !strings.Contains(string(page), "&") {
			t.Errorf("id %q from %q", got.id, page)
		}
	})
}

func FuzzFile(f *testing.F) {
	f.Add("flattr: abc123\nflattr: none /x/", "/x/y")
	f.Fuzz(func(t *testing.T, text, path string) {
		words := parseFile([]byte(text))
		for _, w := range words {
			if w.id != none && !isID(w.id) || !strings.HasPrefix(w.path, "/") {
				t.Errorf("word %+v", w)
			}
		}
		if len(words) > maxWords {
			t.Errorf("%d words", len(words))
		}
		ids, out := ruling(words, path)
		if out != "" && !strings.HasPrefix(path, strings.TrimSuffix(out, "/")) {
			t.Errorf("%q speaks for %q", out, path)
		}
		for _, id := range ids {
			if !strings.Contains(text, id) {
				t.Errorf("id %q from %q", id, text)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add("flattr=abc123")
	f.Add("flattr : none /")
	f.Fuzz(func(t *testing.T, record string) {
		for _, w := range parseRecords([]string{record}) {
			if w.id != none && !isID(w.id) || w.path != "/" {
				t.Errorf("word %+v of %q", w, record)
			}
		}
	})
}
