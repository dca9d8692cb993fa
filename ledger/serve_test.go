package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// The whole way of a reader: invite, budget, companion, clicks, undo.
func TestStoryOfAReader(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		ann := s.join("ann", 50*money.Euro)
		ann.wants("No click yet", "You have €50.00", "You can let 3 people in", "ann")

		ann.submit("budget", map[string]string{"budget": "1.99"})
		ann.wants("The budget is from €2.00 to €100.00 a month.")
		if field := ann.find(func(n *html.Node) bool { return attr(n, "name") == "budget" }); attr(field, "value") != "1.99" {
			t.Errorf("the form does not keep what was typed: %q", attr(field, "value"))
		}
		ann.submit("budget", map[string]string{"budget": "4,00"})
		ann.wants("Your budget is now €4.00 a month.")
		ann.get("/month")
		if strings.Contains(words(ann.page), "Your budget is now") {
			t.Error("the notice is shown twice")
		}
		ann.submit("budget", map[string]string{"budget": "2"})

		companion := s.link(ann)
		if account, _, err := companion.Account(t.Context()); err != nil || account.Name != "ann" {
			t.Fatalf("Account = %v, %v, want ann", account, err)
		}
		var events []api.Event
		for i := range 3 {
			events = append(events, click(s.clock().Add(time.Duration(i)*time.Second),
				api.Thing{URL: fmt.Sprintf("https://blog.example/%d", i), Title: fmt.Sprintf("Article %d", i)}))
		}
		results := send(t, companion, events...)
		for i, result := range results.Results {
			if result.Outcome != api.OutcomeAccepted || !result.Promise || result.Month != "2026-11" {
				t.Errorf("result %d = %+v, want accepted as a promise in 2026-11", i, result)
			}
		}
		if m := results.Months; len(m.Months) == 0 || m.Months[0].Promises != 3 || m.MeansMicro != 48_000_000 || m.Months[0].HeldMicro != 2_000_000 {
			t.Errorf("months = %+v, want three promises, 48 EUR means, 2 EUR held", m)
		}
		again := send(t, companion, events...)
		if fmt.Sprint(again.Results) != fmt.Sprint(results.Results) {
			t.Errorf("sent again = %v, want the same answers %v", again.Results, results.Results)
		}

		ann.get("/month")
		ann.wants("Article 0", "Article 2", "blog.example", "promise", "22 November, 12:00")
		first := ann.find(func(n *html.Node) bool {
			return n.Data == "form" && attr(n, "action") == "/undo"
		})
		if first == nil {
			t.Fatalf("no undo button:\n%s", ann.text)
		}
		ann.send(first, nil)
		ann.wants("Taken back.", "undone")
		if months, _, err := companion.Months(t.Context()); err != nil || months.Months[0].Promises != 2 {
			t.Errorf("Months after undo = %+v, %v, want two promises", months, err)
		}

		ann.submit("signout", nil)
		if ann.get("/month"); ann.at.Path != "/signin" {
			t.Errorf("after signing out /month leads to %s, want /signin", ann.at)
		}
		ann.submit("signin", map[string]string{"name": "ANN", "password": "correct horse"})
		if ann.at.Path != "/month" {
			t.Errorf("signing in leads to %s, want /month", ann.at)
		}
		if _, err := companion.Revoke(t.Context()); err != nil {
			t.Errorf("Revoke = %v", err)
		}
		if _, _, err := companion.Account(t.Context()); !errors.Is(err, api.ErrUnauthorized) {
			t.Errorf("Account after Revoke = %v, want ErrUnauthorized", err)
		}
		if text := s.log.String(); strings.Contains(text, "blog.example") || strings.Contains(text, "correct horse") || strings.Contains(text, "code_challenge") {
			t.Errorf("the log says too much:\n%s", text)
		}
	})
}

func TestBothMonthsAreShownInTheGrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		s.setClock(time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC))
		bob := s.join("bob", 0)
		ann := s.join("ann", 50*money.Euro)
		companion := s.link(ann)
		send(t, companion, click(s.clock(), api.Thing{URL: "https://blog.example/october", Title: "An October"}))
		s.setClock(time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC))
		send(t, companion, click(s.clock(), api.Thing{URL: "https://blog.example/november", Title: "A November"}))
		err := s.store.Write(t.Context(), func(tx *store.Tx) error {
			bob, err := tx.MemberID("bob")
			if err != nil {
				return err
			}
			return tx.AddThing(s.clock(), "https://blog.example/october", "", bob)
		})
		if err != nil {
			t.Fatalf("AddThing = %v", err)
		}
		bob.get("/revenue")
		bob.wants("November 2026", "October 2026 preview October 2026 is over but not settled yet.", "An October", "€2.00")
		ann.get("/month")
		ann.wants("November 2026", "October 2026", "open until 4 November, 00:00", "An October", "A November")
		if got := len(ann.all("data-click")); got != 2 {
			t.Errorf("clicks shown = %d, want 2", got)
		}
		s.setClock(time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC))
		ann.get("/month")
		if strings.Contains(words(ann.page), "October 2026") {
			t.Error("the month is shown after its grace")
		}
	})
}

func TestRefusedSignUpCreatesNothingAndKeepsWhatWasTyped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := startLedgerOn(t, where)
		used := s.invite(0)
		b := newBrowser(t, s.origin)
		b.get("/signup?invite=" + used)
		b.submit("signup", map[string]string{"name": "ann", "password": "correct horse"})
		for _, try := range []struct{ invite, name, password, want string }{
			{"", "bob", "correct horse", "Enter the invite code"},
			{"AAAA-AAAA-AAAA-AAAA", "bob", "correct horse", "This invite code is not known."},
			{used, "bob", "correct horse", "This invite code has been used already."},
			{s.invite(0), "bob", "short", "at least 8 characters"},
			{s.invite(0), "bob", strings.Repeat("x", 200), "at most 128 characters"},
			{s.invite(0), "Ann", "correct horse", "This name is taken."},
			{s.invite(0), "b b", "correct horse", "A name has 1 to 40 letters"},
		} {
			b := newBrowser(t, s.origin)
			b.get("/signup")
			b.submit("signup", map[string]string{"invite": try.invite, "name": try.name, "password": try.password})
			if b.status != http.StatusUnprocessableEntity {
				t.Errorf("sign-up %+v = %d, want 422", try, b.status)
			}
			b.wants(try.want)
			for _, name := range []string{"invite", "name"} {
				field := b.find(func(n *html.Node) bool { return attr(n, "name") == name })
				want := map[string]string{"invite": try.invite, "name": try.name}[name]
				if attr(field, "value") != want {
					t.Errorf("field %s = %q, want %q as typed", name, attr(field, "value"), want)
				}
			}
			if strings.Contains(b.text, "correct horse") {
				t.Error("the page repeats the password")
			}
			if _, err := s.store.MemberByName(t.Context(), "bob"); err == nil {
				t.Fatalf("sign-up %+v made a member", try)
			}
		}
	})
}

func TestPagesInGerman(t *testing.T) {
	s := startLedger(t)
	b := newBrowser(t, s.origin)
	b.lang = "de-AT, en;q=0.5"
	b.get("/signup?invite=" + s.invite(1234*money.Euro+50*money.Cent))
	b.submit("signup", map[string]string{"name": "änne", "password": "correct horse"})
	b.wants("Willkommen, änne", "Du gibst 2,00 € im Monat.")
	b.get("/month")
	b.wants("Mein Monat", "Du hast 1.234,50 €", "Du kannst 3 Personen einladen", "November 2026")
	b.submit("budget", map[string]string{"budget": "1,50"})
	b.wants("Das Budget liegt zwischen 2,00 € und 100,00 € im Monat.")
	link := b.find(func(n *html.Node) bool { return attr(n, "hreflang") == "en" })
	b.get(attr(link, "href"))
	b.get("/month")
	b.wants("My month", "You have €1,234.50")
}

func TestStoppingLetsRunningRequestsFinish(t *testing.T) {
	s := startLedger(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Half a request is running when the ledger is told to stop.
	body := "name=nobody&password=wrong+horse+battery"
	fmt.Fprintf(conn, "POST /signin HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		strings.TrimPrefix(s.origin, "http://"), len(body), body[:10])
	if resp, err := http.Get(s.origin + "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("healthz = %v, %v, want 200", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	deadline := time.Now().Add(10 * time.Second)
	for { // until it no longer takes connections
		other, err := net.Dial("tcp", strings.TrimPrefix(s.origin, "http://"))
		if err != nil {
			break
		}
		_ = other.Close()
		if time.Now().After(deadline) {
			t.Fatal("the ledger still takes connections")
		}
	}
	if _, err := io.WriteString(conn, body[10:]); err != nil {
		t.Fatalf("send the rest: %v", err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 422 ")) {
		t.Errorf("answer = %.60q, %v, want 422", answer, err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop = %v, want nil", err)
	}
}

func TestPublicURL(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	open := &net.TCPAddr{IP: net.IPv4zero, Port: 8080}
	for _, c := range []struct {
		named string
		addr  net.Addr
		want  string // empty: refused
	}{
		{"", loopback, "http://127.0.0.1:8080"},
		{"", open, ""},
		{"https://Ledger.example/", open, "https://ledger.example"},
		{"http://ledger.example", open, ""},
		{"https://ledger.example/path", loopback, ""},
		{"ledger.example", loopback, ""},
	} {
		got, err := publicURL(c.named, c.addr)
		if c.want == "" && err == nil || c.want != "" && (err != nil || got.String() != c.want) {
			t.Errorf("publicURL(%q, %v) = %v, %v, want %q", c.named, c.addr, got, err, c.want)
		}
	}
}

// Behind a proxy that ends TLS, cookies are for https only, and failures are
// counted by what the proxy saw.
func TestBehindAProxy(t *testing.T) {
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	handler, _, err := newHandler(t.Context(), st, &url.URL{Scheme: "https", Host: "ledger.example"}, nil, false, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	minted, err := st.MintInvites(t.Context(), time.Now(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string, form url.Values, from string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://ledger.example"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://ledger.example")
		r.Header.Set("X-Forwarded-For", from)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result()
	}
	resp := post("/signup", url.Values{"invite": {minted[0].Code}, "name": {"ann"}, "password": {"correct horse"}}, "192.0.2.1")
	cookies := resp.Cookies()
	open := slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return !c.Secure || !c.HttpOnly || !strings.HasPrefix(c.Name, "__Host-") })
	if resp.StatusCode != http.StatusSeeOther || len(cookies) != 2 || open {
		t.Errorf("sign-up = %d with cookies %v, want two __Host- cookies for https", resp.StatusCode, cookies)
	}
	if resp.Header.Get("Strict-Transport-Security") == "" {
		t.Error("the answer does not ask for https in future")
	}
	guess := url.Values{"invite": {"AAAA-AAAA-AAAA-AAAA"}, "name": {"bob"}, "password": {"correct horse"}}
	last := 0
	for range 300 { // the client can write what it likes before the proxy's entry
		if last = post("/signup", guess, "198.51.100.7, 192.0.2.9").StatusCode; last != http.StatusUnprocessableEntity {
			break
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("guessing invites ends in %d, want 429", last)
	}
	if got := post("/signup", guess, "192.0.2.10").StatusCode; got != http.StatusUnprocessableEntity {
		t.Errorf("another address gets %d, want 422", got)
	}
}
