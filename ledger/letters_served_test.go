package main

import (
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"flattr/ledger/mail/mailtest"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// withMail lets a served ledger send letters through a server.
func withMail(t *testing.T, server *mailtest.Server) func(*serveOptions) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret of the mail server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(opt *serveOptions) {
		opt.post = postOptions{server: "smtp://flattr@" + server.Addr, from: "Flattr <flattr@ledger.test>", passwordFile: file, roots: server.Roots}
	}
}

// mailServer is one that asks who one is, over STARTTLS.
func mailServer(t *testing.T) *mailtest.Server {
	t.Helper()
	return mailtest.Start(t, mailtest.Options{StartTLS: true, User: "flattr", Password: "secret of the mail server"})
}

// letter waits for the letter of that number, the first being 1.
func letter(t *testing.T, server *mailtest.Server, number int) mailtest.Letter {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for end := time.After(time.Minute); ; {
		if letters := server.Letters(); len(letters) >= number {
			return letters[number-1]
		}
		select {
		case <-look.C:
		case <-end:
			t.Fatalf("letter %d does not come", number)
		}
	}
}

func subjectOf(l mailtest.Letter) string {
	subject, _ := new(mime.WordDecoder).DecodeHeader(l.Header.Get("Subject"))
	return subject
}

// linkIn is where a letter leads.
func linkIn(t *testing.T, l mailtest.Letter) *url.URL {
	t.Helper()
	found := regexp.MustCompile(`(?m)^http://127\.0\.0\.1:\S+$`).FindString(l.Text)
	u, err := url.Parse(found)
	if err != nil || found == "" {
		t.Fatalf("no link in\n%s", l.Text)
	}
	return u
}

// The story of an address: given, confirmed, used for a new password, replaced.
func TestAnAddressIsConfirmedAndOpensTheAccountAgain(t *testing.T) {
	server := mailServer(t)
	s := startLedger(t, withMail(t, server))
	ann := s.join("ann", 50*money.Euro)
	ann.get("/settings/mail")
	ann.wants("You get no letters.")
	ann.submit("address", map[string]string{"address": "ann@x.example", "password": "a guess"})
	ann.wants("That is not your password.")
	ann.submit("address", map[string]string{"address": "ann at x", "password": "correct horse"})
	ann.wants("This is no e-mail address.")
	ann.submit("address", map[string]string{"address": "ann@x.example", "password": "correct horse"})
	ann.wants("Look into your mail", "A letter with a link goes to ann@x.example.", "You get no letters.")
	first := letter(t, server, 1)
	if first.To != "ann@x.example" || subjectOf(first) != "Confirm your address for Flattr" || !first.TLS {
		t.Fatalf("the letter is %+v", first)
	}
	confirm := linkIn(t, first)
	reader := newBrowser(t, s.origin) // where the mail is read nobody is signed in
	reader.get(confirm.RequestURI())
	reader.wants("Letters for the member ann will go to ann@x.example.")
	if ann.get("/settings/mail"); strings.Contains(words(ann.page), "Letters go to ann@x.example") {
		t.Error("looking at the link has confirmed the address")
	}
	reader.get(confirm.RequestURI())
	reader.submit("confirm", nil)
	reader.wants("Confirmed. Letters go to ann@x.example from now on.")
	reader.get(confirm.RequestURI())
	reader.wants("This link does nothing any more")

	// The password is forgotten. Whether anybody is known is not told.
	said := map[string]string{}
	for _, who := range []string{"nobody", "nobody@x.example", "ann@x.example"} {
		reader.get("/signin/forgotten")
		reader.submit("forgotten", map[string]string{"who": who})
		said[who] = reader.text
	}
	if said["nobody"] != said["ann@x.example"] || said["nobody@x.example"] != said["ann@x.example"] {
		t.Errorf("the answers differ:\n%s\n%s", said["nobody"], said["ann@x.example"])
	}
	reset := linkIn(t, letter(t, server, 2))
	reader.get(reset.RequestURI())
	reader.submit("reset", map[string]string{"new": "another horse", "all": ""})
	reader.wants("Your new password is set")
	if ann.isIn() || !s.enters("ann", "another horse").isIn() {
		t.Error("the old session goes on, or the new password does not open")
	}
	if third := letter(t, server, 3); subjectOf(third) != "Your Flattr password was changed" || third.To != "ann@x.example" {
		t.Errorf("the third letter is %+v", third)
	}
	// A device that is linked is told of.
	ann = s.enters("ann", "another horse")
	s.link(ann)
	if l := letter(t, server, 4); subjectOf(l) != "A device was linked to your Flattr account" {
		t.Errorf("the letter about the device is %+v", l)
	}
	// The address before hears of the next.
	ann.get("/settings/mail")
	ann.submit("address", map[string]string{"address": "ann@y.example", "password": "another horse"})
	reader.get(linkIn(t, letter(t, server, 5)).RequestURI())
	reader.submit("confirm", nil)
	if l := letter(t, server, 6); subjectOf(l) != "Letters from Flattr do not come here any more" || l.To != "ann@x.example" {
		t.Errorf("the letter to the address before is %+v", l)
	}
	for _, secret := range []string{"x.example", "y.example", "secret of the mail server", confirm.Query().Get("token"), reset.Query().Get("token")} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if n := len(server.Letters()); n != 6 {
		t.Errorf("%d letters, want 6", n)
	}
}

// October, of which two readers and an author get a letter, one each.
const octoberOf = `{"type":"member","name":"ann","budget":"4.00","means":"10.00","at":"2026-10-01T00:00:00Z"}
{"type":"member","name":"bob","means":"10.00","at":"2026-10-01T00:00:00Z"}
{"type":"member","name":"cyd","at":"2026-10-01T00:00:00Z"}
{"type":"thing","url":"https://bob.example/1","title":"One","owner":"bob","at":"2026-10-01T00:00:00Z"}
{"type":"thing","url":"https://bob.example/2","title":"Two","owner":"bob","at":"2026-10-01T00:00:00Z"}
{"type":"thing","url":"https://cyd.example/","title":"Song","owner":"cyd","at":"2026-10-01T00:00:00Z"}
{"type":"click","id":"5e000000-0000-4000-8000-000000000001","reader":"ann","url":"https://bob.example/1","at":"2026-10-03T00:00:00Z"}
{"type":"click","id":"5e000000-0000-4000-8000-000000000002","reader":"ann","url":"https://bob.example/2","at":"2026-10-03T00:00:00Z"}
{"type":"click","id":"5e000000-0000-4000-8000-000000000003","reader":"ann","url":"https://cyd.example/","at":"2026-10-03T00:00:00Z"}
{"type":"click","id":"5e000000-0000-4000-8000-000000000004","reader":"ann","url":"https://nobody.example/","at":"2026-10-03T00:00:00Z"}
`

// Each member has one summary of a closed month, and can be rid of the next by one
// click of their mail program.
func TestAMonthThatIsClosedIsSummarisedOnce(t *testing.T) {
	server, db := mailServer(t), storetest.SQLite(t)
	loadParts(t, db, octoberOf, false)
	for _, name := range []string{"ann", "bob", "cyd"} {
		setPassword(t, db, name)
	}
	ledger(t, "clock", "forget", "--db", db)
	s := startLedgerOn(t, db, withMail(t, server))
	number := 0
	for _, name := range []string{"ann", "bob"} {
		b := s.enters(name, "correct horse")
		b.get("/settings/mail")
		b.submit("address", map[string]string{"address": name + "@x.example", "password": "correct horse"})
		number++
		b.get(linkIn(t, letter(t, server, number)).RequestURI())
		b.submit("confirm", nil)
	}
	ledger(t, "settle", "--db", db, "--month", "2026-10", "--now", "2026-11-10T00:00:00Z")
	ledger(t, "clock", "forget", "--db", db)
	// Another process looks for the same.
	other := startLedgerOn(t, db, withMail(t, server))
	s.setClock(s.clock().Add(2 * time.Minute))
	other.setClock(other.clock().Add(2 * time.Minute))
	letters := map[string]mailtest.Letter{}
	for i := range 2 {
		l := letter(t, server, number+i+1)
		letters[l.To] = l
	}
	anns := letters["ann@x.example"]
	if subjectOf(anns) != "Your October 2026 on Flattr" {
		t.Fatalf("ann's letter is %+v", anns)
	}
	for _, part := range []string{"You flattred 3 times and gave €4.00.", "Author: Clicks · Share", "bob: 2 · €2.667", "cyd: 1 · €1.333", "/history/2026-10"} {
		if !strings.Contains(anns.Text, part) {
			t.Errorf("ann's summary does not say %q:\n%s", part, anns.Text)
		}
	}
	if bobs := letters["bob@x.example"]; !strings.Contains(bobs.Text, "/revenue") || !strings.Contains(bobs.Text, "Readers gave you €2.67, after the fee.") && !strings.Contains(bobs.Text, "Readers gave you €2.667, after the fee.") {
		t.Errorf("bob's summary does not say what he earned:\n%s", bobs.Text)
	}
	if anns.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("header = %v", anns.Header)
	}
	leave, err := url.Parse(strings.Trim(anns.Header.Get("List-Unsubscribe"), "<>"))
	if err != nil || leave.Path != "/mail/unsubscribe" || !strings.Contains(anns.Text, leave.String()) {
		t.Fatalf("List-Unsubscribe: %v, %v", leave, err)
	}
	ann := s.enters("ann", "correct horse")
	ann.get(leave.RequestURI())
	ann.wants("Shall the summary of each month stop?")
	ann.get("/settings/mail")
	if !strings.Contains(ann.text, ` checked`) {
		t.Error("looking at the page has ended the summaries")
	}
	// As a mail program does it: no cookie, no origin, and either form of body.
	for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		body := "List-Unsubscribe=One-Click"
		if strings.HasPrefix(kind, "multipart") {
			body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"
		}
		resp, err := http.Post(s.origin+leave.RequestURI(), kind, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("one click is answered with %d, %v", resp.StatusCode, err)
		}
	}
	ann.get("/settings/mail")
	if strings.Contains(ann.text, ` checked`) {
		t.Error("one click has not ended the summaries")
	}
	ann.get("/mail/unsubscribe?token=" + leave.Query().Get("token")[:20])
	ann.wants("This link does nothing any more")
	// Nobody gets a second one.
	s.setClock(s.clock().Add(10 * time.Minute))
	s.enters("bob", "correct horse").do(http.MethodPost, "/settings/signin/password", url.Values{"old": {"correct horse"}, "new": {"another horse"}})
	if l := letter(t, server, number+3); subjectOf(l) != "Your Flattr password was changed" {
		t.Errorf("the letter after the summaries is %q to %s", subjectOf(l), l.To)
	}
}

// Without mail everything else works, and says so.
func TestALedgerWithoutMailSaysSo(t *testing.T) {
	s := startLedger(t)
	ann := s.join("ann", 0)
	ann.get("/settings/mail")
	ann.wants("This ledger sends no letters.")
	ann.do(http.MethodPost, "/settings/mail", url.Values{"address": {"ann@x.example"}, "password": {"correct horse"}})
	ann.wants("This ledger sends no letters.")
	ann.get("/signin/forgotten")
	ann.wants("This ledger sends no mail. Ask its operator for a link")
	ann.do(http.MethodPost, "/signin/forgotten", url.Values{"who": {"ann"}})
	ann.wants("This ledger sends no mail.")
}
