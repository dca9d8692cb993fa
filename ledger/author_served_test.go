package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// An author looks up what every thing brought, in order and by month, also where
// titles want something else; nobody sees another author's.
func TestAnAuthorSeesWhatEveryThingBrought(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s, _ := afterTwoYears(t, db)
		setPassword(t, db, "bob")
		setPassword(t, db, "cyd")
		bob, cyd := s.enter("bob"), s.enter("cyd")
		bob.quiet("/things")
		bob.wants("12 things are yours.", "November 2026", "October 2026", "€0.667")
		micros := bob.all("data-micro")
		if len(micros) != 24 || micros[0] != "0" || micros[1] != "666667" && micros[1] != "666666" {
			t.Errorf("the amounts of the things are %v", micros)
		}
		bob.quiet("/things?" + urlQuery("q", "cmd|"))
		bob.wants("1 thing found.")
		bob.quiet("/things?" + urlQuery("q", "</p><script>alert(1)"))
		bob.quiet("/things?page=9")
		cyd.quiet("/things")
		link := cyd.find(func(n *html.Node) bool { return n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/things/") })
		if link == nil {
			t.Fatalf("cyd has no thing:\n%s", words(cyd.page))
		}
		cyd.quiet(attr(link, "href"))
		cyd.wants("A Song", "Your revenue of all time, with the preview €7.333", "All of it is yours.", "so that nobody is picked out")
		if got := len(cyd.all("data-month")); got != 12 { // the running one, and eleven
			t.Errorf("the thing has %d months, want 12", got)
		}
		if bob.get(attr(link, "href")); bob.status != http.StatusNotFound {
			t.Errorf("another author's thing is answered with %d", bob.status)
		}
		bob.get("/things")
		paths := []string{}
		for n := range bob.page.Descendants() {
			if n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/things/") {
				paths = append(paths, attr(n, "href"))
			}
		}
		for _, path := range paths { // hostile titles, all of them
			bob.quiet(path)
		}
		bob.quiet("/revenue")
		bob.wants("Your net revenue in euros, November 2025 to October 2026", "Clicks, November 2025 to October 2026", "2026 18 €12.00 €12.00", "2025 4 €2.667 €2.667",
			"October 2026 CSV · JSON 2 €1.333", "October 2026 settled")
		bob.quiet("/revenue?month=2026-02")
		bob.wants("February 2026 settled")
		for _, month := range []string{"2026-03", "2026-11", "x"} { // none, open, and no month
			bob.quiet("/revenue?month=" + month)
			bob.wants("October 2026 settled")
		}
		bob.lang = "de"
		for _, path := range append(paths[:2], "/things", "/revenue", "/parts") {
			bob.quiet(path)
		}
		for path, status := range map[string]int{"/things/0": 404, "/things/x": 404, "/things/99999999999999999": 404, "/things/12": 404} {
			if bob.get(path); bob.status != status {
				t.Errorf("%s is answered with %d, want %d", path, bob.status, status)
			}
		}
	})
}

// The owner of a thing names co-authors with percentages; they see it, cannot
// flattr it, get what the page said, and can give it back.
func TestAnOwnerSharesWithCoAuthors(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann, bob, cyd := s.join("ann", 10*money.Euro), s.join("bob", 0), s.join("cyd", 10*money.Euro)
		s.load(jsonLine(t, map[string]any{"type": "thing", "url": "https://bob.example/song", "title": `</td><script>"Song"`, "owner": "bob", "at": "2026-11-01T00:00:00Z"}))
		bob.get("/parts")
		bob.submit("share", map[string]string{"url": "https://bob.example/song"}) // a GET form
		bob.quiet("/parts/edit?" + urlQuery("url", "https://bob.example/song"))
		form := bob.find(func(n *html.Node) bool { return attr(n, "id") == "share" })
		if form == nil {
			t.Fatalf("no form on\n%s", words(bob.page))
		}
		password := "correct horse"
		share := func(do string, rows ...[2]string) {
			t.Helper()
			values := map[string][]string{"url": {"https://bob.example/song"}, "do": {do}}
			for _, row := range rows {
				values["name"], values["percent"] = append(values["name"], row[0]), append(values["percent"], row[1])
			}
			values["password"] = []string{password}
			bob.do(http.MethodPost, "/parts/edit", values)
		}
		for want, rows := range map[string][][2]string{
			"add up to 99.99%": {{"bob", "66.66"}, {"cyd", "33.33"}},
			"Nobody here":      {{"bob", "50"}, {"<script>", "50"}},
			"no percentage":    {{"bob", "66.667"}, {"cyd", "33.333"}},
			"named twice":      {{"bob", "50"}, {"BOB", "50"}},
			"not among them":   {{"cyd", "100"}},
			"has no perc":      {{"bob", "100"}, {"cyd", "0"}},
		} {
			if share("save", rows...); bob.status != http.StatusUnprocessableEntity {
				t.Errorf("%v is answered with %d", rows, bob.status)
			}
			bob.wants(want)
		}
		share("look", [2]string{"bob", "66,67"}, [2]string{"cyd", "33.33 %"})
		bob.wants("Nothing is saved yet", "next freeze", "of a click of €0.20", "€0.133", "€0.067")
		if got := bob.all("data-micro"); len(got) < 2 || got[0] != "133340" || got[1] != "66660" {
			t.Errorf("a click becomes %v", got)
		}
		cyd.get("/parts")
		if strings.Contains(words(cyd.page), "bob.example") {
			t.Error("what was only looked at is saved")
		}
		if got := send(t, s.link(cyd), click(s.clock(), thingAt("https://bob.example/song"))).Results[0]; got.Outcome != "accepted" {
			t.Fatalf("click = %+v", got)
		}
		password = "a guess"
		if share("save", [2]string{"bob", "66,67"}, [2]string{"cyd", "33.33"}); bob.status != http.StatusUnprocessableEntity {
			t.Errorf("without the password parts are answered with %d", bob.status)
		}
		bob.wants("That is not your password.", "Nothing is saved yet")
		cyd.get("/parts")
		if strings.Contains(words(cyd.page), "bob.example") {
			t.Error("without the password parts are saved")
		}
		password = "correct horse"
		share("save", [2]string{"bob", "66,67"}, [2]string{"cyd", "33.33"})
		bob.wants("The parts of bob.example/song are saved.", "cyd : 33.33%")
		cyd.quiet("/month")
		cyd.wants("€10.00") // the click is void and the means are back
		if got := send(t, s.link(cyd), click(s.clock(), thingAt("https://bob.example/song"))).Results[0]; got.Code != string(flattr.OwnThing) {
			t.Errorf("a co-author's click = %+v", got)
		}
		send(t, s.link(ann), click(s.clock(), thingAt("https://bob.example/song")))
		cyd.quiet("/things")
		cyd.wants("your part: 33.33%", "€0.667")
		cyd.quiet(attr(cyd.find(func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/things/") }), "href"))
		cyd.wants("This belongs to bob", "66.67%")
		// Whoever is not the owner is refused.
		for _, path := range []string{"/parts/edit?" + urlQuery("url", "https://bob.example/song"), "/parts/edit?" + urlQuery("url", "https://bob.example/")} {
			if cyd.get(path); cyd.status != http.StatusForbidden {
				t.Errorf("%s is answered with %d", path, cyd.status)
			}
		}
		s.setClock(time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC))
		ledger(t, "clock", "forget", "--db", db)
		ledger(t, "settle", "--db", db, "--month", "2026-11", "--now", "2026-12-05T00:00:00Z")
		cyd.quiet("/revenue")
		cyd.wants("€0.667")
		cyd.get("/parts")
		cyd.send(cyd.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/parts/back" }), nil)
		cyd.wants("You gave your part of bob.example/song back.")
		bob.get("/parts")
		if strings.Contains(words(bob.page), "cyd") {
			t.Errorf("after it was given back:\n%s", words(bob.page))
		}
		ledger(t, "audit", "--db", db) // fails where something is wrong
	})
}

// What only a button says is listed as not proved, with what is missing.
func TestAnAuthorSeesWhatIsNotProved(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 10*money.Euro), s.join("Bob", 0)
	companion := s.link(ann)
	for i := range 3 {
		thing := thingAt(fmt.Sprintf("https://said.example/%d", i))
		thing.Owner = "bob"
		send(t, companion, click(s.clock(), thing))
	}
	bob.quiet("/things")
	bob.wants("3 things are yours.", "not proved", "1 promise")
	bob.quiet(attr(bob.find(func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href"), "/things/") }), "href"))
	bob.wants("it is not proved", "Promises that wait 1")
	ann.quiet("/things")
	ann.wants("No thing is yours yet.")
}

// thingAt is a thing as a companion names it.
func thingAt(url string) api.Thing { return api.Thing{URL: url} }

// An author says thanks once; those who flattred in that month see it, as text,
// and can do without.
func TestAnAuthorSaysThanks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann, bob, cyd := s.join("ann", 10*money.Euro), s.join("bob", 0), s.join("cyd", 10*money.Euro)
		s.load(jsonLine(t, map[string]any{"type": "thing", "url": "https://bob.example/1", "owner": "bob", "at": "2026-11-01T00:00:00Z"}) +
			jsonLine(t, map[string]any{"type": "thing", "url": "https://bob.example/2", "owner": "bob", "at": "2026-11-01T00:00:00Z"}))
		companion := s.link(ann)
		send(t, companion, click(s.clock(), thingAt("https://bob.example/1")), click(s.clock(), thingAt("https://bob.example/2")))
		bob.quiet("/notes")
		bob.submit("note-2026-11", map[string]string{"text": strings.Repeat("ü", 501)})
		bob.wants("longer than 500 characters")
		bob.submit("note-2026-11", map[string]string{"text": "Thank you!\r\n\r\n<script>alert(1)</script> https://spam.example \u202e"})
		bob.wants("Your word of thanks for November 2026 is saved.")
		bob.do(http.MethodPost, "/notes", map[string][]string{"month": {"2026-09"}, "text": {"late"}})
		if bob.status != http.StatusUnprocessableEntity {
			t.Errorf("a note for an old month is answered with %d", bob.status)
		}
		sees := func(b *browser, path string, want int) {
			t.Helper()
			b.quiet(path)
			if got := len(b.all("data-author")); got != want {
				t.Errorf("%s shows %d notes, want %d:\n%s", path, got, want, words(b.page))
			}
		}
		sees(ann, "/history/2026-11", 1)
		ann.wants("1 author thanks you for November 2026", "<script>alert(1)</script> https://spam.example")
		if ann.find(func(n *html.Node) bool { return strings.Contains(attr(n, "href"), "spam") }) != nil {
			t.Error("an address in a note is a link")
		}
		ann.quiet("/month")
		ann.wants("1 author thanks you for November 2026")
		sees(ann, "/history/2026-10", 0)
		sees(cyd, "/history/2026-11", 0)
		s.setClock(time.Date(2026, 12, 5, 0, 0, 0, 0, time.UTC))
		ledger(t, "clock", "forget", "--db", db)
		ledger(t, "settle", "--db", db, "--month", "2026-11", "--now", "2026-12-05T00:00:00Z")
		sees(ann, "/history/2026-11", 1)
		ann.send(ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/notes/mute" }), nil)
		ann.wants("You will see no more notes of bob.")
		sees(ann, "/history/2026-11", 0)
		ann.quiet("/notes")
		ann.send(ann.find(func(n *html.Node) bool { return n.Data == "form" && attr(n, "action") == "/notes/mute" }), nil)
		ann.wants("You see notes of bob again.")
		sees(ann, "/history/2026-11", 1)
		bob.get("/notes")
		bob.submit("note-2026-11", map[string]string{"text": "  "})
		sees(ann, "/history/2026-11", 0)
	})
}

// An author says where to be paid, with the password, and gives revenue on; the
// books stay right.
func TestAnAuthorSaysWhereToPay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s, _ := afterTwoYears(t, db)
		setPassword(t, db, "bob")
		bob := s.enter("bob")
		bob.quiet("/payout")
		bob.wants("You have not said yet where to pay", "Credited to you €14.667", "Can be paid out €14.66 From €10.00 on it is paid out", "Revenue of October 2026 ")
		set := func(want string, fill map[string]string) {
			t.Helper()
			bob.get("/payout")
			bob.submit("payout", fill)
			bob.wants(want)
			if strings.Contains(bob.text, "044532013000") || strings.Contains(bob.text, "0440532013000") && bob.status == http.StatusOK {
				t.Errorf("the whole IBAN is shown:\n%s", words(bob.page))
			}
		}
		good := map[string]string{"to": "bank", "iban": "de89 3704 0044 0532 0130 00", "holder": `Bob "<script>`, "password": "correct horse"}
		with := func(name, value string) map[string]string {
			fill := maps.Clone(good)
			fill[name] = value
			return fill
		}
		set("This is not an IBAN", with("iban", "DE89370400440532013001"))
		set("Name the holder of the account", with("holder", " "))
		set("password", with("password", "wrong"))
		bob.get("/payout")
		bob.wants("You have not said yet where to pay")
		set("It holds from 29 November 2026 on.", good)
		bob.wants("•••• 3000", `Bob "<script>`, "nothing is paid there before 29 November")
		set("To my means", with("to", "means"))
		bob.quiet("/payout")
		bob.wants("Targets so far", "•••• 3000")
		// Revenue becomes means, and once only. What the form offers, it takes.
		if offered := attr(bob.find(func(n *html.Node) bool { return attr(n, "id") == "amount" }), "value"); offered != "14.66" {
			t.Errorf("the form offers %q, want whole cents", offered)
		}
		bob.submit("use-revenue", map[string]string{"amount": "20"})
		bob.wants("more than can be moved")
		bob.get("/payout")
		form := bob.find(func(n *html.Node) bool { return attr(n, "id") == "use-revenue" })
		bob.send(form, map[string]string{"amount": "10,00"})
		bob.wants("€10.00 moved to your means.", "Credited to you €4.667", "Can be paid out €0.00", "€5.333 are still missing.", "To my means 22 November 2026 -€10.00")
		bob.send(form, map[string]string{"amount": "4.00"})
		bob.wants("This has been moved already.")
		bob.get("/month")
		bob.wants("€10.00")
		setPassword(t, db, "cyd")
		cyd := s.enter("cyd")
		cyd.get("/settings/data")
		cyd.submit("gift", map[string]string{"to": "bob", "password": "correct horse"})
		cyd.quiet("/payout")
		cyd.wants("Gift to bob 22 November 2026 -€7.333", "There is no revenue that can be moved now.")
		ledger(t, "audit", "--db", db) // fails where something is wrong
		bob.lang = "de"
		bob.quiet("/payout")
		if micros := bob.all("data-micro"); len(micros) == 0 || micros[0] != "-10000000" {
			t.Errorf("what came and left is %v", micros) // a gift of another goes to means, and is none of this
		}
	})
}

// However long the titles and addresses of an author and of those who share with
// the author are, pages stay small.
func TestPagesOfAuthorsStaySmall(t *testing.T) {
	s := startLedger(t)
	ann, bob := s.join("ann", 100*money.Euro), s.join("bob", 0)
	s.join("cyd", 0)
	var world strings.Builder
	var clicks []api.Event
	for i := range 40 {
		address := fmt.Sprintf("https://bob.example/%02d?%s", i, strings.Repeat("&", 470))
		world.WriteString(jsonLine(t, map[string]any{"type": "thing", "url": address, "title": strings.Repeat(`"<&`, 100), "owner": "bob", "at": "2026-11-01T00:00:00Z"}))
		world.WriteString(jsonLine(t, map[string]any{"type": "parts", "url": address, "parts": []map[string]any{{"author": "bob", "bp": 5000}, {"author": "cyd", "bp": 5000}}, "at": "2026-11-01T00:00:00Z"}))
		clicks = append(clicks, click(s.clock(), thingAt(address)))
	}
	s.load(world.String())
	send(t, s.link(ann), clicks...)
	setPassword(t, s.db, "cyd")
	for _, b := range []*browser{bob, s.enter("cyd")} {
		for _, path := range []string{"/things", "/things?page=2", "/parts", "/parts?page=2", "/revenue", "/notes", "/payout"} {
			b.quiet(path)
		}
	}
}
