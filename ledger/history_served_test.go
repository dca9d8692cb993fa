package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// hostileTitles are titles of people who want a page or a file to do something
// else than to show them.
var hostileTitles = []string{
	`</text><script>alert(1)</script>`, `</title></svg><script>alert(2)</script>`, "\u202egnp.exe \u2067\u200f", strings.Repeat("W", 10_000),
	`" onmouseover="alert(3)" '`, `=cmd|'/c calc'!A1`, "\t=1+1", "@SUM(1)", "＝1+1", `{{.}}`, "<!--", strings.Repeat("\"<&", 4_000),
}

// load loads lines of a world into the served ledger.
func (s *served) load(lines string) {
	s.t.Helper()
	name := filepath.Join(s.t.TempDir(), "world.ndjson")
	if err := os.WriteFile(name, []byte(lines), 0o600); err != nil {
		s.t.Fatal(err)
	}
	ledger(s.t, "load", "--db", s.db, name)
}

// jsonLine is a line of a world.
func jsonLine(t *testing.T, fields map[string]any) string {
	t.Helper()
	line, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

// twoYears is a world in which ann gives from November 2025 to October 2026 to
// bob and cyd, with hostile titles, and has one promise a month. In March she
// does nothing.
func twoYears(t *testing.T) string {
	t.Helper()
	var world strings.Builder
	line := func(fields map[string]any) { world.WriteString(jsonLine(t, fields)) }
	line(map[string]any{"type": "member", "name": "ann", "means": "100.00", "at": "2025-10-01T00:00:00Z"})
	line(map[string]any{"type": "member", "name": "bob", "at": "2025-10-01T00:00:00Z"})
	line(map[string]any{"type": "member", "name": "cyd", "at": "2025-10-01T00:00:00Z"})
	for i, title := range hostileTitles {
		line(map[string]any{"type": "thing", "url": fmt.Sprintf("https://bob.example/%d", i), "title": title, "owner": "bob", "at": "2025-10-01T00:00:00Z"})
	}
	line(map[string]any{"type": "thing", "url": "https://cyd.example/song", "title": "A Song", "owner": "cyd", "at": "2025-10-01T00:00:00Z"})
	id := 0
	click := func(url string, at time.Time) {
		id++
		line(map[string]any{"type": "click", "id": fmt.Sprintf("5e000000-0000-4000-8000-%012d", id), "reader": "ann", "url": url, "at": at.Format(time.RFC3339)})
	}
	for month := time.Date(2025, 11, 3, 12, 0, 0, 0, time.UTC); month.Before(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)); month = month.AddDate(0, 1, 0) {
		if month.Month() == time.March {
			continue
		}
		for i := range 2 {
			click(fmt.Sprintf("https://bob.example/%d", (int(month.Month())+i*6)%len(hostileTitles)), month.Add(time.Duration(i)*time.Hour))
		}
		click("https://cyd.example/song", month.Add(5*time.Hour))
		click("https://nobody.example/"+month.Format("2006-01"), month.Add(6*time.Hour))
	}
	return world.String()
}

// afterTwoYears is a served ledger in which the months of twoYears are settled, and
// ann's browser.
func afterTwoYears(t *testing.T, db string) (*served, *browser) {
	t.Helper()
	loadParts(t, db, twoYears(t), false)
	for month := flattr.Month(202511); month <= 202610; month = month.Next() {
		ledger(t, "settle", "--db", db, "--month", month.String(), "--now", "2026-11-10T00:00:00Z")
	}
	setPassword(t, db, "ann")
	ledger(t, "clock", "forget", "--db", db) // the machine's clock is not that of the tests
	s := startLedgerOn(t, db)
	return s, s.enter("ann")
}

// enter signs a member in who has the password of the tests.
func (s *served) enter(name string) *browser {
	s.t.Helper()
	b := newBrowser(s.t, s.origin)
	b.get("/signin")
	b.submit("signin", map[string]string{"name": name, "password": "correct horse"})
	if b.at.Path != "/month" {
		s.t.Fatalf("%s signs in and sees %s:\n%s", name, b.at, words(b.page))
	}
	return b
}

// speak chooses a language, as the link at the foot of each page does.
func (b *browser) speak(language string) {
	b.t.Helper()
	b.get("/language?" + url.Values{"to": {language}, "next": {b.at.RequestURI()}}.Encode())
}

// quiet holds that a page has nothing that runs and is not too large.
func (b *browser) quiet(path string) {
	b.t.Helper()
	resp := b.get(path)
	if b.status != http.StatusOK {
		b.t.Fatalf("%s is answered with %d:\n%s", path, b.status, words(b.page))
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		b.t.Errorf("%s has the policy %q", path, policy)
	}
	if len(b.text) >= 100_000 {
		b.t.Errorf("%s has %d bytes", path, len(b.text))
	}
	if strings.Contains(b.text, "%!") {
		b.t.Errorf("%s says a sentence with the wrong values:\n%s", path, words(b.page))
	}
	for n := range b.page.Descendants() {
		if n.Type == html.CommentNode {
			b.t.Errorf("%s has a comment %.80q", path, n.Data)
		}
		if n.Data == "script" || n.Data == "style" {
			b.t.Errorf("%s has a <%s>", path, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				b.t.Errorf("%s: <%s> has %s=%.60q", path, n.Data, a.Key, a.Val)
			}
		}
	}
	ids := map[string]bool{}
	for _, id := range b.all("id") {
		if ids[id] {
			b.t.Errorf("%s has two elements with the id %q", path, id)
		}
		ids[id] = true
	}
	for _, name := range []string{"aria-labelledby", "aria-describedby"} {
		for _, of := range b.all(name) {
			for _, id := range strings.Fields(of) {
				if !ids[id] {
					b.t.Errorf("%s: nothing has the id %q that %s names", path, id, name)
				}
			}
		}
	}
}

// Where did my money go: month by month, by author, click by click, on paper and
// as files, and all of them say the same to the unit.
func TestAReaderSeesWhereTheMoneyWent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		_, ann := afterTwoYears(t, db)
		ann.quiet("/month")
		ann.quiet("/history")
		ann.wants("October 2026", "November 2025", "What you gave in euros, November 2025 to October 2026", "settled", "4 November 2026", "€2.00", "€0.667")
		pictures, bars := 0, 0
		for n := range ann.page.Descendants() {
			if n.Data == "svg" && attr(n, "role") == "img" {
				pictures++
			}
			if n.Data == "rect" && attr(n, "class") == "chart-bar" {
				bars++
			}
		}
		if pictures != 2 || bars != 11 { // March has none
			t.Errorf("the page has %d pictures with %d bars, want 2 and 11", pictures, bars)
		}
		ann.quiet("/history/2026-10")
		ann.wants("October 2026, click by click", "It does not change any more", "by bob", "A Song", "promise")
		if undo := ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/undo" }); undo != nil {
			t.Error("a settled month has a form to undo")
		}
		ann.quiet("/history/2026-03")
		ann.wants("You flattred nothing in this month.")
		ann.quiet("/history/2026-10/statement")
		ann.wants("Statement for October 2026", "Reader ann", "Sheet 1 of 1", "Sum of all shares €2.00", "bob", "cyd")
		sum := ann.find(func(n *html.Node) bool { return attr(n, "data-sum") != "" })
		if sum == nil || attr(sum, "data-sum") != "2000000" {
			t.Errorf("the shares of the statement do not add up to the budget: %v", sum)
		}
		ann.quiet("/history/authors")
		ann.wants("In 2026 you gave €18.00. Authors who got it: 2.", "bob", "€12.00", "cyd", "€6.00")
		ann.quiet("/history/authors?year=2025")
		ann.wants("In 2025 you gave €4.00")
		ann.quiet("/history/promises")
		ann.wants("nobody.example/2026-10", "an author to claim it", "April 2027")
		ann.quiet("/subscriptions")
		ann.wants("You have no subscription.")
		ann.speak("de")
		for _, path := range []string{"/month", "/history", "/history/2026-10", "/history/2026-10/statement", "/history/authors", "/history/promises", "/history/clicks"} {
			ann.quiet(path)
		}
		ann.get("/history")
		ann.wants("Was du gegeben hast", "Oktober 2026", "4. November 2026", "2,00 €")
	})
}

func TestAReaderSearchesAllClicks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		_, ann := afterTwoYears(t, db)
		ann.quiet("/history/clicks")
		ann.wants("You have flattred 44 times.", "Page 1 of 2")
		ann.quiet("/history/clicks?page=2")
		ann.wants("Page 2 of 2", "3 November 2025")
		for query, want := range map[string]string{
			"song": "11 clicks found.", "SONG cyd": "11 clicks found.", "song bob": "0 clicks found.", "nobody.example/2026-10": "1 click found.",
			"alert(1)": "", "%": "0 clicks found.", "_": "0 clicks found.", "' OR 1=1": "0 clicks found.", "</p><script>": "", strings.Repeat("x", 5000): "0 clicks found.",
		} {
			ann.get("/history/clicks")
			ann.submit("search", nil)
			ann.quiet("/history/clicks?" + urlQuery("q", query))
			ann.wants(want)
		}
		for path, status := range map[string]int{
			"/history/2026-13": 404, "/history/x": 404, "/history/2026-10/": 404, "/history/authors?year=x": 404, "/history?before=x": 404,
			"/history/clicks?page=x": 200, "/history/clicks?page=-1": 200, "/history/clicks?page=99999999999": 200, "/history/clicks?page=77": 200,
			"/history/2026-11/statement": 404, "/history/2999-12": 200, "/history/authors?year=1999": 200,
		} {
			if ann.get(path); ann.status != status {
				t.Errorf("%s is answered with %d, want %d", path, ann.status, status)
			}
		}
	})
}

// The files say what the pages say, and a spreadsheet calculates nothing in them.
func TestAReaderTakesTheClicksHome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s, ann := afterTwoYears(t, db)
		response := ann.get("/history/clicks.csv")
		if got := response.Header.Get("Content-Disposition"); got != `attachment; filename="flattr-clicks-all.csv"` || response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the file is %q, %v", got, response.Header)
		}
		rows := csv.NewReader(strings.NewReader(ann.text))
		rows.Comma = ';'
		all, err := rows.ReadAll()
		if err != nil || len(all) != 45 || strings.Join(all[0], ";") != "period;click;url;title;author;share;late" {
			t.Fatalf("the file has %d rows, begins with %q, %v", len(all), all[0], err)
		}
		sums := map[string]money.Micro{}
		for _, row := range all[1:] {
			share, err := money.Parse(strings.Replace(row[5], ",", ".", 1)[:len(row[5])-4])
			if err != nil {
				t.Fatal(err)
			}
			var micro int
			fmt.Sscan(row[5][len(row[5])-4:], &micro)
			sums[row[0]] += share + money.Micro(micro)
			for _, cell := range row {
				if strings.ContainsAny(strings.TrimSpace(cell)[:min(1, len(strings.TrimSpace(cell)))], "=+-@") {
					t.Errorf("a cell begins with %.20q", cell)
				}
			}
		}
		if len(sums) != 11 {
			t.Errorf("the file has %d months, want 11", len(sums))
		}
		for month, sum := range sums {
			if sum != 2*money.Euro {
				t.Errorf("the shares of %s add up to %s", month, sum)
			}
		}
		if first, last := all[1][0], all[44][0]; first != "2025-11" || last != "2026-10" {
			t.Errorf("the file goes from %s to %s", first, last)
		}
		ann.get("/history/clicks.csv?month=2026-10")
		if want := ledger(t, "statement", "--reader", "ann", "--db", s.db, "--month", "2026-10", "--format", "csv"); ann.text != want {
			t.Errorf("the page hands out\n%s\nthe command writes\n%s", ann.text, want)
		}
		var months []struct {
			Month  string
			Budget money.Micro `json:"budget_micro"`
			Sum    money.Micro `json:"sum_micro"`
			Shares []struct{ Micro money.Micro }
		}
		ann.get("/history/clicks.json?year=2026")
		if err := json.Unmarshal([]byte(ann.text), &months); err != nil || len(months) != 9 || months[8].Month != "2026-10" || months[8].Sum != 2*money.Euro || len(months[8].Shares) != 4 {
			t.Errorf("the months of 2026 are %+v, %v", months, err)
		}
		ann.get("/history/clicks.json?year=1999")
		if strings.TrimSpace(ann.text) != "[]" {
			t.Errorf("a year without clicks is %q", ann.text)
		}
		for path, status := range map[string]int{"/history/clicks.csv?month=2026-11": 404, "/history/clicks.csv?month=x": 400} {
			if ann.get(path); ann.status != status {
				t.Errorf("%s is answered with %d, want %d", path, ann.status, status)
			}
		}
		s.setClock(s.clock().Add(time.Hour))
		for range 10 {
			ann.get("/history/clicks.csv")
		}
		if ann.status != http.StatusTooManyRequests {
			t.Errorf("the tenth file at once is answered with %d", ann.status)
		}
		bob := newBrowser(t, s.origin)
		if bob.get("/history/clicks.csv"); bob.at.Path != "/signin" {
			t.Errorf("a stranger sees %s", bob.at)
		}
	})
}

// setPassword gives a member the password of the tests.
func setPassword(t *testing.T, db, name string) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"member", "password", name, "--db", db}, strings.NewReader("correct horse\n"), &out, &errs); err != nil {
		t.Fatalf("member password = %v\n%s", err, errs.String())
	}
}

// urlQuery is one parameter of an address.
func urlQuery(name, value string) string { return url.Values{name: {value}}.Encode() }

// The largest lists stay small pages, whatever titles and addresses are.
func TestListsOfTheLongestTitlesAreSmallPages(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 50*money.Euro)
	s.join("bob", 0)
	m, err := s.store.MemberByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 45 {
		address := fmt.Sprintf("https://bob.example/%d?%s", i, strings.Repeat("a='b'&", 300))
		s.known(address, strings.Repeat(`"<&'題`, 100), "bob")
		if err := s.store.SubscribeTo(t.Context(), s.clock(), m.ID, flattr.NewEventID(), s.view(address).ID, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/month", "/history/2026-11", "/history/clicks", "/history/clicks?" + urlQuery("q", strings.Repeat(`" bob `, 5)), "/subscriptions"} {
		ann.quiet(path)
		if link := ann.find(func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/thing/") }); link == nil {
			t.Errorf("%s links to no thing of a long address", path)
		}
	}
}
