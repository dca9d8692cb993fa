package companion_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

func TestWithoutSignInTheClickStaysInTheBrowser(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	flattr := click("https://a.example/1")
	if nack := ask[wire.Nack](t, client, flattr, flattr.ID); nack.Type != wire.TypeNack || nack.Code != wire.CodeNotLinked || !nack.Retry {
		t.Errorf("click without account = %+v, want not_linked, to be kept", nack)
	}
	if s := status(t, client); s.Account != nil || !has(s, wire.CodeNotLinked) || s.Months == nil {
		t.Errorf("status = %+v, want not_linked", s)
	}
}

func TestASecondBrowserIsOfferedTheAccountAndHearsOfTheFirst(t *testing.T) {
	w := begin(t)
	first := w.linked()
	second := w.connect(firefox, w.pair(firefox))
	s := status(t, second)
	if len(s.Accounts) != 1 || s.Accounts[0].Name != "ann" || s.Accounts[0].Ledger != w.ledger.URL {
		t.Fatalf("offered = %+v, want ann", s.Accounts)
	}
	taken := ask[wire.LinkAnswer](t, second, wire.LinkAsk{Type: wire.TypeLink, ID: "take", Account: s.Accounts[0].ID}, "take")
	if taken.Type != wire.TypeLink || taken.URL != "" {
		t.Fatalf("take the account = %+v", taken)
	}
	if s = status(t, second); s.Account == nil || s.Account.Name != "ann" {
		t.Fatalf("status = %+v, want to act for ann", s)
	}
	flattr := click("https://a.example/1")
	ask[wire.Ack](t, first, flattr, flattr.ID)
	for {
		var push wire.ClickPush
		if err := second.Read(&push); err != nil {
			t.Fatal(err)
		}
		if push.Type == wire.TypeClick && push.Click.ID == flattr.ID {
			break
		}
	}
	other := click("https://a.example/2")
	other.Account = "99"
	if nack := ask[wire.Nack](t, second, other, other.ID); nack.Code != wire.CodeOtherAccount || !nack.Retry {
		t.Errorf("a click made for another account = %+v, want other_account, to be kept", nack)
	}
}

func TestUnlinkingTheLastBrowserGivesTheTokenBack(t *testing.T) {
	w := begin(t)
	client := w.linked()
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	if done := ask[wire.Done](t, client, wire.Ask{Type: wire.TypeUnlink, ID: "u"}, "u"); done.Type != wire.TypeUnlink {
		t.Fatalf("unlink = %+v", done)
	}
	if s := status(t, client); s.Account != nil || len(s.Accounts) != 0 {
		t.Errorf("status after unlink = %+v, want no account and none offered", s)
	}
	w.stop() // waits for the token to be given back
	w.ledger.set(func(l *ledger) {
		if len(l.revoked) != 1 || l.revoked[0] != "the-token" {
			t.Errorf("revoked = %v, want the token", l.revoked)
		}
	})
}

func TestUnlinkingWithUnsentClicksSendsThemFirst(t *testing.T) {
	w := begin(t)
	client := w.linked()
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	w.ledger.set(func(l *ledger) { l.away = true })
	flattr := click("https://a.example/1")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	ask[wire.Done](t, client, wire.Ask{Type: wire.TypeUnlink, ID: "u"}, "u")
	w.ledger.set(func(l *ledger) {
		if len(l.revoked) != 0 {
			t.Error("the token was given back before the click was sent")
		}
		l.away = false
	})
	eventually(t, client, "no account offered", func(s wire.Status) bool { return len(s.Accounts) == 0 })
	w.stop() // waits for the token to be given back
	w.ledger.set(func(l *ledger) {
		if len(l.clicks) != 1 || len(l.revoked) != 1 {
			t.Errorf("ledger has %d clicks and %d tokens given back, want one each", len(l.clicks), len(l.revoked))
		}
	})
}

func TestARevokedTokenAsksToSignInAndKeepsTheClicks(t *testing.T) {
	w := begin(t)
	client := w.linked()
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	w.ledger.set(func(l *ledger) { delete(l.tokens, "the-token") })
	flattr := click("https://a.example/1")
	if ack := ask[wire.Ack](t, client, flattr, flattr.ID); ack.Type != wire.TypeAck {
		t.Fatalf("click with a revoked token = %+v, want an ack", ack)
	}
	s := eventually(t, client, "sign_in_again", func(s wire.Status) bool { return has(s, wire.CodeSignInAgain) })
	if s.Unsent != 1 {
		t.Errorf("unsent = %d, want 1", s.Unsent)
	}
	w.signIn(client)
	eventually(t, client, "the click sent", func(s wire.Status) bool { return s.Unsent == 0 && len(s.Problems) == 0 })
}

func TestAnOlderDeviceIsRetired(t *testing.T) {
	w := begin(t)
	old := w.pair(chrome)
	oldClient := w.connect(chrome, old)
	status(t, oldClient)
	client := w.connect(chrome, w.pair(chrome))
	request := wire.Retire{Type: wire.TypeRetire, ID: "r", Device: encode(old.ID)}
	if done := ask[wire.Done](t, client, request, "r"); done.Type != wire.TypeRetire {
		t.Fatalf("retire = %+v", done)
	}
	if got := sockettest.CloseCode(oldClient.WS); got != socket.CloseUnknown {
		t.Errorf("the retired device's connection: close code = %d, want %d", got, socket.CloseUnknown)
	}
	if done := ask[wire.Done](t, client, request, "r"); done.Type != wire.TypeRetire {
		t.Errorf("retire again = %+v, want the same answer", done)
	}
}

func TestASignInCanBeUsedOnceAndByItsOwnStateOnly(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	answer := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l"}, "l")
	back := w.ledger.allow(t, answer.URL)
	foreign := strings.Replace(back, "state=", "state=x", 1)
	if page := get(t, foreign, "de-DE,de;q=0.9,en;q=0.5", http.StatusBadRequest); !strings.Contains(page, "nicht offen") || !strings.Contains(page, `lang="de"`) {
		t.Errorf("page for a foreign state = %s", page)
	}
	get(t, strings.Replace(back, "/callback", "/elsewhere", 1), "en", http.StatusNotFound)
	get(t, back, "en", http.StatusOK)
	if s := status(t, client); s.Account == nil {
		t.Error("not signed in after the right answer")
	}
	if response, err := http.Get(back); err == nil {
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			t.Error("the same answer was taken twice")
		}
	}
}

func TestAnEarlierSignInOfTheDeviceEndsWithTheNext(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	first := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "1"}, "1")
	second := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "2"}, "2")
	w.ledger.allow(t, first.URL)
	if page := get(t, w.ledger.allow(t, second.URL), "en", http.StatusOK); !strings.Contains(page, "Signed in as") {
		t.Errorf("page of the second sign-in = %s", page)
	}
}

func TestAReaderWhoDoesNotAllowIsToldSo(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	answer := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l"}, "l")
	back := strings.Replace(w.ledger.allow(t, answer.URL), "code=the-code", "error=access_denied", 1)
	if page := get(t, back, "en", http.StatusOK); !strings.Contains(page, "Not signed in") {
		t.Errorf("page = %s", page)
	}
	if s := status(t, client); s.Account != nil {
		t.Errorf("status = %+v, want no account", s)
	}
}

func TestTheSeventeenthAccountIsToldTheLimitAndWhatToDo(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	signIn := func(member, language string, want int) string {
		w.ledger.set(func(l *ledger) { l.member = api.Account{Member: member, Name: "ann" + member} })
		answer := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l"}, "l")
		return get(t, w.ledger.allow(t, answer.URL), language, want)
	}
	for member := range 16 {
		signIn(strconv.Itoa(member), "en", http.StatusOK)
	}
	if page := signIn("16", "en", http.StatusConflict); !strings.Contains(page, "with 16 accounts") || !strings.Contains(page, "Sign out of one") || !strings.Contains(page, "flattrd accounts") {
		t.Errorf("page of the seventeenth = %s, want the limit and what to do", page)
	}
	w.ledger.set(func(l *ledger) {
		if len(l.revoked) != 1 {
			t.Errorf("%d tokens were given back, want that of the account that was not taken", len(l.revoked))
		}
	})
	if page := signIn("17", "de", http.StatusConflict); !strings.Contains(page, "mit 16 Konten") || !strings.Contains(page, "Melde dich bei einem ab") || !strings.Contains(page, "flattrd accounts") {
		t.Errorf("page of the seventeenth = %s, want it in German", page)
	}
	if s := status(t, client); s.Account == nil || s.Account.Name != "ann15" {
		t.Errorf("status = %+v, want to act for the sixteenth", s)
	}
}

func TestPlainHTTPToAnotherMachineIsRefused(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	problem := ask[wire.Problem](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l", Ledger: "http://ledger.example"}, "l")
	if problem.Type != wire.TypeProblem || problem.Code != wire.CodeBadMessage {
		t.Errorf("link over plain http = %+v, want a problem", problem)
	}
}

func TestOneUserCannotTakeAllSignIns(t *testing.T) {
	w := begin(t)
	for i := range 5 {
		client := w.connect(chrome, w.pair(chrome))
		answer := ask[struct {
			wire.LinkAnswer
			Code wire.Code
		}](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l"}, "l")
		if begun := answer.URL != ""; begun != (i < 4) || (!begun && answer.Code != wire.CodeBusy) {
			t.Errorf("sign-in %d of a user = %+v, want four and then busy", i+1, answer)
		}
	}
}

func TestAClickRepeatedAfterASwitchOfAccountsCountsForTheFirst(t *testing.T) {
	w := begin(t)
	client := w.linked()
	flattr := click("https://a.example/1") // made before any account was known
	ask[wire.Ack](t, client, flattr, flattr.ID)
	w.ledger.set(func(l *ledger) { l.member = api.Account{Member: "8", Name: "bob"} })
	answer := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "link"}, "link")
	get(t, w.ledger.allow(t, answer.URL), "en", http.StatusOK)
	if s := status(t, client); s.Account == nil || s.Account.Name != "bob" {
		t.Fatalf("status = %+v, want to act for bob", s)
	}
	if ack := ask[wire.Ack](t, client, flattr, flattr.ID); ack.Type != wire.TypeAck {
		t.Errorf("the click again = %+v, want an ack", ack)
	}
	if page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h"); len(page.Rows) != 0 {
		t.Errorf("bob's clicks = %+v, want none: ann made it", page.Rows)
	}
}

func TestOfTwoAnswersAtOnceOneIsTaken(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	answer := ask[wire.LinkAnswer](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l"}, "l")
	back := w.ledger.allow(t, answer.URL)
	codes := make(chan int, 2)
	w.ledger.mu.Lock() // whoever exchanges the code waits
	for range 2 {
		go func() {
			response, err := http.Get(back)
			if err != nil {
				codes <- 0
				return
			}
			response.Body.Close()
			codes <- response.StatusCode
		}()
	}
	select {
	case code := <-codes:
		if code != http.StatusBadRequest {
			t.Errorf("the second answer = %d, want 400", code)
		}
	case <-time.After(5 * time.Second):
		t.Error("both answers are exchanged")
	}
	w.ledger.mu.Unlock()
	if code := <-codes; code != http.StatusOK {
		t.Errorf("the other answer = %d, want 200", code)
	}
}

// A click above the rate is answered later. When the account was left meanwhile
// it stays in the browser: here is nobody any more who would send it.
func TestAClickThatIsHeldBackIsNotStoredForAnAccountThatWasLeft(t *testing.T) {
	w := begin(t)
	client := w.linked()
	const clicks = 25 // five more than are taken at once
	ids := make([]string, clicks)
	for i := range ids {
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		ids[i] = flattr.ID
		if err := client.Send(flattr); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Send(wire.Ask{Type: wire.TypeUnlink, ID: "u"}); err != nil {
		t.Fatal(err)
	}
	acked, kept := 0, 0
	for acked+kept < clicks {
		var answer wire.Nack
		if err := client.Read(&answer); err != nil {
			t.Fatal(err)
		}
		switch {
		case answer.Type == wire.TypeAck:
			acked++
		case answer.Type == wire.TypeNack && answer.Retry:
			kept++
		}
	}
	deadline := time.Now().Add(patience)
	for {
		var list control.AccountList
		if err := control.Ask(t.Context(), []string{w.state}, control.Accounts, &list); err != nil {
			t.Fatal(err)
		}
		account := list.Accounts[0]
		if account.SignedOut && account.Unsent > 0 {
			t.Fatalf("%d clicks were acknowledged for an account that is signed out", account.Unsent)
		}
		if account.SignedOut && w.ledger.counted() == acked {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d acknowledged, the ledger has %d, account %+v", acked, w.ledger.counted(), account)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%d acknowledged and sent, %d stayed in the browser", acked, kept)
}

func TestOfTheSignedOutAccountsTheLatestAreListed(t *testing.T) {
	w := begin(t)
	w.stop()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.state, "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	const out, in = 57, 3
	for i := range out + in {
		token := ""
		if i < in { // the oldest, and signed in
			token = `{"access":"a"}`
		}
		if _, err := db.Exec(`INSERT INTO account (uid, ledger, member, name, token, linked_ms) VALUES (?, ?, ?, ?, ?, ?)`,
			os.Getuid(), w.ledger.URL, i, fmt.Sprint("ann", i), token, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w = run(t, w.state, w.ledger)
	var list control.AccountList
	if err := control.Ask(t.Context(), []string{w.state}, control.Accounts, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Accounts) != in+50 || list.More != out-50 {
		t.Fatalf("%d accounts and %d more, want %d and %d", len(list.Accounts), list.More, in+50, out-50)
	}
	for i, account := range list.Accounts {
		want := i
		if i >= in {
			want += out - 50
		}
		if account.Name != fmt.Sprint("ann", want) {
			t.Errorf("account %d is %s, want ann%d", i, account.Name, want)
		}
	}
	if text := list.Text(); !strings.Contains(text, "and 7 more that were signed out earlier") {
		t.Errorf("listed as %s, want to hear of the others", text)
	}
}
