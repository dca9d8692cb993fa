package threats_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

func decodeTicket(t *testing.T, ticket string) []byte {
	t.Helper()
	p, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(ticket)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// first sends one message after the upgrade and gives the close code.
func (c *companion) first(kind int, message []byte) int {
	c.t.Helper()
	return c.refusal(func() error {
		ws := c.dial(chrome)
		if err := ws.WriteMessage(kind, message); err != nil {
			return err
		}
		return ended(ws)
	})
}

func TestNobodyIsTalkedIntoAnOlderVersion(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	hello := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 2, ID: device.ID}
	rand.Read(hello.Nonce[:])
	versions := func(lowest, highest uint16) []byte {
		other := hello
		other.Lowest, other.Highest = lowest, highest
		return other.Encode()
	}
	if got := c.first(websocket.BinaryMessage, versions(2, 9)); got != socket.CloseVersion {
		t.Errorf("versions 2 to 9 only: close code = %d, want 4402", got)
	}
	for _, wrong := range [][2]uint16{{0, 0}, {0, 1}, {2, 1}} {
		if got := c.first(websocket.BinaryMessage, versions(wrong[0], wrong[1])); got != socket.CloseLayout {
			t.Errorf("versions %d to %d: close code = %d, want 4400", wrong[0], wrong[1], got)
		}
	}
	// Who rewrites what is offered, or what is chosen, breaks both proofs: the
	// extension says 1 to 2, the companion hears 1 to 1.
	for name, heard := range map[string]socket.Hello{"as said": hello, "rewritten": {Kind: hello.Kind, Lowest: 1, Highest: 1, ID: hello.ID, Nonce: hello.Nonce}} {
		for _, chosen := range []uint16{1, 2} {
			c.patiently(func() error {
				challenge, mac, err := c.challenge(heard)
				if err != nil {
					return err
				}
				challenge.Version = chosen
				secrets, err := socket.Derive(device.Key, chrome, uint16(c.port), hello, challenge)
				if err != nil {
					return err
				}
				if got, want := secrets.Proves(socket.Daemon, mac), name == "as said" && chosen == 1; got != want {
					t.Errorf("offer %s, version %d chosen: the proof holds: %v, want %v", name, chosen, got, want)
				}
				return nil
			})
		}
	}
	for _, protocol := range []string{"flattr.v0", "flattr.v2", "FLATTR.V1", "flattr.v1, flattr.v0", ""} {
		dialer := websocket.Dialer{HandshakeTimeout: patience}
		header := map[string][]string{"Origin": {chrome}}
		if protocol != "" {
			header["Sec-WebSocket-Protocol"] = []string{protocol}
		}
		if ws, _, err := dialer.Dial(fmt.Sprintf("ws://127.0.0.1:%d/ws", c.port), header); err == nil {
			ws.Close()
			t.Errorf("subprotocol %q was upgraded", protocol)
		}
	}
	c.unhurt(chrome, device)
}

// challenge says a hello and gives the companion's answer.
func (c *companion) challenge(hello socket.Hello) (socket.Challenge, []byte, error) {
	ws := c.dial(chrome)
	defer ws.Close()
	if err := ws.WriteMessage(websocket.BinaryMessage, hello.Encode()); err != nil {
		return socket.Challenge{}, nil, err
	}
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	_, message, err := ws.ReadMessage()
	if err != nil {
		return socket.Challenge{}, nil, err
	}
	return socket.ParseChallenge(message)
}

func TestAStolenTicketIsGoodForNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	ticket := c.ticket()
	p := decodeTicket(t, ticket)
	ticketHello := func(secret []byte) func() error {
		return func() error {
			ws := c.dial(chrome)
			defer ws.Close()
			client, err := sockettest.Shake(ws, c.port, chrome, socket.KindTicket, socket.Sum(p), secret)
			return throughout(client, err)
		}
	}
	// Who has seen only the ticket's name on the wire cannot prove anything, and
	// does not spend it, however often it is said.
	for range 6 {
		c.patiently(func() error {
			_, _, err := c.challenge(socket.Hello{Kind: socket.KindTicket, Lowest: 1, Highest: 1, ID: socket.Sum(p)})
			return err
		})
	}
	if got := c.refusal(func() error {
		ws := c.dial(chrome)
		hello := socket.Hello{Kind: socket.KindTicket, Lowest: 1, Highest: 1, ID: socket.Sum(p)}
		_ = ws.WriteMessage(websocket.BinaryMessage, hello.Encode())
		_ = ws.WriteMessage(websocket.BinaryMessage, socket.EncodeFinish(make([]byte, 32)))
		return ended(ws)
	}); got != socket.CloseProof {
		t.Errorf("the ticket's name without the ticket: close code = %d, want 4403", got)
	}
	var stolen sockettest.Device
	c.patiently(func() (err error) {
		stolen, err = sockettest.Pair(t.Context(), c.port, chrome, strings.ToLower(ticket))
		return err
	})
	c.connect(chrome, stolen).Close()
	// Spent, it is as good as never made.
	if got := c.refusal(ticketHello(p)); got != socket.CloseUnknown {
		t.Errorf("a ticket that was spent: close code = %d, want 4401", got)
	}
	// Ten at once make one device.
	again := c.ticket()
	results := make(chan error, 10)
	for range cap(results) {
		go func() {
			_, err := sockettest.Pair(t.Context(), c.port, chrome, again)
			results <- err
		}()
	}
	made := 0
	for range cap(results) {
		if <-results == nil {
			made++
		}
	}
	if made > 1 {
		t.Errorf("one ticket made %d devices", made)
	}
	// Nobody can have more than five waiting.
	var problem *control.Problem
	for range 6 {
		if err := control.Ask(t.Context(), []string{c.sockets}, control.Pair, new(wire.TicketAnswer)); errors.As(err, &problem) {
			break
		}
	}
	if problem == nil || problem.Code != "too_many" {
		t.Errorf("the sixth waiting ticket = %v, want too_many", problem)
	}
	c.unhurt(chrome, device)
}

func TestGarbageInTheHandshakeEndsWithItsCode(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	hello := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1, ID: device.ID}.Encode()
	random := make([]byte, 70)
	rand.Read(random)
	random[0] = 9
	for name, message := range map[string][]byte{
		"nothing": {}, "a byte": {1}, "HTTP": []byte("GET / HTTP/1.1\r\n\r\n"), "JSON": []byte(`{"type":"status","id":"1"}`),
		"random bytes": random, "hello with one byte more": append(bytes.Clone(hello), 0), "hello with one byte less": hello[:69],
		"a challenge": append([]byte{2}, random[1:67]...), "finish first": socket.EncodeFinish(random[:32]),
		"an unknown kind": append([]byte{1, 2}, hello[2:]...),
	} {
		if got := c.first(websocket.BinaryMessage, message); got != socket.CloseLayout {
			t.Errorf("%s: close code = %d, want 4400", name, got)
		}
	}
	if got := c.first(websocket.TextMessage, hello); got != socket.CloseLayout {
		t.Errorf("hello as text: close code = %d, want 4400", got)
	}
	if got := c.first(websocket.BinaryMessage, socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1, ID: socket.ID(random[:32])}.Encode()); got != socket.CloseUnknown {
		t.Errorf("a device nobody knows: close code = %d, want 4401", got)
	}
	for name, finish := range map[string][]byte{"nothing": {}, "a byte less": socket.EncodeFinish(random[:31]), "hello again": hello} {
		if got := c.refusal(func() error {
			ws := c.dial(chrome)
			_ = ws.WriteMessage(websocket.BinaryMessage, hello)
			_ = ws.WriteMessage(websocket.BinaryMessage, finish)
			return ended(ws)
		}); got != socket.CloseLayout {
			t.Errorf("finish is %s: close code = %d, want 4400", name, got)
		}
	}
	c.garbage()
	c.unhurt(chrome, device)
}

// garbage sends what is no HTTP at all: the answer is a bare 403, or the end.
func (c *companion) garbage() {
	c.t.Helper()
	for name, text := range map[string]string{
		"TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "zeros": strings.Repeat("\x00", 4096),
		"SOCKS": "\x05\x01\x00", "a header without end": plainGet + "\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"a masked frame": "\x82\xfe\xff\xff" + strings.Repeat("\xff", 300) + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp4", c.host())
		if err != nil {
			c.t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write([]byte(text))
		_ = conn.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(conn)
		conn.Close()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Errorf("%s: the companion waits", name)
		}
		bare := strings.HasPrefix(string(answer), "HTTP/1.1 403 Forbidden\r\n") && strings.HasSuffix(string(answer), "Content-Length: 0\r\n\r\n")
		if len(answer) > 0 && !bare {
			c.t.Errorf("%s: answer = %q, want a bare 403", name, answer)
		}
	}
}

// A frame's header may announce more than there is memory.
func TestAFrameOfAMebibyteIsRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	if got := c.first(websocket.BinaryMessage, make([]byte, 1<<20)); got != websocket.CloseMessageTooBig {
		t.Errorf("1 MiB for hello: close code = %d, want 1009", got)
	}
	for name, size := range map[string]int{"1 MiB": 1 << 20, "one byte too many": wire.MaxFrameBytes + 1} {
		client := c.connect(chrome, device)
		write(client, make([]byte, size))
		if got := code(ended(client.WS)); got != websocket.CloseMessageTooBig {
			t.Errorf("a frame of %s: close code = %d, want 1009", name, got)
		}
	}
	for name, announced := range map[string]uint64{"2^62 bytes": 1 << 62, "4 GiB": 1 << 32} {
		client := c.connect(chrome, device)
		header := binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, announced)
		_, _ = client.WS.NetConn().Write(append(header, make([]byte, 4096)...))
		if got := code(ended(client.WS)); got != websocket.CloseMessageTooBig {
			t.Errorf("a frame that announces %s: close code = %d, want 1009", name, got)
		}
	}
	// The same in small pieces of one message.
	client := c.connect(chrome, device)
	writer, err := client.WS.NextWriter(websocket.BinaryMessage)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := writer.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	writer.Close()
	if got := code(ended(client.WS)); got != websocket.CloseMessageTooBig {
		t.Errorf("a message of 256 KiB in fragments: close code = %d, want 1009", got)
	}
	c.unhurt(chrome, device)
}
