package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flattr/ledger/money"
)

// chromium is a real browser and what drives it, or the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node.js is not installed")
	}
	for _, module := range []string{"puppeteer-core", "esbuild"} {
		if _, err := os.Stat(filepath.Join("../extension/node_modules", module)); err != nil {
			t.Skipf("%s is not installed: run npm ci in extension/", module)
		}
	}
	places := []string{os.Getenv("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"}
	for _, place := range places {
		if _, err := os.Stat(place); place != "" && err == nil {
			return place
		}
	}
	t.Skip("there is no Chromium: name it in CHROMIUM")
	return ""
}

// node runs a program of JavaScript with lines for its input.
func node(t *testing.T, lines []string, arguments ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), "node", arguments...)
	command.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("node %q: %v\n%s%s", arguments[0], err, out, &stderr)
	}
	return out
}

// oldPage is a page as it was written for Flattr's buttons, and what a reader
// sees there now. LEDGER stands in it for the ledger's host.
type oldPage struct {
	why, text string
	frames    []string // of each frame: size, what it says, and its query decoded
	opens     string   // path that the first button opens
	buttons   int      // elements that are left as they were
	places    []string // of each frame: the id of its parent, then of what follows it
}

var oldPages = []oldPage{
	{
		why: "0.6 loaded by an inline script, as the documentation had it",
		text: `<script type="text/javascript">
(function() {
    var s = document.createElement('script'), t = document.getElementsByTagName('script')[0];
    s.type = 'text/javascript'; s.async = true; s.src = '//LEDGER/js/0.6/load.js?mode=auto&uid=bob&language=de_DE&category=audio';
    t.parentNode.insertBefore(s, t);
})();
</script>
<a class="FlattrButton" style="display:none;" title="A song" rev="flattr;category:audio;tags:song,bob;" href="https://bob.example/a">Of <i>two</i><br>people</a>
<noscript><a href="https://flattr.com/thing/1">Flattr</a></noscript>
<a class="FlattrButton" href="https://new.example/?a=1&amp;b=2#c" data-flattr-button="compact" data-flattr-uid="mallory" data-flattr-title="New &amp; old" lang="en_GB"></a>
<a class="flattrbutton" href="https://other.example/">no button</a><a class="FlattrButton" href="javascript:window.harmed=true">no address</a>`,
		frames: []string{
			"55x62 Flattern: A song (1 Klick) 1 url=https://bob.example/a&uid=bob&category=audio&language=de_DE&tags=song,bob&title=A song&description=Of two<br>people",
			"110x20 Flattr this: New & old (0 clicks) 0 url=https://new.example/?a=1&b=2#c&uid=mallory&category=audio&button=compact&language=en_GB&title=New & old",
		},
		opens: "/thing/", buttons: 1,
	},
	{
		why: "a button drawn by the loader's own function, in three ways",
		text: `<script src="http://LEDGER/js/0.6/load.js"></script>
<p id="list"><span id="in">x</span><span id="give">here</span></p>
<script>window.onload = function () {
  FlattrLoader.render({uid: "bob", url: "/relative", title: "Forty knots", button: "compact", unknown: 1}, "give", "replace");
  FlattrLoader.render({url: "https://bob.example/a"}, document.getElementById("in"), "before");
  FlattrLoader.render({url: "https://bob.example/a", hidden: 1}, "in");
  FlattrLoader.render({url: "https://bob.example/a"}, "nowhere", "replace");
  FlattrLoader.setup();
}</script>`,
		frames: []string{
			"55x62 Flattr this: A song (1 click) 1 url=https://bob.example/a",
			"55x62 Flattr this: A song (1 click) 1 url=https://bob.example/a&hidden=1",
			"110x20 Flattr this: Forty knots (0 clicks) 0 url=PAGE/relative&uid=bob&button=compact&title=Forty knots",
		},
		places: []string{"list in", "in ", "list "},
		opens:  "/thing/",
	},
	{
		why: "0.5 in the place of its script, with the global variables",
		text: `<p id="here"><script>var flattr_uid = 'bob', flattr_url = 'https://new.example/1', flattr_tle = 'First', flattr_btn = 'compact', flattr_hide = true;</script>
<script src="//LEDGER/js/0.5.0/load.js?mode=direct"></script></p>`,
		frames: []string{"110x20 Flattr this: First (0 clicks) 0 url=https://new.example/1&uid=bob&button=compact&hidden=1&title=First"},
		places: []string{"here "}, opens: "/submit/auto?url=https%3A%2F%2Fnew.example%2F1&user_id=bob&title=First&hidden=1",
	},
	{
		why: "the loader of 2010, twice on a page",
		text: `<p id="one"><script type="text/javascript">
var flattr_uid = "bob";
var flattr_tle = "Das Cello im Flur"; var flattr_lng = 'de_DE'
var flattr_cat = 'audio'; var flattr_tag = 'cello, hausmusik'; var flattr_url = 'https://bob.example/a'; var flattr_hide = '0';
</script><script src="//LEDGER/button/load.js" type="text/javascript"></script></p>
<p id="two"><script>flattr_url = ''; flattr_tle = 'The page itself';</script><script src="//LEDGER/button/load.js"></script></p>`,
		frames: []string{
			"55x62 Flattern: Das Cello im Flur (1 Klick) 1 url=https://bob.example/a&uid=bob&category=audio&language=de_DE&hidden=0&tags=cello, hausmusik&title=Das Cello im Flur",
			"55x62 Flattern: The page itself (0 Klicks) 0 url=PAGE/3&uid=bob&category=audio&language=de_DE&hidden=0&tags=cello, hausmusik&title=The page itself",
		},
		places: []string{"one ", "two "}, opens: "/thing/",
	},
	{
		why: "another prefix, rel, and an old version that begins late",
		text: `<a class="x FlattrButton y" data-give-url="https://new.example/p" data-give-title="By prefix" data-flattr-title="not this"></a>
<a class="FlattrButton" rel="flattr;uid:bob;title:By: rel; category:text" href="https://new.example/q"></a>
<script>setTimeout(function () { var s = document.createElement("script"); s.src = "//LEDGER/js/0.5/load.js?mode=automatic&amp;button=compact&html5-key-prefix=data-give"; document.body.appendChild(s); }, 50);</script>`,
		frames: []string{
			"110x20 Flattr this: By prefix (0 clicks) 0 url=https://new.example/p&button=compact&title=By prefix",
			"110x20 Flattr this: By: rel (0 clicks) 0 url=https://new.example/q&uid=bob&button=compact&title=By: rel",
		},
		opens: "/submit/auto?url=https%3A%2F%2Fnew.example%2Fp&title=By%20prefix",
	},
	{
		why: "one link of several, which the page has made itself",
		text: `<script src="//LEDGER/js/0.6/load.js"></script><p id="list"></p><a id="not" class="FlattrButton" href="https://bob.example/a"></a>
<script>window.onload = function () {
  var link = document.createElement("a");
  link.className = "FlattrButton"; link.rev = "flattr;button:compact;popout:0;"; link.href = "https://new.example/made";
  document.getElementById("list").appendChild(link);
  FlattrLoader.loadButton(link);
}</script>`,
		frames: []string{"110x20 Flattr this (0 clicks) 0 url=https://new.example/made&button=compact&popout=0"},
		places: []string{"list "}, buttons: 1, opens: "/submit/auto?url=https%3A%2F%2Fnew.example%2Fmade",
	},
	{
		why: "what means harm becomes text",
		text: `<script src="//LEDGER/js/0.6/load.js?mode=auto&uid=%22%3E%3Cscript%3E&button=x&language=&html5-key-prefix=onclick"></script>
<a class="FlattrButton" href="https://new.example/h" title='"><img src=x onerror="top.harmed=true">' rev="flattr;uid:'><svg onload=top.harmed=true>">&lt;script&gt;top.harmed=true&lt;/script&gt;<img src=x></a>`,
		frames: []string{`55x62 Flattr this: "><img src=x onerror="top.harmed=true"> (0 clicks) 0 url=https://new.example/h&uid='><svg onload=top.harmed=true>&button=x&title="><img src=x onerror="top.harmed=true">&description=&lt;script&gt;top.harmed=true&lt;/script&gt;`},
		opens:  "/submit/auto?url=https%3A%2F%2Fnew.example%2Fh&",
	},
}

// Pages that were written years ago show their buttons in a real browser, and a
// click opens the page of the thing.
func TestOldPagesShowTheirButtons(t *testing.T) {
	place := chromium(t)
	s := startLedger(t)
	s.join("bob", 0)
	ann := s.join("ann", 5*money.Euro)
	id := s.known("https://bob.example/a", "A song", "bob")
	ann.post("/flattr", url.Values{"thing": {fmt.Sprint(id)}})

	host := strings.TrimPrefix(s.origin, "http://")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var number int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &number); err != nil || number >= len(oldPages) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Old page</title><body>"+strings.ReplaceAll(oldPages[number].text, "LEDGER", host))
	}))
	defer site.Close()
	var addresses []string
	for number := range oldPages {
		addresses = append(addresses, fmt.Sprintf("%s/%d", site.URL, number))
	}
	answers := json.NewDecoder(bytes.NewReader(node(t, addresses, "testdata/oldpages.mjs", "../extension", place, os.Getenv("FLATTR_PICTURES"))))
	for _, page := range oldPages {
		var seen seenPage
		if err := answers.Decode(&seen); err != nil {
			t.Fatalf("%s: %v", page.why, err)
		}
		seen.compare(t, page, s.origin, site.URL, fmt.Sprint(id))
	}
}

// seenPage is what the browser saw on an old page.
type seenPage struct {
	Frames []struct {
		Src, Class, Parent, Next, Label, Count string
		Width, Height                          int
		Fits                                   bool
	}
	Harmed  bool
	Cookies []string
	Buttons int
	Opened  string
}

func (seen seenPage) compare(t *testing.T, page oldPage, origin, site, id string) {
	t.Helper()
	var frames, places []string
	for _, frame := range seen.Frames {
		query, found := strings.CutPrefix(frame.Src, origin+"/button/view/?")
		var said []string
		for piece := range strings.SplitSeq(query, "&") {
			text, err := url.PathUnescape(piece)
			if err != nil {
				t.Errorf("%s: %q cannot be decoded", page.why, piece)
			}
			said = append(said, strings.Replace(text, "="+site+"/", "=PAGE/", 1))
		}
		if !found || frame.Class != "FlattrButton" || !frame.Fits {
			t.Errorf("%s: frame %+v is no button of the ledger, or does not fit", page.why, frame)
		}
		frames = append(frames, fmt.Sprintf("%dx%d %s %s %s", frame.Width, frame.Height, frame.Label, frame.Count, strings.Join(said, "&")))
		places = append(places, frame.Parent+" "+frame.Next)
	}
	if !slices.Equal(frames, page.frames) {
		t.Errorf("%s:\n%s\nwant\n%s", page.why, strings.Join(frames, "\n"), strings.Join(page.frames, "\n"))
	}
	if page.places != nil && !slices.Equal(places, page.places) {
		t.Errorf("%s: buttons stand in %q, want %q", page.why, places, page.places)
	}
	opens := origin + page.opens
	if page.opens == "/thing/" {
		opens += id
	}
	if !strings.HasPrefix(seen.Opened, opens) {
		t.Errorf("%s: a click opens %s, want %s", page.why, seen.Opened, opens)
	}
	if seen.Harmed || len(seen.Cookies) > 0 || seen.Buttons != page.buttons {
		t.Errorf("%s: harmed %v, cookies %q, %d buttons left, want %d", page.why, seen.Harmed, seen.Cookies, seen.Buttons, page.buttons)
	}
}

// What the configurator writes is found by the extension's own detection.
func TestTheExtensionFindsTheSnippets(t *testing.T) {
	chromium(t)
	s := startLedger(t)
	bob := s.join("bob", 0)
	const url = "https://bob.example/?a=1&b=%22x%22"
	bob.get("/buttons?url=https%3A%2F%2Fbob.example%2F%3Fa%3D1%26b%3D%2522x%2522&title=Fish+%26+%22chips%22&size=compact&language=de_DE")
	folder := t.TempDir()
	pages := map[string]string{
		"page.html": `<!DOCTYPE html><html><head><title>x</title>` + snippetOf(bob, "head") + snippetOf(bob, "meta") + `</head><body><p>` + snippetOf(bob, "link") + `</p></body></html>`,
		"feed.atom": `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><title>y</title>` + snippetOf(bob, "atom") + `</entry></feed>`,
		"feed.rss":  `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>x</title><item><title>y</title>` + snippetOf(bob, "rss") + `</item></channel></rss>`,
	}
	want := map[string][]string{
		"page.html": {"link-submit-auto", "head-rel-payment", "meta-flattr-id"}, "feed.atom": {"feed-rel-payment"}, "feed.rss": {"feed-rel-payment"},
	}
	var lines, names []string
	for name, text := range pages {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		lines = append(lines, fmt.Sprintf(`{"file": %q, "base_url": "https://bob.example/%s"}`, file, name))
	}
	out := json.NewDecoder(bytes.NewReader(node(t, lines, "../extension/tools/detect.mjs", "--ledger", strings.TrimPrefix(s.origin, "http://"))))
	for _, name := range names {
		var seen struct {
			Things int
			Found  []struct {
				Form, Owner, Title, Language string
				URL                          string `json:"thing_url"`
				FID                          string
			}
			Error string
		}
		if err := out.Decode(&seen); err != nil || seen.Error != "" {
			t.Fatalf("%s: %v %s", name, err, seen.Error)
		}
		var forms []string
		for _, found := range seen.Found {
			forms = append(forms, found.Form)
			if found.Form == "meta-flattr-id" {
				continue
			}
			if found.URL != url || found.Owner != "bob" || found.Title != `Fish & "chips"` || found.Language != "de_DE" {
				t.Errorf("%s: found %+v", name, found)
			}
		}
		slices.Sort(forms)
		slices.Sort(want[name])
		if !slices.Equal(forms, want[name]) || seen.Things != 1 {
			t.Errorf("%s: %d things in %q, want one in %q", name, seen.Things, forms, want[name])
		}
	}
}
