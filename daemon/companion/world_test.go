package companion_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

const (
	extensionID = "aflkheolljhcmjgheajiddikljimfana"
	chrome      = "chrome-extension://" + extensionID
	firefox     = "moz-extension://0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
	patience    = 20 * time.Second
)

// month is the one in which the ledger of these tests counts.
var month = time.Now().UTC().Format("2006-01")

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
	return runAt(t, state, l, time.Now)
}

// runAt is run by a clock that may be wrong.
func runAt(t *testing.T, state string, l *ledger, now func() time.Time) *world {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	// The port used last comes first, so that tests need none of the usual ones.
	if _, err := os.Stat(filepath.Join(state, "port")); err != nil {
		listener, err := socket.Listen(t.Context(), 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		port := listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		if err := os.WriteFile(filepath.Join(state, "port"), fmt.Appendln(nil, port), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := companion.Open(t.Context(), companion.Config{
		State: state, Sockets: state, Port: 0, Ledger: l.URL, Version: "test", ExtensionIDs: []string{extensionID},
		Now: now, Random: func(b []byte) { rand.Read(b) }, Log: log,
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
