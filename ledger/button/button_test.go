package button

import (
	"bytes"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// most is how large anything that an old page loads may be, in bytes.
const most = 10_000

func serve(t *testing.T) (*store.Store, http.Handler) {
	t.Helper()
	st, err := store.Open(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := New(st, &url.URL{Scheme: "https", Host: "ledger.example"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return st, s.Handler()
}

func ask(t *testing.T, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.AddCookie(&http.Cookie{Name: "__Host-flattr_session", Value: "x"})
	r.AddCookie(&http.Cookie{Name: "flattr_language", Value: "de"})
	r.Header.Set("Accept-Language", "de")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Header().Values("Set-Cookie"); len(got) > 0 {
		t.Errorf("%.80s sets cookies %q", target, got)
	}
	if vary := w.Header().Get("Vary"); vary != "" {
		t.Errorf("%.80s varies by %q, want the same for everybody", target, vary)
	}
	return w
}

func TestWhatOldPagesLoadIsSmallAndKept(t *testing.T) {
	_, h := serve(t)
	for target, kind := range map[string]string{
		"/js/0.6/load.js": "text/javascript; charset=utf-8", "/js/0.6/load.js?mode=auto&uid=bob": "text/javascript; charset=utf-8",
		"/js/0.5.0/load.js": "text/javascript; charset=utf-8", "/js/0.5/load.js": "text/javascript; charset=utf-8",
		"/button/load.js":                 "text/javascript; charset=utf-8",
		"/button/flattr-badge-large.png":  "image/png",
		"/button/flattr-badge-small.png":  "image/png",
		"/button/view/?url=http://a.test": "text/html; charset=utf-8",
		"/button/view?url=http://a.test":  "text/html; charset=utf-8",
		"/view/?url=http://a.test":        "text/html; charset=utf-8",
	} {
		w := ask(t, h, target)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || w.Body.Len() >= most || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %s, %d bytes", target, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if cache := w.Header().Get("Cache-Control"); !strings.HasPrefix(cache, "public, max-age=") {
			t.Errorf("%s: Cache-Control %q", target, cache)
		}
		framed := strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors *")
		if framed != strings.HasPrefix(kind, "text/html") || w.Header().Get("X-Frame-Options") != "" {
			t.Errorf("%s may be framed: %v (%s)", target, framed, w.Header().Get("Content-Security-Policy"))
		}
		again := ask(t, h, target, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d with %d bytes, want 304", target, again.Code, again.Body.Len())
		}
	}
	for _, target := range []string{"/button/", "/js/0.7/load.js", "/button/popout/?url=http://a.test", "/button/flattr-badge-huge.png"} {
		if w := ask(t, h, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", target, w.Code)
		}
	}
	if w := ask(t, h, "/js/0.6/load.js"); !strings.Contains(w.Body.String(), `var LEDGER = "https://ledger.example";`) {
		t.Error("the loader does not name the ledger")
	}
}

func TestBadgesArePictures(t *testing.T) {
	_, h := serve(t)
	for name, size := range map[string][2]int{"large": {93, 20}, "small": {16, 16}} {
		picture, err := png.Decode(bytes.NewReader(ask(t, h, "/button/flattr-badge-"+name+".png").Body.Bytes()))
		if err != nil {
			t.Fatalf("badge %s: %v", name, err)
		}
		if got := picture.Bounds().Size(); got.X != size[0] || got.Y != size[1] {
			t.Errorf("badge %s is %v, want %v", name, got, size)
		}
	}
}

func TestTheFrameCountsAndLeadsToTheThing(t *testing.T) {
	st, h := serve(t)
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	invites, err := st.MintInvites(t.Context(), now, 1, 9*money.Euro)
	if err != nil {
		t.Fatal(err)
	}
	ann, err := st.SignUp(t.Context(), now, store.SignUp{Name: "ann", PasswordHash: "x", InviteCode: invites[0].Code})
	if err != nil {
		t.Fatal(err)
	}
	target := "/button/view/?url=https%3A%2F%2Fbob.example%2Fa&uid=bob&title=Songs&button=compact"
	before := ask(t, h, target).Body.String()
	if !strings.Contains(before, `href="https://ledger.example/submit/auto?url=https%3A%2F%2Fbob.example%2Fa&amp;user_id=bob&amp;title=Songs"`) || !strings.Contains(before, `target="_top"`) {
		t.Errorf("the button of a thing that is not known yet:\n%s", before)
	}
	out, err := st.Record(t.Context(), now, ann.ID, []flattr.Event{{
		ID: flattr.EventID(uuid.Must(uuid.NewV7())), Kind: flattr.KindClick, At: now, Thing: flattr.ThingRef{URL: "https://bob.example/a"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	after := ask(t, h, target).Body.String()
	for _, want := range []string{
		`href="https://ledger.example/thing/` + strconv.FormatInt(int64(out[0].ThingID), 10) + `"`, `class="compact"`, `>1</b>`, `aria-label="Flattr this: Songs (1 click)"`,
	} {
		if !strings.Contains(after, want) {
			t.Errorf("the button of a known thing has no %s:\n%s", want, after)
		}
	}
	if de := ask(t, h, target+"&language=de_DE").Body.String(); !strings.Contains(de, `lang="de"`) || !strings.Contains(de, "Flattern: Songs (1 Klick)") {
		t.Errorf("the button in German:\n%s", de)
	}
}

// Whatever a page puts into the address, the frame stays ours: no markup, no
// script, no link but to the ledger.
func TestTheFrameTakesNoMarkup(t *testing.T) {
	_, h := serve(t)
	keys := []string{"url", "uid", "owner", "fid", "title", "description", "language", "tags", "category", "hidden", "button", "popout", "revsharekey", "x"}
	attacks := []string{
		`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `</title><svg onload=alert(1)>`, `</style><script>`,
		`data:text/html,<script>alert(1)</script>`, "\" onmouseover=alert(1) x=\"", "{{.}}", "\x00\xff\xfe", "https://evil.example/\" onclick=\"x", `https://evil.example/'><b>`,
	}
	for _, key := range keys {
		for _, attack := range attacks {
			query := url.Values{"url": {"https://good.example/"}}
			query.Set(key, attack)
			w := ask(t, h, "/button/view/?"+query.Encode())
			body := w.Body.String()
			if w.Code == http.StatusBadRequest {
				if key != "url" || strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
					t.Errorf("%s=%q: 400 with %s", key, attack, w.Header().Get("Content-Type"))
				}
				continue
			}
			if strings.Count(body, "<") != strings.Count(ask(t, h, "/button/view/?url=https://good.example/").Body.String(), "<") {
				t.Errorf("%s=%q adds markup:\n%s", key, attack, body)
			}
			_, after, _ := strings.Cut(body, `href="`)
			if !strings.HasPrefix(after, "https://ledger.example/") {
				t.Errorf("%s=%q leads to %.80s", key, attack, after)
			}
			for _, bad := range []string{"<script", "<img", "onclick=\"", " onmouseover=alert(1) x=\""} {
				if strings.Contains(body, bad) {
					t.Errorf("%s=%q puts %s into the frame", key, attack, bad)
				}
			}
		}
	}
}

func TestAFrameOfALongPageStaysSmall(t *testing.T) {
	_, h := serve(t)
	query := url.Values{
		"url": {"https://good.example/" + strings.Repeat("%E4%B8%80", 220)}, "title": {strings.Repeat("題", 500)},
		"description": {strings.Repeat("説", 5000)}, "tags": {strings.Repeat("一二三,", 200)}, "uid": {"bob"},
	}
	w := ask(t, h, "/button/view/?"+query.Encode())
	if w.Code != http.StatusOK || w.Body.Len() >= most || !strings.Contains(w.Body.String(), "user_id=bob") {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestOldQueriesAreRead(t *testing.T) {
	for query, want := range map[string]Asked{
		"url=http://a.test/x?y=1&uid=bob":                                 {URL: "http://a.test/x?y=1", Owner: "bob"},
		"url=http%3A%2F%2Fa.test%2F%3Fa%3D1%26b&amp;user_id=bob":          {URL: "http://a.test/?a=1&b", Owner: "bob"},
		"user_id=bob&&url= http://a.test/a b\n&language=&title=a+b%20c":   {URL: "http://a.test/a%20b", Owner: "bob", Title: "a b c"},
		"url=http://a.test/&description=a;b<br>c<i>d</i>&tags=x,,y, z":    {URL: "http://a.test/", Description: "a;b cd", Tags: []string{"x", "y", "z"}},
		"url=http://a.test/100%&hidden=1&category=cats&language=klingon":  {URL: "http://a.test/100%", Hidden: true},
		"url=http://a.test/&category=audio&language=de_DE&button=compact": {URL: "http://a.test/", Category: "audio", Language: "de_DE", Compact: true},
		"url=http://a.test/&uid=1&owner=email:0123&fid=ab12cd":            {URL: "http://a.test/", Owner: "email:0123", FID: "ab12cd"},
		"url=javascript:alert(1)&uid=bob&fid=toolong":                     {Owner: "bob"},
		"url=//a.test/": {},
	} {
		got := ReadAsked(query)
		tags := slices.Equal(got.Tags, want.Tags)
		got.Tags, want.Tags = nil, nil
		if !tags || got.URL != want.URL || got.Owner != want.Owner || got.FID != want.FID || got.Title != want.Title ||
			got.Description != want.Description || got.Category != want.Category || got.Language != want.Language || got.Hidden != want.Hidden || got.Compact != want.Compact {
			t.Errorf("ReadAsked(%q) = %+v, want %+v", query, got, want)
		}
	}
}

// What Submit writes is read as it was.
func FuzzAsked(f *testing.F) {
	f.Add("url=http://a.test/x&title=a%20b&description=a;b&tags=a,b&uid=bob&hidden=1&category=audio&language=en_GB")
	f.Add("url=https://a.test/%&amp;owner=email:0")
	public := &url.URL{Scheme: "https", Host: "ledger.example"}
	f.Fuzz(func(t *testing.T, query string) {
		a := ReadAsked(query)
		if a.URL == "" {
			return
		}
		address := a.Submit(public)
		u, err := url.Parse(address)
		if err != nil || u.Host != "ledger.example" || u.Path != "/submit/auto" {
			t.Fatalf("Submit of %q = %q, %v", query, address, err)
		}
		if again := ReadAsked(u.RawQuery); again.URL != a.URL || again.FID != a.FID {
			t.Fatalf("%q becomes %+v, then %+v", query, a, again)
		}
	})
}
