package feed

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// library is a ledger with an author, bob, and a reader, ann.
type library struct {
	t        *testing.T
	store    *store.Store
	handler  http.Handler
	now      time.Time
	ann, bob flattr.MemberID
}

func newLibrary(t *testing.T, where string) *library {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	public, err := url.Parse("https://ledger.example")
	if err != nil {
		t.Fatal(err)
	}
	l := &library{t: t, store: st, now: start}
	mux := http.NewServeMux()
	New(Config{Store: st, Public: public, Now: func() time.Time { return l.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}).Register(mux)
	l.handler = mux
	l.ann, l.bob = l.join("Ann"), l.join("Böb")
	return l
}

func (l *library) join(name string) (id flattr.MemberID) {
	l.t.Helper()
	l.write(func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(start.Add(-time.Hour), store.NewMember{Name: name, Budget: flattr.DefaultBudget, Means: 20 * money.Euro})
		return err
	})
	return id
}

func (l *library) write(work func(*store.Tx) error) {
	l.t.Helper()
	if err := l.store.Write(l.t.Context(), work); err != nil {
		l.t.Fatal(err)
	}
}

func (l *library) public(m flattr.MemberID, yes bool) {
	l.t.Helper()
	if err := l.store.SetProfile(l.t.Context(), l.now, m, flattr.Profile{Public: yes}); err != nil {
		l.t.Fatal(err)
	}
}

// flattr lets ann flattr things, a minute each.
func (l *library) flattr(things ...flattr.ThingRef) {
	l.t.Helper()
	for _, thing := range things {
		l.now = l.now.Add(time.Minute)
		e := flattr.Event{ID: flattr.EventID(uuid.New()), Kind: flattr.KindClick, At: l.now, Thing: thing}
		out, err := l.store.Record(l.t.Context(), l.now, l.ann, []flattr.Event{e})
		if err != nil || out[0].Result != flattr.Accepted {
			l.t.Fatalf("a click is %+v, %v", out, err)
		}
	}
}

// things gives bob three things: one is hostile, one is hidden.
func (l *library) things() []flattr.ThingRef {
	l.t.Helper()
	refs := []flattr.ThingRef{
		{URL: "https://bob.example/song?a=1&b=2", Title: "A song", Description: "With words.", Tags: []string{"music", " live "}},
		{URL: "https://bob.example/%3Cb%3E", Title: `<b>&"]]>` + "\ufffe", Description: "<script>alert(1)</script>"},
		{URL: "https://bob.example/hidden", Title: "Hidden", Hidden: true},
	}
	l.flattr(refs...)
	l.write(func(tx *store.Tx) error { return tx.Claim(l.now, l.bob, "https://bob.example/") })
	return refs
}

func (l *library) get(path string, header ...string) *http.Response {
	l.t.Helper()
	r := httptest.NewRequestWithContext(l.t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// randomID finds ids of things, which are random.
var randomID = regexp.MustCompile(`((?:thing|flattr)/)\d+`)

// golden holds an answer against a file of testdata.
func golden(t *testing.T, name string, r *http.Response) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "%d\n", r.StatusCode)
	for _, key := range []string{"Access-Control-Allow-Origin", "Cache-Control", "Content-Security-Policy", "Content-Type", "Last-Modified", "X-Content-Type-Options"} {
		if value := r.Header.Get(key); value != "" {
			fmt.Fprintf(&text, "%s: %s\n", key, value)
		}
	}
	if cookies := r.Header.Values("Set-Cookie"); len(cookies) > 0 {
		t.Errorf("cookies: %v", cookies)
	}
	fmt.Fprintf(&text, "\n%s", randomID.ReplaceAllString(body(t, r), "${1}ID"))
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, &text, want)
	}
}

func TestFeeds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		l := newLibrary(t, where)
		l.things()
		for _, name := range []string{"things", "flattrs"} {
			golden(t, "private-"+name+".http", l.get("/profile/ann/"+name+".atom"))
		}
		l.public(l.ann, true)
		l.flattr(flattr.ThingRef{URL: "https://bob.example/new", Title: "New"}, flattr.ThingRef{URL: "https://nobody.example/"})
		golden(t, "things.http", l.get("/profile/b%C3%B6b/things.atom"))
		golden(t, "flattrs.http", l.get("/profile/Ann/flattrs.atom"))
		golden(t, "unknown.http", l.get("/profile/eve/things.atom"))
	})
}

// TestFeedsAreAtom holds what RFC 4287 demands of every feed.
func TestFeedsAreAtom(t *testing.T) {
	l := newLibrary(t, storetest.SQLite(t))
	l.public(l.ann, true)
	l.things()
	l.flattr(flattr.ThingRef{URL: "https://odd.example/?<a>=\"{b|c}\"^`"})
	for _, path := range []string{"/profile/Ann/flattrs.atom", "/profile/Ann/things.atom", "/profile/böb/things.atom"} {
		var f struct {
			XMLName xml.Name
			ID      []string `xml:"http://www.w3.org/2005/Atom id"`
			Title   []string `xml:"http://www.w3.org/2005/Atom title"`
			Updated []string `xml:"http://www.w3.org/2005/Atom updated"`
			Link    []atomLink
			Entry   []struct {
				ID        []string     `xml:"http://www.w3.org/2005/Atom id"`
				Title     []string     `xml:"http://www.w3.org/2005/Atom title"`
				Published []string     `xml:"http://www.w3.org/2005/Atom published"`
				Updated   []string     `xml:"http://www.w3.org/2005/Atom updated"`
				Author    []atomPerson `xml:"http://www.w3.org/2005/Atom author"`
				Link      []atomLink   `xml:"http://www.w3.org/2005/Atom link"`
			} `xml:"http://www.w3.org/2005/Atom entry"`
		}
		if err := xml.Unmarshal([]byte(body(t, l.get(path))), &f); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		ids := map[string]bool{}
		element := func(id, title, updated []string) {
			t.Helper()
			if len(id) != 1 || len(title) != 1 || len(updated) != 1 || title[0] == "" {
				t.Errorf("%s: id %q, title %q, updated %q: want one each", path, id, title, updated)
				return
			}
			if u, err := url.Parse(id[0]); err != nil || u.Scheme != "tag" || ids[id[0]] {
				t.Errorf("%s: id %q, %v, want a tag URI, once", path, id[0], err)
			}
			ids[id[0]] = true
			if _, err := time.Parse(time.RFC3339, updated[0]); err != nil {
				t.Errorf("%s: updated: %v", path, err)
			}
		}
		element(f.ID, f.Title, f.Updated)
		for _, e := range f.Entry {
			element(e.ID, e.Title, e.Updated)
			if len(e.Published) != 1 || len(e.Author) != 1 || e.Author[0].Name == "" {
				t.Errorf("%s: published %q by %v", path, e.Published, e.Author)
			}
			rels := map[string]int{}
			for _, link := range e.Link {
				rels[link.Rel]++
				if u, err := url.Parse(link.Href); err != nil || u.Scheme != "https" || strings.ContainsAny(link.Href, " \"<>\\^`{|}") {
					t.Errorf("%s: link %q, %v", path, link.Href, err)
				}
			}
			if rels["alternate"] != 1 || rels["payment"] != 1 {
				t.Errorf("%s: links %v", path, e.Link)
			}
		}
	}
}

func TestWhatIsKeptIsNotSentAgain(t *testing.T) {
	l := newLibrary(t, storetest.SQLite(t))
	l.things()
	const path = "/profile/böb/things.atom"
	first := l.get(path)
	tag, modified := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
	if again := l.get(path, "If-None-Match", tag); again.StatusCode != http.StatusNotModified || body(t, again) != "" || tag == "" {
		t.Errorf("with ETag %s: %d", tag, again.StatusCode)
	}
	if again := l.get(path, "If-Modified-Since", modified); again.StatusCode != http.StatusNotModified {
		t.Errorf("with Last-Modified %s: %d", modified, again.StatusCode)
	}
	l.flattr(flattr.ThingRef{URL: "https://bob.example/new"})
	if again := l.get(path, "If-None-Match", tag, "If-Modified-Since", modified); again.StatusCode != http.StatusOK {
		t.Errorf("with a new thing: %d", again.StatusCode)
	}
	if again := l.get(path, "If-Modified-Since", modified); again.StatusCode != http.StatusOK {
		t.Errorf("with a new thing, by its time: %d", again.StatusCode)
	}
	l.public(l.ann, true)
	l.public(l.ann, false)
	again := l.get("/profile/ann/flattrs.atom", "If-Modified-Since", l.now.Format(http.TimeFormat))
	if again.StatusCode != http.StatusOK || strings.Contains(body(t, again), "<entry>") {
		t.Errorf("a feed that is private by now answers %d to who has an older one", again.StatusCode)
	}
}

func TestMakingAProfilePublicReachesNotBack(t *testing.T) {
	l := newLibrary(t, storetest.SQLite(t))
	l.flattr(flattr.ThingRef{URL: "https://bob.example/before"})
	l.now = l.now.Add(time.Minute)
	l.public(l.ann, true)
	l.flattr(flattr.ThingRef{URL: "https://bob.example/after"})
	text := body(t, l.get("/profile/ann/flattrs.atom"))
	if strings.Contains(text, "/before") || !strings.Contains(text, "/after") {
		t.Errorf("the feed has\n%s", text)
	}
	l.public(l.ann, false)
	if text := body(t, l.get("/profile/ann/flattrs.atom")); strings.Contains(text, "<entry>") {
		t.Errorf("the feed of a private profile has\n%s", text)
	}
}

func TestFeedsAreBounded(t *testing.T) {
	l := newLibrary(t, storetest.SQLite(t))
	l.public(l.ann, true)
	var refs []flattr.ThingRef
	for i := range maxEntries + 5 {
		refs = append(refs, flattr.ThingRef{URL: fmt.Sprintf("https://bob.example/%d", i)})
	}
	l.flattr(refs...)
	l.write(func(tx *store.Tx) error { return tx.Claim(l.now, l.bob, "https://bob.example/") })
	for _, path := range []string{"/profile/Ann/flattrs.atom", "/profile/böb/things.atom"} {
		text := body(t, l.get(path))
		if got := strings.Count(text, "<entry>"); got != maxEntries || strings.Contains(text, "https://bob.example/4<") {
			t.Errorf("%s has %d entries, want the newest %d", path, got, maxEntries)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	l := newLibrary(t, storetest.SQLite(t))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/profile/ann/things.atom", nil)
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", w.Code)
	}
}
