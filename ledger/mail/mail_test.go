package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/mail/mailtest"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/programtest"
)

// office is a ledger that sends letters.
type office struct {
	t      *testing.T
	store  *store.Store
	server *mailtest.Server
	now    time.Time
	log    *programtest.Output
	config Config
	post   *Post
}

// openAt makes an office on a database whose letters go to a server.
func openAt(t *testing.T, where string, server *mailtest.Server, set ...func(*Server)) *office {
	t.Helper()
	st, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	o := &office{t: t, store: st, server: server, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), log: &programtest.Output{}}
	address, err := ParseServer("smtp://"+server.Addr, "Flattr <flattr@ledger.test>")
	if err != nil {
		t.Fatal(err)
	}
	address.Roots = server.Roots
	for _, change := range set {
		change(&address)
	}
	o.config = Config{
		Store: st, Server: address, Public: &url.URL{Scheme: "https", Host: "ledger.test"},
		Format: Format{
			Euro:   func(language string, m money.Micro) string { return language + ":" + m.String() },
			Month:  func(_ string, m flattr.Month) string { return m.String() },
			Moment: func(_ string, at time.Time) string { return at.UTC().Format(time.DateTime) },
		},
		Now: func() time.Time { return o.now }, Log: slog.New(slog.NewJSONHandler(o.log, nil)),
	}
	if o.post, err = NewPost(t.Context(), o.config); err != nil {
		t.Fatal(err)
	}
	return o
}

func open(t *testing.T, server *mailtest.Server, set ...func(*Server)) *office {
	t.Helper()
	return openAt(t, storetest.SQLite(t), server, set...)
}

// join makes a member of that name and language.
func (o *office) join(name, language string) flattr.MemberID {
	o.t.Helper()
	invites, err := o.store.MintInvites(o.t.Context(), o.now, 1, 0)
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := o.store.SignUp(o.t.Context(), o.now, store.SignUp{Name: name, PasswordHash: "x", InviteCode: invites[0].Code, Language: language})
	if err != nil {
		o.t.Fatal(err)
	}
	return m.ID
}

// address gives a member a confirmed address, without a letter.
func (o *office) address(member flattr.MemberID, address string) {
	o.t.Helper()
	token, err := o.store.MakeLink(o.t.Context(), o.now, store.Link{Kind: store.LinkConfirm, Member: member, Address: address, Expires: o.now.Add(time.Hour)})
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.store.ConfirmAddress(o.t.Context(), o.now, token); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) turn() {
	o.t.Helper()
	if err := o.post.Turn(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// changed has a member told that the password was changed.
func (o *office) changed(member flattr.MemberID) {
	o.t.Helper()
	if err := o.store.ChangePassword(o.t.Context(), o.now, member, "h", store.Exit{}); err != nil {
		o.t.Fatal(err)
	}
}

var tokenIn = regexp.MustCompile(`https://ledger\.test/(\S+)\?token=(\w+)`)

// An address is confirmed by the link of its letter, whose secret is nowhere else.
func TestALetterConfirmsAnAddress(t *testing.T) {
	o := open(t, mailtest.Start(t, mailtest.Options{}))
	ann := o.join("ann", "de")
	if err := o.store.AskAddress(t.Context(), o.now, ann, "ann@x.example"); err != nil {
		t.Fatal(err)
	}
	o.turn()
	letters := o.server.Letters()
	if len(letters) != 1 || letters[0].To != "ann@x.example" || letters[0].From != "flattr@ledger.test" {
		t.Fatalf("letters = %+v", letters)
	}
	l := letters[0]
	subject, _ := new(mime.WordDecoder).DecodeHeader(l.Header.Get("Subject"))
	found := tokenIn.FindStringSubmatch(l.Text)
	if subject != "Bestätige deine Adresse für Flattr" || found == nil || found[1] != "mail/confirm" || !strings.Contains(l.HTML, found[0]) {
		t.Fatalf("%q\n%s\n%s", subject, l.Text, l.HTML)
	}
	for _, never := range []string{"<img", "http://", "url(", "<script", "@import"} {
		if strings.Contains(l.HTML, never) {
			t.Errorf("the letter has %s:\n%s", never, l.HTML)
		}
	}
	if l.Header.Get("Auto-Submitted") != "auto-generated" || l.Header.Get("List-Unsubscribe") != "" || !strings.HasSuffix(l.Header.Get("Message-Id"), "@ledger.test>") {
		t.Errorf("header = %v", l.Header)
	}
	if link, err := o.store.ConfirmAddress(t.Context(), o.now, found[2]); err != nil || link.Member != ann {
		t.Errorf("ConfirmAddress = %+v, %v", link, err)
	}
	o.turn()
	if n := len(o.server.Letters()); n != 1 {
		t.Errorf("%d letters, want no second one", n)
	}
	if text := o.log.String(); strings.Contains(text, "ann") || strings.Contains(text, found[2]) {
		t.Errorf("the log names a member or a link:\n%s", text)
	}
}

// All kinds of letters have their words in both languages.
func TestEveryLetterIsWrittenInBothLanguages(t *testing.T) {
	o := open(t, mailtest.Start(t, mailtest.Options{}))
	ann := o.join("ann", "en")
	for _, language := range []string{"en", "de"} {
		for _, kind := range []store.LetterKind{
			store.LetterConfirm, store.LetterReset, store.LetterPassword, store.LetterPasskey, store.LetterPasskeyGone,
			store.LetterAllowed, store.LetterPayout, store.LetterAddress, store.LetterGift, store.LetterShared, store.LetterParts, store.LetterDeleted,
		} {
			message, err := o.post.letters.compose(t.Context(), store.Letter{
				Kind: kind, Member: ann, Name: "ann", Language: language, Address: "a@x.example", Detail: "1230000 name", Made: o.now,
			})
			if err != nil {
				t.Fatalf("%s in %s: %v", kind, language, err)
			}
			var text strings.Builder
			if _, err := message.WriteTo(&text); err != nil {
				t.Fatal(err)
			}
			if regexp.MustCompile(`\{\w+\}`).MatchString(text.String()) {
				t.Errorf("%s in %s is not filled in:\n%s", kind, language, text.String())
			}
		}
	}
	en, de := o.post.letters.words["en"], o.post.letters.words["de"]
	holes := regexp.MustCompile(`\{\w+\}`)
	for kind, said := range en {
		other := de[kind]
		if len(said.Lines) != len(other.Lines) || len(said.After) != len(other.After) || (said.Subject == "") != (other.Subject == "") || (said.Link == "") != (other.Link == "") {
			t.Errorf("%s says more in one language than in the other", kind)
			continue
		}
		for i := range said.Lines {
			if a, b := len(holes.FindAllString(said.Lines[i], -1)), len(holes.FindAllString(other.Lines[i], -1)); a != b {
				t.Errorf("%s, line %d: %d values in English, %d in German", kind, i, a, b)
			}
		}
	}
}

// Names that others gave do not become headers, recipients, markup or lines.
func TestNamesCannotWriteIntoALetter(t *testing.T) {
	o := open(t, mailtest.Start(t, mailtest.Options{}))
	ann := o.join("ann", "en")
	o.address(ann, "ann@x.example")
	for i, name := range []string{
		"x\r\nBcc: eve@x.example", "x\nSubject: cheap\n\nbody", "\r\n.\r\nMAIL FROM:<eve@x.example>", "<script>alert(1)</script><img src=//e.example>",
		"\u202egnp.exe", "{address} {link} %s %d", "=?utf-8?q?Bcc:_eve?=", "--boundary--\r\nContent-Type: text/html",
	} {
		key := store.Passkey{ID: []byte{byte(i)}, Member: ann, Name: name, PublicKey: []byte{1}}
		if err := o.store.AddPasskey(t.Context(), o.now, key); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		o.turn()
		letters := o.server.Letters()
		if len(letters) != i+1 {
			t.Fatalf("%q: %d letters, want %d", name, len(letters), i+1)
		}
		l := letters[i]
		if l.To != "ann@x.example" || l.Header.Get("Bcc") != "" || l.Header.Get("Subject") != "A passkey was added to your Flattr account" || len(l.Header) > 10 {
			t.Errorf("%q makes headers %v", name, l.Header)
		}
		if strings.Contains(l.HTML, "<script") || strings.Contains(l.HTML, "<img") || strings.Contains(l.HTML+l.Text, "\u202e") || strings.Contains(l.Text, "ann@x.example") {
			t.Errorf("%q makes\n%s\n%s", name, l.Text, l.HTML)
		}
		if lines := strings.Count(l.Text, "\n"); lines > 20 {
			t.Errorf("%q makes %d lines:\n%s", name, lines, l.Text)
		}
	}
}

// What a server asks for is kept: TLS, by one of both ways, and who we are.
func TestLettersGoByTLSToWhoWeTrust(t *testing.T) {
	for name, c := range map[string]struct {
		options mailtest.Options
		set     func(*Server)
		ok      bool
	}{
		"TLS from the start":    {mailtest.Options{TLS: true, User: "u", Password: "secret"}, func(s *Server) { s.TLS = true }, true},
		"STARTTLS":              {mailtest.Options{StartTLS: true, User: "u", Password: "secret"}, func(*Server) {}, true},
		"no TLS and a password": {mailtest.Options{User: "u", Password: "secret"}, func(*Server) {}, false},
		"a wrong password":      {mailtest.Options{StartTLS: true, User: "u", Password: "other"}, func(*Server) {}, false},
		"nobody vouches":        {mailtest.Options{TLS: true}, func(s *Server) { s.TLS, s.Roots, s.User = true, nil, "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t, mailtest.Start(t, c.options), func(s *Server) {
				s.User, s.Password = "u", "secret"
				c.set(s)
			})
			ann := o.join("ann", "en")
			o.address(ann, "ann@x.example")
			o.changed(ann)
			o.turn()
			letters := o.server.Letters()
			if (len(letters) == 1) != c.ok {
				t.Fatalf("%d letters, want one: %v\n%s", len(letters), c.ok, o.log)
			}
			if c.ok && !letters[0].TLS {
				t.Error("the letter came in the clear")
			}
			if strings.Contains(o.log.String(), "secret") || strings.Contains(o.log.String(), "ann") {
				t.Errorf("the log tells too much:\n%s", o.log)
			}
		})
	}
}

// A server that cannot just now is asked again, later and later; one that does
// not want to is believed.
func TestLettersAreTriedAgain(t *testing.T) {
	o := open(t, mailtest.Start(t, mailtest.Options{}))
	ann, bob := o.join("ann", "en"), o.join("bob", "en")
	o.address(ann, "ann@x.example")
	o.address(bob, "bob@x.example")
	greylisted := true
	o.server.OnRcpt(func(to string) error {
		switch {
		case to == "bob@x.example":
			return mailtest.Says(550, "no such user bob@x.example")
		case greylisted:
			return mailtest.Says(451, "come back later, ann@x.example")
		}
		return nil
	})
	o.changed(ann)
	o.changed(bob)
	o.turn()
	o.turn() // not before its time
	if tries := o.server.Tries(); tries != 2 || len(o.server.Letters()) != 0 {
		t.Errorf("%d tries, %d letters, want one try each and nothing taken", tries, len(o.server.Letters()))
	}
	if a, err := o.store.MailAddress(t.Context(), o.now, bob); err != nil || !a.Refused.Equal(o.now) {
		t.Errorf("bob's address = %+v, %v, want it marked", a, err)
	}
	o.now = o.now.Add(2 * time.Minute)
	o.turn()
	greylisted = false
	o.now = o.now.Add(10 * time.Minute)
	o.turn()
	o.turn()
	if tries, letters := o.server.Tries(), o.server.Letters(); tries != 4 || len(letters) != 1 || letters[0].To != "ann@x.example" {
		t.Errorf("%d tries, letters %v, want ann's, by the third try of hers", tries, letters)
	}
	if text := o.log.String(); strings.Contains(text, "x.example") || !strings.Contains(text, "451") || !strings.Contains(text, "550") {
		t.Errorf("the log names addresses, or not the answers:\n%s", text)
	}
	// Letters for bob go on being tried, since a mailbox may come back.
	o.server.OnRcpt(nil)
	o.changed(bob)
	o.turn()
	if a, err := o.store.MailAddress(t.Context(), o.now, bob); err != nil || !a.Refused.IsZero() {
		t.Errorf("bob's address = %+v, %v, want it unmarked", a, err)
	}
}

// A letter that nobody takes is given up, before the world ends.
func TestALetterIsGivenUp(t *testing.T) {
	o := open(t, mailtest.Start(t, mailtest.Options{}))
	ann := o.join("ann", "en")
	o.address(ann, "ann@x.example")
	o.server.OnData(func() error { return mailtest.Says(452, "full") })
	o.changed(ann)
	begun := o.now
	for range 100 {
		o.turn()
		o.now = o.now.Add(lastBound)
	}
	if tries := o.server.Tries(); tries < 2 || tries > maxAttempts {
		t.Errorf("%d tries, want 2 to %d", tries, maxAttempts)
	}
	o.server.OnData(func() error { return mailtest.Says(554, "spam") })
	o.now = begun
	before := o.server.Tries()
	o.changed(ann)
	for range 10 {
		o.turn()
		o.now = o.now.Add(lastBound)
	}
	if tries := o.server.Tries() - before; tries != 1 {
		t.Errorf("a letter that the server does not want is tried %d times", tries)
	}
}

// A server that is away, or takes for ever, holds nobody up, and is left alone for
// a while.
func TestASlowServerIsLeftAlone(t *testing.T) {
	server := mailtest.Start(t, mailtest.Options{})
	o := open(t, server, func(s *Server) { s.patience = 100 * time.Millisecond })
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	server.OnData(func() error { <-release; return errors.New("too late") })
	for i := range 3 {
		member := o.join(fmt.Sprint("m", i), "en")
		o.address(member, fmt.Sprintf("m%d@x.example", i))
		o.changed(member)
	}
	begun := time.Now()
	o.turn()
	if took := time.Since(begun); took > 5*time.Second || server.Tries() != 1 {
		t.Errorf("one turn took %s with %d tries, want a single try of a tenth of a second", took, server.Tries())
	}
	o.turn()
	if server.Tries() != 1 {
		t.Errorf("the server is asked again at once: %d tries", server.Tries())
	}
	server.OnData(nil)
	o.now = o.now.Add(10 * time.Minute)
	o.turn()
	if n := len(server.Letters()); n != 3 {
		t.Errorf("%d letters after the server is back, want 3\n%s", n, o.log)
	}
}

// Several processes on one ledger send each letter once, and one is found again
// whose process has died.
func TestSeveralProcessesSendEachLetterOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		server := mailtest.Start(t, mailtest.Options{})
		offices := []*office{openAt(t, where, server), openAt(t, where, server), openAt(t, where, server)}
		const members = 30
		for i := range members {
			member := offices[0].join(fmt.Sprint("m", i), "en")
			offices[0].address(member, fmt.Sprintf("m%d@x.example", i))
			offices[0].changed(member)
		}
		done := make(chan error, len(offices))
		for _, o := range offices {
			go func() { done <- o.post.Turn(context.WithoutCancel(t.Context())) }()
		}
		for range offices {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		sent := map[string]int{}
		for _, l := range server.Letters() {
			sent[l.To]++
		}
		for to, times := range sent {
			if times != 1 {
				t.Errorf("%s has %d letters", to, times)
			}
		}
		if len(sent) != members {
			t.Errorf("%d of %d members have a letter", len(sent), members)
		}
	})
}

// Only a server on this machine may do without TLS.
func TestOnlyLoopbackMayLackTLS(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1": "TLSOpportunistic", "localhost": "TLSOpportunistic", "::1": "TLSOpportunistic",
		"mail.example": "TLSMandatory", "10.0.0.1": "TLSMandatory", "localhost.mail.example": "TLSMandatory",
	} {
		client, err := Server{Host: host, Port: 587, From: netmail.Address{Address: "f@ledger.test"}}.client()
		if err != nil || client.TLSPolicy() != want {
			t.Errorf("the policy for %s is %v, %v, want %s", host, client.TLSPolicy(), err, want)
		}
	}
}

func TestTheAddressOfAServer(t *testing.T) {
	for address, want := range map[string]Server{
		"smtps://user@mail.example:465":    {Host: "mail.example", Port: 465, TLS: true, User: "user"},
		"smtps://mail.example":             {Host: "mail.example", Port: 465, TLS: true},
		"smtp://a%40b.example@127.0.0.1":   {Host: "127.0.0.1", Port: 587, User: "a@b.example"},
		"smtp://mail.example:25/":          {Host: "mail.example", Port: 25},
		"smtps://user:secret@mail.example": {}, "mail.example:465": {}, "https://mail.example": {}, "": {}, "smtps://": {},
		"smtps://mail.example/path": {}, "smtps://mail.example:99999": {}, "smtps://mail.example?tls=no": {},
	} {
		got, err := ParseServer(address, "Flattr <flattr@ledger.test>")
		if (err == nil) != (want.Host != "") {
			t.Errorf("ParseServer(%q) = %v", address, err)
			continue
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("ParseServer(%q) repeats the password: %v", address, err)
		}
		if want.From = got.From; err == nil && got != want {
			t.Errorf("ParseServer(%q) = %+v, want %+v", address, got, want)
		}
	}
	if _, err := ParseServer("smtps://mail.example", "Flattr\r\nBcc: x@y.example"); err == nil {
		t.Error("a sender of two lines is taken")
	}
}

// What ends summaries is made by us, for one member.
func TestUnsubscribeTokens(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	token := unsubscribeToken(key, 42)
	if member, ok := Unsubscribes(key, token); !ok || member != 42 {
		t.Errorf("Unsubscribes = %d, %v", member, ok)
	}
	for _, forged := range []string{"", token[:len(token)-1], token + "A", "B" + token[1:], unsubscribeToken([]byte("another"), 42), unsubscribeToken(key, 43)[:11] + token[11:]} {
		if member, ok := Unsubscribes(key, forged); ok {
			t.Errorf("Unsubscribes(%q) = %d", forged, member)
		}
	}
}
