package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func loadAll(t *testing.T) *tongues {
	t.Helper()
	ts, err := loadTongues()
	if err != nil {
		t.Fatalf("loadTongues = %v", err)
	}
	return ts
}

var verb = regexp.MustCompile(`%(?:\[([0-9])\])?([a-z])`)

// taken are the values that a text takes, by their number: %[2]s takes the second,
// wherever it stands.
func taken(text string) map[int]string {
	values := map[int]string{}
	for i, match := range verb.FindAllStringSubmatch(text, -1) {
		if match[1] != "" {
			i = int(match[1][0]-'0') - 1
		}
		values[i] = match[2]
	}
	return values
}

// Both languages say everything, with the same values put in.
func TestLanguagesAreComplete(t *testing.T) {
	ts := loadAll(t)
	en := ts.all[0]
	for _, other := range ts.all[1:] {
		for key, phrase := range en.words {
			got, ok := other.words[key]
			if !ok {
				t.Errorf("%s lacks %q", other.code, key)
				continue
			}
			for _, pair := range [][2]string{{phrase.one, got.one}, {phrase.other, got.other}} {
				if !maps.Equal(taken(pair[0]), taken(pair[1])) {
					t.Errorf("%q: %s %q and en %q take other values", key, other.code, pair[1], pair[0])
				}
			}
		}
		for key := range other.words {
			if _, ok := en.words[key]; !ok {
				t.Errorf("en lacks %q", key)
			}
		}
	}
	for _, tongue := range ts.all {
		for key, phrase := range tongue.words {
			if phrase.one == "" || phrase.other == "" {
				t.Errorf("%s: %q is empty", tongue.code, key)
			}
		}
	}
}

// What a button is called aloud, so that it is understood alone, has in it what is
// written on it: else nobody could call it by what they see.
func TestNamesSaidAloudHaveWhatIsSeen(t *testing.T) {
	for _, tongue := range loadAll(t).all {
		found := 0
		for key, aloud := range tongue.words {
			seen, both := tongue.words[strings.TrimSuffix(key, ".label")]
			if !both || !strings.HasSuffix(key, ".label") {
				continue
			}
			found++
			if !strings.Contains(strings.ToLower(aloud.other), strings.ToLower(seen.other)) {
				t.Errorf("%s: %q is seen as %q and called %q", tongue.code, key, seen.other, aloud.other)
			}
		}
		if found < 10 {
			t.Errorf("%s: %d names said aloud, where are the others?", tongue.code, found)
		}
	}
}

// Every word that a page or a handler says is there, and every word that is
// there is said.
func TestWordsAreTheOnesUsed(t *testing.T) {
	ts := loadAll(t)
	words := ts.all[0].words
	used := map[string]bool{}
	quoted := regexp.MustCompile(`"([a-z]+\.[a-z0-9_.]+)"`)
	for _, pattern := range []string{"*.go", "pages/*.html", "pages/parts/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files for %s: %v", pattern, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range quoted.FindAllStringSubmatch(string(source), -1) {
				used[match[1]] = true
			}
			if strings.HasSuffix(name, ".html") {
				for _, match := range regexp.MustCompile(`[({ ][tn] "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
					if _, ok := words[match[1]]; !ok {
						t.Errorf("%s says %q, which no language has", name, match[1])
					}
				}
			}
		}
	}
	for key := range words {
		// Months and refusals are said by number and code.
		if !used[key] && !strings.HasPrefix(key, "date.") && !strings.HasPrefix(key, "wrong.") {
			t.Errorf("nobody says %q", key)
		}
	}
}

func TestAmounts(t *testing.T) {
	ts := loadAll(t)
	en, de := ts.named("en"), ts.named("de")
	for amount, want := range map[money.Micro][2]string{
		0:                   {"€0.00", "0,00\u00a0€"},
		200_000:             {"€0.20", "0,20\u00a0€"},
		2 * money.Euro:      {"€2.00", "2,00\u00a0€"},
		66_666:              {"€0.067", "0,067\u00a0€"},
		333_333:             {"€0.333", "0,333\u00a0€"},
		1_999_998:           {"€2.00", "2,00\u00a0€"},
		400:                 {"<\u00a0€0.001", "<\u00a00,001\u00a0€"},
		1_234_567_890_000:   {"€1,234,567.89", "1.234.567,89\u00a0€"},
		-1_500_000:          {"-€1.50", "-1,50\u00a0€"},
		999_999_999_999:     {"€1,000,000.00", "1.000.000,00\u00a0€"},
		1000 * money.Euro:   {"€1,000.00", "1.000,00\u00a0€"},
		999*money.Euro + 10: {"€999.00", "999,00\u00a0€"},
	} {
		if got := [2]string{en.euro(amount), de.euro(amount)}; got != want {
			t.Errorf("euro(%d) = %q, want %q", amount, got, want)
		}
	}
	for typed, want := range map[string]money.Micro{
		"2": 2 * money.Euro, "2.00": 2 * money.Euro, "2,50": 2_500_000, " 3,5 € ": 3_500_000, "€4": 4 * money.Euro,
		"": -1, "two": -1, "-2": -1, "2.005": -1, "1e3": -1, "1.000,00": -1, "2 2": -1, "99999999": -1,
	} {
		got, err := readEuro(typed)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("readEuro(%q) = %d, %v, want %d", typed, got, err, want)
		}
	}
}

func TestPluralsAndDates(t *testing.T) {
	ts := loadAll(t)
	en, de := ts.named("en"), ts.named("de")
	for n, want := range map[int][2]string{
		0: {"0 older clicks are", "0 ältere Klicks werden"}, 1: {"1 older click is", "1 älterer Klick wird"},
		2: {"2 older clicks are", "2 ältere Klicks werden"}, 21: {"21 older clicks are", "21 ältere Klicks werden"},
	} {
		want[0], want[1] = want[0]+" not shown.", want[1]+" nicht gezeigt."
		if got := [2]string{en.count("month.more", n), de.count("month.more", n)}; got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
	at := time.Date(2026, 3, 4, 23, 30, 0, 0, time.FixedZone("", -3600))
	if got := en.moment(at); got != "5\u00a0March, 00:30" {
		t.Errorf("moment = %q, want UTC", got)
	}
	if got := de.day(at); got != "5.\u00a0März" {
		t.Errorf("day = %q", got)
	}
	if got := de.month(flattr.MonthOf(at)); got != "März 2026" {
		t.Errorf("month = %q", got)
	}
}

func TestLanguageOfARequest(t *testing.T) {
	ts := loadAll(t)
	for header, want := range map[string]string{
		"": "en", "de": "de", "de-CH,en;q=0.5": "de", "en-GB,de;q=0.9": "en", "fr, de;q=0.5": "de", "fr": "en", "*": "en", "x;;=": "en", strings.Repeat("de,", 5000): "de",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", header)
		if got := ts.of(r).code; got != want {
			t.Errorf("of(%.30q) = %s, want %s", header, got, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "en")
	r.AddCookie(&http.Cookie{Name: languageCookie, Value: "de"})
	if got := ts.of(r).code; got != "de" {
		t.Errorf("of with the choice de = %s", got)
	}
}

// The committed style sheet is made of what npm has and what is ours.
func TestStyleIsCurrent(t *testing.T) {
	pico, err := os.ReadFile("../../extension/node_modules/@picocss/pico/css/pico.min.css")
	if err != nil {
		t.Skip("Pico is not installed: run npm ci in extension/")
	}
	ours, err := os.ReadFile("style/flattr.css")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(pico)+string(ours) {
		t.Error("static/style.css is not current: run make generate")
	}
	if !strings.Contains(string(got), "Licensed under MIT") {
		t.Error("static/style.css does not name Pico's licence")
	}
}

// Who can unpack gets a seventh of the style sheet; who cannot gets all of it.
func TestStyleIsPacked(t *testing.T) {
	css, err := os.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	if s.packed, err = pack(css); err != nil {
		t.Fatal(err)
	}
	for accepted, packed := range map[string]bool{"gzip, br": true, "": false, "identity": false} {
		r, w := httptest.NewRequest(http.MethodGet, stylePath+"?v=1", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", accepted)
		s.static().ServeHTTP(w, r)
		body := io.Reader(w.Body)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != packed || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Fatalf("accepting %q: %v", accepted, w.Header())
		}
		if packed {
			if w.Body.Len() > 17_000 {
				t.Errorf("packed it has %d bytes", w.Body.Len())
			}
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, css) {
			t.Errorf("accepting %q: %d bytes, %v, want the %d of the file", accepted, len(got), err, len(css))
		}
	}
}

func TestHashPassword(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("HashPassword = %q, %v", hash, err)
	}
	for _, bad := range []string{"", "1234567", strings.Repeat("ü", maxPassword+1)} {
		if _, err := HashPassword(bad); err == nil {
			t.Errorf("HashPassword(%.10q…) = nil error", bad)
		}
	}
}

func TestLinksLeadToTheWebOnly(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/?q=1#x": "https://a.example/?q=1#x", "http://a.example": "http://a.example",
		"javascript:alert(1)": "", "data:text/html,x": "", "javascript://a.example/%0aalert(1)": "", "ftp://a.example/": "",
		"//a.example/": "", "/month": "", "https:a": "", "": "", "https://a.example/%zz": "",
	} {
		if got := webLink(raw); got != want {
			t.Errorf("webLink(%q) = %q, want %q", raw, got, want)
		}
	}
}
