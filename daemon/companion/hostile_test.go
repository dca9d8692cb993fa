package companion_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/daemon/companion"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
)

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

// A sign-in that is begun anew gives up the listener of the one before. Somebody
// who holds a connection to each must not keep any number of them open.
func TestASignInBegunAnewAndAnewKeepsFewListenersOpen(t *testing.T) {
	w := begin(t)
	client := w.connect(chrome, w.pair(chrome))
	const more = 20
	for i := range more {
		id := fmt.Sprint(i)
		var answer struct {
			URL  string    `json:"url"`
			Code wire.Code `json:"code"`
		}
		if err := client.Ask(id, wire.LinkAsk{Type: wire.TypeLink, ID: id}, &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Code == wire.CodeBusy {
			return
		}
		address, err := url.Parse(answer.URL)
		if err != nil {
			t.Fatal(err)
		}
		back, err := url.Parse(address.Query().Get("redirect_uri"))
		if err != nil {
			t.Fatal(err)
		}
		held, err := net.Dial("tcp", back.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
	}
	t.Errorf("%d listeners were opened, want busy before", more)
}

func TestASecondCompanionOnTheSameStateIsRefused(t *testing.T) {
	w := begin(t)
	for name, sockets := range map[string]string{"the same socket": w.state, "a socket elsewhere": short(t)} {
		c, err := companion.Open(t.Context(), companion.Config{
			State: w.state, Sockets: sockets, Ledger: w.ledger.URL, Now: time.Now,
			Random: func(b []byte) { rand.Read(b) }, Log: slog.New(slog.DiscardHandler),
		})
		if err == nil || !strings.Contains(err.Error(), "another companion") {
			t.Errorf("%s: Open on a state in use = %v, %v, want a sentence", name, c, err)
		}
	}
}
