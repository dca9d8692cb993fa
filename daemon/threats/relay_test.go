package threats_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// relay stands between a browser and the companion and may change what passes.
// It is stronger than any that can be: the browser's side of a test is told
// the companion's port, as if the relay could sit on that very port.
type relay struct {
	port   int
	origin string // said to the companion in place of the browser's own; "" keeps it
	// pass gives what is sent on for the n-th message of a side, from 0.
	pass func(toCompanion bool, n int, message []byte) [][]byte

	mu  sync.Mutex
	saw [][]byte // every message, of both sides
}

func unchanged(_ bool, _ int, message []byte) [][]byte { return [][]byte{message} }

func (c *companion) relay(pass func(toCompanion bool, n int, message []byte) [][]byte) *relay {
	c.t.Helper()
	r := &relay{pass: pass}
	upgrader := websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}, CheckOrigin: func(*http.Request) bool { return true }}
	var group sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		origin := request.Header.Get("Origin")
		if r.origin != "" {
			origin = r.origin
		}
		onward, err := sockettest.Dial(c.t.Context(), c.port, origin)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, err := upgrader.Upgrade(w, request, nil)
		if err != nil {
			onward.Close()
			return
		}
		group.Go(func() { r.carry(near, onward, true) })
		group.Go(func() { r.carry(onward, near, false) })
	}))
	c.t.Cleanup(func() { server.CloseClientConnections(); server.Close(); group.Wait() })
	r.port = server.Listener.Addr().(*net.TCPAddr).Port
	return r
}

func (r *relay) carry(from, to *websocket.Conn, toCompanion bool) {
	defer to.Close()
	_ = from.SetReadDeadline(time.Now().Add(patience))
	for n := 0; ; n++ {
		kind, message, err := from.ReadMessage()
		var end *websocket.CloseError
		if errors.As(err, &end) {
			_ = to.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(end.Code, end.Text), time.Now().Add(time.Second))
		}
		if err != nil {
			return
		}
		r.mu.Lock()
		r.saw = append(r.saw, bytes.Clone(message))
		r.mu.Unlock()
		for _, out := range r.pass(toCompanion, n, message) {
			if to.WriteMessage(kind, out) != nil {
				return
			}
		}
	}
}

// shake goes through the relay with the device's key; the browser believes to
// have dialled port.
func (r *relay) shake(t *testing.T, port int, device sockettest.Device) (*sockettest.Client, error) {
	t.Helper()
	ws, err := sockettest.Dial(t.Context(), r.port, chrome)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { ws.Close() })
	return sockettest.Shake(ws, port, chrome, socket.KindDevice, device.ID, device.Key)
}

// flip changes one bit of one message: the n-th of a side, at a byte counted
// from its end where at is negative.
func flip(toCompanion bool, n, at int) func(bool, int, []byte) [][]byte {
	return func(to bool, number int, message []byte) [][]byte {
		if to == toCompanion && number == n {
			message = bytes.Clone(message)
			if at < 0 {
				at += len(message)
			}
			message[at] ^= 1
		}
		return [][]byte{message}
	}
}

const stranger = "another program answers"

func TestARelayOnAnotherPortProvesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	r := c.relay(unchanged)
	if _, err := r.shake(t, r.port, device); err == nil || !strings.Contains(err.Error(), stranger) {
		t.Errorf("handshake by way of port %d = %v, want that another program answers", r.port, err)
	}
	// The relay itself is sound: only the port gives it away.
	if client, err := r.shake(t, c.port, device); err != nil {
		t.Errorf("the same relay, on the companion's port: %v", err)
	} else {
		c.ping(client)
	}
	c.unhurt(chrome, device)
}

func TestARelayThatSwapsKeysIsNobodyToEitherSide(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	for name, pass := range map[string]func(bool, int, []byte) [][]byte{
		"the extension's random number": flip(true, 0, 69),
		"the companion's random number": flip(false, 0, 3),
		"the companion's proof":         flip(false, 0, -1),
		"a challenge of its own": func(toCompanion bool, n int, message []byte) [][]byte {
			if !toCompanion && n == 0 {
				message = append(bytes.Clone(message[:3]), make([]byte, 64)...)
				rand.Read(message[3:])
			}
			return [][]byte{message}
		},
		"hello sent back": func(toCompanion bool, n int, message []byte) [][]byte {
			if !toCompanion && n == 0 {
				return [][]byte{append([]byte{2}, bytes.Repeat([]byte{7}, 66)...)}
			}
			return [][]byte{message}
		},
	} {
		c.patiently(func() error {
			_, err := c.relay(pass).shake(t, c.port, device)
			if tooMuch(err) {
				return err
			}
			if err == nil || !strings.Contains(err.Error(), stranger) {
				t.Errorf("%s changed on the way: %v, want that another program answers", name, err)
			}
			return nil
		})
	}
	for name, pass := range map[string]func(bool, int, []byte) [][]byte{
		"the extension's proof changed on the way": flip(true, 1, -1),
		"the companion's own proof sent back": func() func(bool, int, []byte) [][]byte {
			var proof []byte
			return func(toCompanion bool, n int, message []byte) [][]byte {
				if !toCompanion && n == 0 {
					proof = bytes.Clone(message[len(message)-32:])
				}
				if toCompanion && n == 1 {
					message = socket.EncodeFinish(proof)
				}
				return [][]byte{message}
			}
		}(),
	} {
		if got := c.refusal(func() error { return throughout(c.relay(pass).shake(t, c.port, device)) }); got != socket.CloseProof {
			t.Errorf("%s: close code = %d, want 4403", name, got)
		}
	}
	other := c.relay(unchanged)
	other.origin = firefox
	if got := c.refusal(func() error { return throughout(other.shake(t, c.port, device)) }); got != socket.CloseUnknown {
		t.Errorf("a relay that says another origin: close code = %d, want 4401", got)
	}
	c.unhurt(chrome, device)
}

// throughout reads a connection whose handshake seemed to succeed to its end.
func throughout(client *sockettest.Client, err error) error {
	if err != nil {
		return err
	}
	return ended(client.WS)
}

func TestARelayReadsNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	r := c.relay(unchanged)
	ticket := c.ticket()
	p := decodeTicket(t, ticket)
	ws, err := sockettest.Dial(t.Context(), r.port, chrome)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	client, err := sockettest.Shake(ws, c.port, chrome, socket.KindTicket, socket.Sum(p), p)
	if err != nil {
		t.Fatal(err)
	}
	var enrolled wire.Enrolled
	if err := client.Read(&enrolled); err != nil {
		t.Fatal(err)
	}
	client.Close()
	device := sockettest.Device{ID: socket.ID(decodeBase64(t, enrolled.Device)), Key: decodeBase64(t, enrolled.Key)}
	through, err := r.shake(t, c.port, device)
	if err != nil {
		t.Fatal(err)
	}
	var nack wire.Nack
	const address = "https://private.example/what-i-read"
	click := wire.Flattr{Type: wire.TypeFlattr, ID: "0197a0b0-0000-7000-8000-000000000001", Thing: wire.Thing{URL: address}, At: "2026-11-22T08:00:00.000Z"}
	if err := through.Ask(click.ID, click, &nack); err != nil || nack.Code != wire.CodeNotLinked {
		t.Fatalf("click = %+v, %v, want not_linked", nack, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := bytes.Join(r.saw, nil)
	for name, secret := range map[string][]byte{
		"the ticket": p, "its text": []byte(ticket), "the key": device.Key, "the key's text": []byte(enrolled.Key),
		"an address": []byte(address), "a word of the protocol": []byte(`"type"`), "its answer": []byte("not_linked"),
	} {
		if bytes.Contains(all, secret) {
			t.Errorf("%s went over the wire in the clear", name)
		}
	}
	if len(r.saw) < 8 {
		t.Errorf("the relay saw %d messages only", len(r.saw))
	}
	c.unhurt(chrome, device)
}

func decodeBase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != 32 {
		t.Fatalf("%q is not 32 bytes of base64url", text)
	}
	return b
}

func TestReplayedAndReorderedFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	ping := func(id string) []byte { return fmt.Appendf(nil, `{"type":"ping","id":%q}`, id) }
	// What was said over an earlier connection.
	earlier := c.relay(unchanged)
	before, err := earlier.shake(t, c.port, device)
	if err != nil {
		t.Fatal(err)
	}
	c.ping(before)
	before.Close()
	earlier.mu.Lock()
	said := earlier.saw // hello, challenge, finish, then frames
	earlier.mu.Unlock()
	for name, attack := range map[string]func(*sockettest.Client){
		"a frame sent twice": func(client *sockettest.Client) {
			frame := client.Seal(ping("1"))
			write(client, frame, frame)
		},
		"two frames changed about": func(client *sockettest.Client) {
			first := client.Seal(ping("1"))
			write(client, client.Seal(ping("2")), first)
		},
		"a frame left out": func(client *sockettest.Client) {
			client.Seal(ping("1"))
			write(client, client.Seal(ping("2")))
		},
		"a frame of an earlier connection": func(client *sockettest.Client) { write(client, said[3]) },
		"the companion's frame sent back": func(client *sockettest.Client) {
			write(client, client.Seal(ping("1")))
			if _, frame, err := client.WS.ReadMessage(); err == nil {
				write(client, frame)
			}
		},
		"a bit flipped": func(client *sockettest.Client) {
			frame := client.Seal(ping("1"))
			frame[3] ^= 1
			write(client, frame)
		},
		"a frame cut short": func(client *sockettest.Client) { write(client, client.Seal(ping("1"))[:10]) },
		"an empty frame":    func(client *sockettest.Client) { write(client, nil) },
		"no frame at all":   func(client *sockettest.Client) { write(client, ping("1")) },
	} {
		client := c.connect(chrome, device)
		attack(client)
		if got := code(ended(client.WS)); got != socket.CloseFrame {
			t.Errorf("%s: close code = %d, want 4409", name, got)
		}
	}
	// The whole of the earlier conversation, once more.
	if got := c.refusal(func() error {
		ws := c.dial(chrome)
		for _, message := range [][]byte{said[0], said[2], said[3]} {
			_ = ws.WriteMessage(websocket.BinaryMessage, message)
		}
		return ended(ws)
	}); got != socket.CloseProof {
		t.Errorf("an earlier conversation said again: close code = %d, want 4403", got)
	}
	c.unhurt(chrome, device)
}

func write(client *sockettest.Client, frames ...[]byte) {
	for _, frame := range frames {
		_ = client.WS.WriteMessage(websocket.BinaryMessage, frame)
	}
}
