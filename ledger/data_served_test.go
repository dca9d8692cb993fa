package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// takeHome downloads everything and answers the files by name.
func (b *browser) takeHome() map[string]string {
	b.t.Helper()
	b.quiet("/settings/data")
	link := b.find(func(n *html.Node) bool { return n.Data == "a" && strings.HasSuffix(attr(n, "href"), ".zip") })
	response := b.get(attr(link, "href"))
	if b.status != http.StatusOK || response.Header.Get("Content-Type") != "application/zip" || !strings.Contains(response.Header.Get("Content-Disposition"), "attachment") {
		b.t.Fatalf("the download is %d, %v", b.status, response.Header)
	}
	z, err := zip.NewReader(strings.NewReader(b.text), int64(len(b.text)))
	if err != nil {
		b.t.Fatalf("read the download: %v", err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			b.t.Fatal(err)
		}
		name := strings.TrimPrefix(f.Name, "flattr/")
		if _, twice := files[name]; twice {
			b.t.Errorf("two files are called %s", name)
		}
		files[name] = string(raw)
	}
	return files
}

// A member takes everything home: all files can be read, both forms say the
// same, and nothing in them opens an account.
func TestAMemberTakesEverythingHome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s, ann := afterTwoYears(t, db)
		client := s.link(ann)
		files := ann.takeHome()
		var all strings.Builder
		for name, text := range files {
			all.WriteString(text)
			switch {
			case strings.HasSuffix(name, ".json"):
				if !json.Valid([]byte(text)) {
					t.Errorf("%s is no JSON:\n%.300s", name, text)
				}
			case strings.HasSuffix(name, ".csv"):
				rows := csv.NewReader(strings.NewReader(text))
				rows.Comma = ';'
				table, err := rows.ReadAll()
				if err != nil {
					t.Errorf("%s is no CSV: %v", name, err)
				}
				for _, row := range table {
					for _, cell := range row {
						if cell = strings.TrimSpace(cell); cell != "" && strings.Contains("=+@", cell[:1]) {
							t.Errorf("%s: a cell begins with %.20q", name, cell)
						}
					}
				}
				var same []any
				if err := json.Unmarshal([]byte(files[strings.TrimSuffix(name, ".csv")+".json"]), &same); name != "shares.csv" && (err != nil || len(same) != len(table)-1) {
					t.Errorf("%s has %d rows, and as JSON there are %d, %v", name, len(table)-1, len(same), err)
				}
			}
		}
		for _, name := range []string{"README.txt", "member.json", "events.json", "transfers.csv", "shares.csv", "sign_ins.json", "grants.json"} {
			if files[name] == "" {
				t.Errorf("there is no %s", name)
			}
		}
		var events, transfers, grants, signIns []map[string]any
		for name, to := range map[string]*[]map[string]any{"events.json": &events, "transfers.json": &transfers, "grants.json": &grants, "sign_ins.json": &signIns} {
			if err := json.Unmarshal([]byte(files[name]), to); err != nil {
				t.Fatal(err)
			}
		}
		if len(events) != 44 || len(transfers) != 23 || len(grants) != 1 || len(signIns) != 1 { // 11 holds, 11 gives and what was put in
			t.Errorf("%d events, %d transfers, %d grants and %d sign-ins:\n%s", len(events), len(transfers), len(grants), len(signIns), files["transfers.csv"])
		}
		id, hash, err := s.store.Password(t.Context(), "ann")
		if err != nil || id == 0 {
			t.Fatal(err)
		}
		if text := all.String(); strings.Contains(text, hash) || strings.Contains(text, "$argon2id") {
			t.Error("the download has the password's hash")
		}
		if _, _, err := client.Months(t.Context()); err != nil {
			t.Errorf("the companion after the download: %v", err)
		}
		for range 10 {
			ann.get("/settings/data/flattr.zip")
		}
		if ann.status != http.StatusTooManyRequests {
			t.Errorf("the tenth download at once is answered with %d", ann.status)
		}
		stranger := newBrowser(t, s.origin)
		if stranger.get("/settings/data/flattr.zip"); stranger.at.Path != "/signin" || bytes.HasPrefix([]byte(stranger.text), []byte("PK")) {
			t.Errorf("a stranger sees %s", stranger.at)
		}
	})
}

// Who leaves is told what stands in between, gives it away and is gone; the name
// and the password have to be typed.
func TestAMemberLeaves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db string) {
		s := startLedgerOn(t, db)
		ann, bob := s.join("ann", 12*money.Euro), s.join("bob", 0)
		ann.quiet("/settings/data")
		ann.wants("There is still money between you and the ledger.", "You have means of €12.00.", "Give it to another member")
		if ann.find(func(n *html.Node) bool { return attr(n, "id") == "delete" }) != nil {
			t.Error("the account can be deleted with means on it")
		}
		ann.do(http.MethodPost, "/settings/data/delete", map[string][]string{"name": {"ann"}, "password": {"correct horse"}})
		if ann.status != http.StatusConflict {
			t.Errorf("deletion with means is answered with %d", ann.status)
		}
		ann.wants("Nothing was deleted.")
		for _, c := range []struct{ to, password, says string }{
			{"bob", "wrong", "password"},
			{"nobody", "correct horse", "Nobody has that name"},
			{"ann", "correct horse", "That is you. Name another member."},
			{"<script>", "correct horse", "Nobody has that name"},
		} {
			ann.get("/settings/data")
			ann.submit("gift", map[string]string{"to": c.to, "password": c.password})
			if ann.status != http.StatusUnprocessableEntity {
				t.Errorf("a gift to %s is answered with %d", c.to, ann.status)
			}
			ann.wants(c.says)
		}
		ann.submit("gift", map[string]string{"to": "Bob", "password": "correct horse"})
		ann.wants("You gave €12.00 to Bob.")
		bob.get("/month")
		bob.wants("You have €12.00")

		for _, c := range []struct{ name, password, says string }{
			{"bob", "correct horse", "Type your own name: ann."}, {"", "correct horse", "Type your own name"}, {"ann", "wrong horse", "password"},
		} {
			ann.get("/settings/data")
			ann.submit("delete", map[string]string{"name": c.name, "password": c.password})
			if ann.status != http.StatusUnprocessableEntity {
				t.Errorf("deletion by %q is answered with %d", c.name, ann.status)
			}
			ann.wants(c.says)
		}
		if _, err := s.store.MemberByName(t.Context(), "ann"); err != nil {
			t.Fatalf("ann is gone too early: %v", err)
		}
		ann.speak("de")
		ann.quiet("/settings/data")
		ann.wants("Zur Bestätigung tipp deinen Namen: ann")
		ann.speak("en")
		ann.submit("delete", map[string]string{"name": "ANN", "password": "correct horse"})
		ann.wants("Your account is deleted", "deleted-", "Sign in")
		if _, err := s.store.MemberByName(t.Context(), "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("after the deletion ann is there: %v", err)
		}
		ann.get("/month")
		if ann.at.Path != "/signin" {
			t.Errorf("after the deletion the browser sees %s", ann.at)
		}
		if response := bob.do(http.MethodGet, "/settings/data/delete", nil); response.StatusCode == http.StatusOK {
			t.Error("the account can be deleted by a link")
		}
		ledger(t, "audit", "--db", s.db)
	})
}

// What is set aside for clicks of the running month is named before it is lost.
func TestWhoLeavesIsToldWhatIsSetAside(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 2*money.Euro)
	s.join("bob", 0)
	s.known("https://bob.example/", "T", "bob")
	page, err := s.store.ThingByURL(t.Context(), "https://bob.example/")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.store.MemberByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Record(t.Context(), s.clock(), m.ID, []flattr.Event{{ID: flattr.NewEventID(), Kind: flattr.KindClick, At: s.clock(), Thing: flattr.ThingRef{ID: page.ID}}}); err != nil {
		t.Fatal(err)
	}
	ann.quiet("/settings/data")
	ann.wants("€2.00 is set aside for months that are not settled.")
}
