package companion_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/daemon/companion"
	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

const (
	extensionID = "aflkheolljhcmjgheajiddikljimfana"
	chrome      = "chrome-extension://" + extensionID
	firefox     = "moz-extension://0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
	month       = "2026-11"
	patience    = 20 * time.Second
)

// world is a running companion and what a test needs to speak to it.
type world struct {
	*companion.Companion
	t      *testing.T
	state  string
	ledger *ledger
	stop   func()
}

func run(t *testing.T, state string, l *ledger) *world {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c, err := companion.Open(t.Context(), companion.Config{
		State: state, Sockets: state, Port: 0, Ledger: l.URL, Version: "test", ExtensionIDs: []string{extensionID},
		Now: time.Now, Random: func(b []byte) { rand.Read(b) }, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run = %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return &world{Companion: c, t: t, state: state, ledger: l, stop: stop}
}

// short makes a state folder whose socket's path is short enough.
func short(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// begin runs a companion; tests that begin so run side by side.
func begin(t *testing.T) *world {
	t.Parallel()
	return run(t, short(t), newLedger(t))
}

type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	fmt.Fprintf(os.Stderr, "%s: %s", l.t.Name(), line)
	return len(line), nil
}

// pair makes a device by a ticket, as `flattrd pair` gives it.
func (w *world) pair(origin string) sockettest.Device {
	w.t.Helper()
	var ticket wire.TicketAnswer
	if err := control.Ask(w.t.Context(), []string{w.state}, control.Pair, &ticket); err != nil {
		w.t.Fatal(err)
	}
	if ticket.Port != w.Port() {
		w.t.Errorf("ticket names port %d, want %d", ticket.Port, w.Port())
	}
	var device sockettest.Device
	w.shaken(func() (err error) {
		device, err = sockettest.Pair(w.t.Context(), w.Port(), origin, ticket.Ticket)
		return err
	})
	return device
}

func (w *world) connect(origin string, device sockettest.Device) *sockettest.Client {
	w.t.Helper()
	var client *sockettest.Client
	w.shaken(func() (err error) {
		client, err = sockettest.Connect(w.t.Context(), w.Port(), origin, device)
		return err
	})
	w.t.Cleanup(func() { client.Close() })
	return client
}

// shaken repeats a handshake while there are too many of them in a second.
func (w *world) shaken(attempt func() error) {
	w.t.Helper()
	for {
		err := attempt()
		var end *websocket.CloseError
		if err == nil {
			return
		}
		if !errors.As(err, &end) || end.Code != socket.CloseTooMany {
			w.t.Fatal(err)
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal("the test ended")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// linked is a browser that has signed in as ann.
func (w *world) linked() *sockettest.Client {
	w.t.Helper()
	client := w.connect(chrome, w.pair(chrome))
	w.signIn(client)
	return client
}

func (w *world) signIn(client *sockettest.Client) {
	w.t.Helper()
	answer := ask[wire.LinkAnswer](w.t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "link"}, "link")
	page := get(w.t, w.ledger.allow(w.t, answer.URL), "en", http.StatusOK)
	if !strings.Contains(page, `<strong id="member">ann</strong>`) || !strings.Contains(page, "close this tab") {
		w.t.Errorf("page after signing in = %s", page)
	}
}

// ask sends a request and decodes the answer with its id.
func ask[T any](t *testing.T, client *sockettest.Client, request any, id string) T {
	t.Helper()
	var answer T
	if err := client.Ask(id, request, &answer); err != nil {
		t.Fatalf("%+v: %v", request, err)
	}
	return answer
}

func get(t *testing.T, address, language string, want int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Language", language)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		t.Errorf("GET %s = %d, want %d", address, response.StatusCode, want)
	}
	if policy := response.Header.Get("Content-Security-Policy"); want != http.StatusNotFound && !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}
	return string(page)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func click(address string) wire.Flattr {
	return wire.Flattr{Type: wire.TypeFlattr, ID: newID(), Thing: wire.Thing{URL: address, Title: "T"}, At: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), Form: "popup"}
}

func status(t *testing.T, client *sockettest.Client) wire.Status {
	t.Helper()
	return ask[wire.Status](t, client, wire.Ask{Type: wire.TypeStatus, ID: "status"}, "status")
}

// eventually reads the status until it is as wanted.
func eventually(t *testing.T, client *sockettest.Client, what string, wanted func(wire.Status) bool) wire.Status {
	t.Helper()
	var last wire.Status
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if last = status(t, client); wanted(last) {
			return last
		}
		select {
		case <-t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("status never had %s; last %+v", what, last)
	return last
}

func has(s wire.Status, code wire.Code) bool {
	for _, problem := range s.Problems {
		if problem.Code == code {
			return true
		}
	}
	return false
}

func TestAClickGoesAllTheWayAndIsPushedBack(t *testing.T) {
	w := begin(t)
	client := w.linked()
	flattr := click("https://a.example/1")
	ack := ask[wire.Ack](t, client, flattr, flattr.ID)
	if ack.Type != wire.TypeAck || ack.State != wire.StateWaiting {
		t.Fatalf("answer = %+v, want ack waiting", ack)
	}
	for {
		var push wire.ClickPush
		if err := client.Read(&push); err != nil {
			t.Fatal(err)
		}
		if push.Type != wire.TypeClick {
			continue
		}
		if push.Click.ID != flattr.ID || push.Click.State != wire.StateAccepted || push.Click.ThingID != "42" {
			t.Errorf("pushed click = %+v", push.Click)
		}
		break
	}
	again := ask[wire.Ack](t, client, flattr, flattr.ID)
	if again.State != wire.StateAccepted {
		t.Errorf("the same click again = %+v, want accepted", again)
	}
	if got := w.ledger.counted(); got != 1 {
		t.Errorf("the ledger counts %d clicks, want 1", got)
	}
	changed := flattr
	changed.Thing.URL = "https://other.example/"
	if nack := ask[wire.Nack](t, client, changed, changed.ID); nack.Code != wire.CodeIDReused || nack.Retry {
		t.Errorf("the same id for another thing = %+v, want id_reused", nack)
	}
}

func thisMonth() string { return time.Now().UTC().Format("2006-01") }

func TestThePreviewIsRightWhileTheLedgerIsAway(t *testing.T) {
	if thisMonth() != month {
		t.Skipf("the ledger of this test knows %s only", month)
	}
	w := begin(t)
	client := w.linked()
	for i := range 3 {
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	eventually(t, client, "three clicks at the ledger", func(s wire.Status) bool { return s.Unsent == 0 && s.Months[0].Clicks == 3 })

	w.ledger.set(func(l *ledger) { l.away = true })
	for _, address := range []string{"https://a.example/3", "https://a.example/4", "http://www.a.example/1"} { // the last is there already
		flattr := click(address)
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	s := eventually(t, client, "the ledger away", func(s wire.Status) bool { return has(s, wire.CodeLedgerAway) })
	if s.Unsent != 3 || s.Months[0].Clicks != 5 || s.Months[0].ShareMicro != budgetMicro/5 {
		t.Errorf("status while away = %+v, want 3 unsent and 5 clicks of 0.40", s)
	}
	page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeMonth, ID: "m"}, "m")
	if len(page.Rows) != 6 || page.Rows[0].State != wire.StateWaiting {
		t.Errorf("month = %+v, want six rows, the newest waiting", page)
	}
	taken := page.Rows[5] // the first, which the ledger has accepted
	undo := wire.Undo{Type: wire.TypeUndo, ID: newID(), Click: taken.ID, At: time.Now().UTC().Format(time.RFC3339)}
	if ack := ask[wire.Ack](t, client, undo, undo.ID); ack.State != wire.StateUndone {
		t.Errorf("undo = %+v, want undone", ack)
	}
	if s := status(t, client); s.Months[0].Clicks != 4 {
		t.Errorf("clicks after an unsent undo = %d, want 4", s.Months[0].Clicks)
	}

	w.ledger.set(func(l *ledger) { l.away = false })
	flattr := click("https://a.example/9") // a new click is sent at once, and all others with it
	ask[wire.Ack](t, client, flattr, flattr.ID)
	s = eventually(t, client, "everything sent", func(s wire.Status) bool { return s.Unsent == 0 })
	if has(s, wire.CodeLedgerAway) || s.Months[0].Clicks != 5 || w.ledger.counted() != 5 {
		t.Errorf("status at the end = %+v, the ledger counts %d, want 5", s, w.ledger.counted())
	}
}

func TestClicksSurviveARestartAndAreSentOnce(t *testing.T) {
	l := newLedger(t)
	state := short(t)
	w := run(t, state, l)
	device := w.pair(chrome)
	client := w.connect(chrome, device)
	w.signIn(client)
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	l.set(func(l *ledger) { l.away = true })
	for i := range 105 { // two batches
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		if err := client.Send(flattr); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, client, "105 waiting clicks", func(s wire.Status) bool { return s.Unsent == 105 })
	w.stop()

	l.set(func(l *ledger) { l.away = false })
	w = run(t, state, l)
	client = w.connect(chrome, device) // the pairing and the port are kept
	eventually(t, client, "everything sent", func(s wire.Status) bool { return s.Unsent == 0 })
	if got := l.counted(); got != 105 {
		t.Errorf("the ledger counts %d, want 105", got)
	}
	l.set(func(l *ledger) {
		for _, batch := range l.batches {
			if len(batch) > api.MaxBatch {
				t.Errorf("a batch has %d events, want at most %d", len(batch), api.MaxBatch)
			}
		}
	})
	var pages, rows int
	for cursor := ""; ; pages++ {
		page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h", Cursor: cursor}, "h")
		rows += len(page.Rows)
		if cursor = page.Cursor; cursor == "" {
			break
		}
	}
	if rows != 105 || pages < 1 {
		t.Errorf("history = %d rows on %d pages, want 105 on two or more", rows, pages+1)
	}
}

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

func TestARefusalForLackOfMeansIsShownAndTriedAgainAfterATopUp(t *testing.T) {
	w := begin(t)
	w.ledger.set(func(l *ledger) {
		l.means = 0
		l.refuse["https://a.example/1"] = api.Result{Outcome: api.OutcomeRefused, Code: api.CodeNoMeans, Sentence: "Top up first.", Retry: true}
		l.refuse["https://a.example/2"] = api.Result{Outcome: api.OutcomeRefused, Code: api.CodeOwnThing, Sentence: "This is yours."}
	})
	client := w.linked()
	for _, address := range []string{"https://a.example/1", "https://a.example/2"} {
		flattr := click(address)
		ask[wire.Ack](t, client, flattr, flattr.ID)
	}
	s := eventually(t, client, "no_means", func(s wire.Status) bool { return has(s, "no_means") && s.Unsent == 0 })
	if s.Problems[0].Sentence != "Top up first." {
		t.Errorf("problem = %+v, want the ledger's sentence", s.Problems)
	}
	page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h")
	for _, row := range page.Rows {
		if row.State != wire.StateRefused || row.Code == "" || row.Sentence == "" || row.Undoable != (row.Code == api.CodeNoMeans) {
			t.Errorf("row = %+v, want it refused, with code and sentence", row)
		}
	}
	w.ledger.set(func(l *ledger) { l.means = 5_000_000; delete(l.refuse, "https://a.example/1") })
	flattr := click("https://a.example/3")
	ask[wire.Ack](t, client, flattr, flattr.ID)
	eventually(t, client, "no problem", func(s wire.Status) bool { return len(s.Problems) == 0 })
	if got := w.ledger.counted(); got != 2 {
		t.Errorf("the ledger counts %d, want the new click and the one that lacked means", got)
	}
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

func TestBrokenAndUnknownMessagesGetACodeAndTheSocketCloses(t *testing.T) {
	w := begin(t)
	device := w.pair(chrome)
	for text, want := range map[string]wire.Code{
		`not JSON`:                               wire.CodeBadMessage,
		`{"type":"ping"}`:                        wire.CodeBadMessage, // without an id nobody could match the answer
		`{"type":"dance","id":"1"}`:              wire.CodeUnknownMessage,
		`{"type":7,"id":"1"}`:                    wire.CodeBadMessage,
		`{"type":"flattr","id":"1","thing":"x"}`: wire.CodeBadMessage,
	} {
		client := w.connect(chrome, device)
		if err := client.SendBytes([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var problem wire.Problem
		for problem.Type != wire.TypeProblem {
			if err := client.Read(&problem); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if problem.Code != want || problem.Sentence == "" {
			t.Errorf("%s: answer = %+v, want code %s", text, problem, want)
		}
		if got := sockettest.CloseCode(client.WS); got != socket.CloseLayout {
			t.Errorf("%s: close code = %d, want %d", text, got, socket.CloseLayout)
		}
	}
}

func TestFieldsOutOfBoundsAreRefusedAndTheSocketLives(t *testing.T) {
	w := begin(t)
	client := w.linked()
	for name, change := range map[string]func(*wire.Flattr){
		"no thing":             func(f *wire.Flattr) { f.Thing = wire.Thing{Title: "T"} },
		"javascript address":   func(f *wire.Flattr) { f.Thing.URL = "javascript:alert(1)" },
		"file address":         func(f *wire.Flattr) { f.Thing.URL = "file:///etc/passwd" },
		"address without host": func(f *wire.Flattr) { f.Thing.URL = "https:///x" },
		"address too long":     func(f *wire.Flattr) { f.Thing.URL = "https://a.example/" + strings.Repeat("x", 2048) },
		"id with letters":      func(f *wire.Flattr) { f.Thing = wire.Thing{ID: "12a"} },
		"fid too short":        func(f *wire.Flattr) { f.Thing = wire.Thing{FID: "ab"} },
		"owner too long":       func(f *wire.Flattr) { f.Thing.Owner = strings.Repeat("o", 201) },
		"no time":              func(f *wire.Flattr) { f.At = "yesterday" },
		"UUID of version 4":    func(f *wire.Flattr) { f.ID = "7b1e2c1a-0f6e-4d9c-9d5e-0123456789ab" },
		"UUID in capitals":     func(f *wire.Flattr) { f.ID = strings.ToUpper(f.ID) },
	} {
		flattr := click("https://a.example/1")
		change(&flattr)
		if nack := ask[wire.Nack](t, client, flattr, flattr.ID); nack.Type != wire.TypeNack || nack.Code != wire.CodeBadMessage || nack.Retry {
			t.Errorf("%s: answer = %+v, want nack bad_message", name, nack)
		}
	}
	long := click("https://a.example/1")
	long.Thing.Title, long.Thing.Tags = strings.Repeat("ü", 400), make([]string, 50)
	ask[wire.Ack](t, client, long, long.ID)
	page := ask[wire.MonthPage](t, client, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h")
	if len(page.Rows) != 1 || len([]rune(page.Rows[0].Thing.Title)) != wire.MaxTitleRunes {
		t.Errorf("a long title was not cut to %d characters", wire.MaxTitleRunes)
	}
}

func TestAFloodOfClicksIsSlowedAndNothingIsLost(t *testing.T) {
	w := begin(t)
	client := w.linked()
	const clicks = 35 // 20 at once, then 10 a second
	began := time.Now()
	want := map[string]bool{}
	for i := range clicks {
		flattr := click(fmt.Sprintf("https://a.example/%d", i))
		want[flattr.ID] = true
		if err := client.Send(flattr); err != nil {
			t.Fatal(err)
		}
	}
	for len(want) > 0 {
		var raw json.RawMessage
		if err := client.Read(&raw); err != nil {
			t.Fatal(err)
		}
		var ack wire.Ack
		if json.Unmarshal(raw, &ack) == nil && ack.Type == wire.TypeAck {
			delete(want, ack.ID)
		}
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("%d clicks were answered in %v, want at least a second", clicks, took)
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

func TestPlainHTTPToAnotherMachineIsRefused(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	problem := ask[wire.Problem](t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "l", Ledger: "http://ledger.example"}, "l")
	if problem.Type != wire.TypeProblem || problem.Code != wire.CodeBadMessage {
		t.Errorf("link over plain http = %+v, want a problem", problem)
	}
}

func TestAFullDiskKeepsTheClickInTheBrowser(t *testing.T) {
	w := begin(t)
	client := w.linked()
	flattr := click("https://a.example/1")
	lock := lockDatabase(t, filepath.Join(w.state, "clicks.db"))
	if nack := ask[wire.Nack](t, client, flattr, flattr.ID); nack.Code != wire.CodeDegraded || !nack.Retry {
		t.Errorf("click while the log is locked = %+v, want degraded, to be kept", nack)
	}
	lock()
	if ack := ask[wire.Ack](t, client, flattr, flattr.ID); ack.Type != wire.TypeAck {
		t.Errorf("the click again = %+v, want an ack", ack)
	}
}

func TestTheReportIsFiveLinesAndKnowsWhatIsWrong(t *testing.T) {
	w := begin(t)
	report := func() control.Report {
		var r control.Report
		if err := control.Ask(t.Context(), []string{w.state}, control.Status, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := report(); r.Well() || !strings.Contains(r.Text(), "none paired") {
		t.Errorf("report before pairing: well = %v\n%s", r.Well(), r.Text())
	}
	client := w.linked()
	eventually(t, client, "a first sync", func(s wire.Status) bool { return s.LastSync != "" })
	r := report()
	if !r.Well() || r.Devices != 1 || r.Present != 1 || strings.Count(r.Text(), "\n") != 5 || !strings.Contains(r.Text(), "ann at "+w.ledger.URL) {
		t.Errorf("report: well = %v\n%s", r.Well(), r.Text())
	}
	var devices []control.Device
	if err := control.Ask(t.Context(), []string{w.state}, control.Devices, &devices); err != nil || len(devices) != 1 || !devices[0].Present {
		t.Errorf("devices = %+v, %v", devices, err)
	}
}

func TestASecondCompanionOnTheSameStateIsRefused(t *testing.T) {
	w := begin(t)
	_, err := companion.Open(t.Context(), companion.Config{
		State: w.state, Sockets: w.state, Ledger: w.ledger.URL, Now: time.Now,
		Random: func(b []byte) { rand.Read(b) }, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil || !strings.Contains(err.Error(), "another companion") {
		t.Errorf("Open on a state in use = %v, want a sentence", err)
	}
}
