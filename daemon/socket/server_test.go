package socket_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// request is a WebSocket upgrade in its own words; a field set to "-" is left out.
type request struct{ line, host, origin, protocol, extra string }

func (c *companion) upgrade(t *testing.T, r request) int {
	t.Helper()
	own := fmt.Sprintf("127.0.0.1:%d", c.Port())
	field := func(value, usual, name string) string {
		switch value {
		case "-":
			return ""
		case "":
			value = usual
		}
		return name + value + "\r\n"
	}
	text := field(r.line, "GET /ws HTTP/1.1", "") + field(r.host, own, "Host: ") + field(r.origin, chrome, "Origin: ") +
		field(r.protocol, wire.Subprotocol, "Sec-WebSocket-Protocol: ") + r.extra +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	conn, err := net.Dial("tcp4", own)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	if response.StatusCode == http.StatusForbidden {
		if body, _ := io.ReadAll(response.Body); len(body) != 0 {
			t.Errorf("%+v: the refusal says %q, want nothing", r, body)
		}
	}
	for name := range response.Header {
		if strings.HasPrefix(name, "Access-Control") {
			t.Errorf("%+v: answer carries %s", r, name)
		}
	}
	return response.StatusCode
}

func TestOnlyTheExtensionsUpgradePasses(t *testing.T) {
	c := start(t)
	port := fmt.Sprint(c.Port())
	for name, attempt := range map[string]struct {
		request request
		status  int
	}{
		"our extension in Chromium": {request{}, 101},
		"an extension in Firefox":   {request{origin: firefox}, 101},
		"Sec-Fetch-Site cross-site": {request{extra: "Sec-Fetch-Site: cross-site\r\n"}, 101},
		"a web page":                {request{origin: "https://evil.example"}, 403},
		"a page on loopback":        {request{origin: "http://127.0.0.1:" + port}, 403},
		"an opaque origin":          {request{origin: "null"}, 403},
		"a program without Origin":  {request{origin: "-"}, 403},
		"two Origins":               {request{extra: "Origin: " + chrome + "\r\n"}, 403},
		"another extension":         {request{origin: "chrome-extension://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, 403},
		"our origin with a path":    {request{origin: chrome + "/"}, 403},
		"our origin in capitals":    {request{origin: strings.ToUpper(chrome)}, 403},
		"Firefox with a port":       {request{origin: firefox + ":80"}, 403},
		"Firefox in capitals":       {request{origin: strings.ToUpper(firefox)}, 403},
		"a rebound name":            {request{host: "evil.example:" + port}, 403},
		"localhost by name":         {request{host: "localhost:" + port}, 403},
		"Host without port":         {request{host: "127.0.0.1"}, 403},
		"an absolute request line":  {request{line: "GET http://127.0.0.1:" + port + "/ws HTTP/1.1"}, 403},
		"a query":                   {request{line: "GET /ws?x=1 HTTP/1.1"}, 403},
		"another path":              {request{line: "GET / HTTP/1.1"}, 403},
		"POST":                      {request{line: "POST /ws HTTP/1.1"}, 403},
		"no subprotocol":            {request{protocol: "-"}, 403},
		"a list of subprotocols":    {request{protocol: wire.Subprotocol + ", chat"}, 403},
		"another version of it":     {request{protocol: "flattr.v2"}, 403},
		"a body":                    {request{extra: "Content-Length: 3\r\n"}, 403},
		"an older HTTP":             {request{line: "GET /ws HTTP/1.0"}, 403},
	} {
		if got := c.upgrade(t, attempt.request); got != attempt.status {
			t.Errorf("%s: status = %d, want %d", name, got, attempt.status)
		}
	}
}

func TestTheReasonOfTheLastRefusalIsKeptForTheStatus(t *testing.T) {
	c := start(t)
	c.upgrade(t, request{origin: "https://evil.example"})
	own := socket.UIDUnknown // where the system names no user
	for _, uid := range []uint32{uid(), socket.UIDUnknown} {
		if c.LastRefusal(uid).Reason != "" {
			own = uid
		}
	}
	if got := c.LastRefusal(own); !strings.Contains(got.Reason, "evil.example") || got.At.IsZero() {
		t.Errorf("LastRefusal = %+v, want the origin and a time", got)
	}
	if got := c.LastRefusal(uid() + 1); got.Reason != "" {
		t.Errorf("another user sees %+v", got)
	}
}

func TestATicketMakesADeviceOnceAndTheDeviceSpeaks(t *testing.T) {
	c := start(t)
	c.keys.ticket = []byte("0123456789abcdef")
	ticket := "GAYTEMZUGU3DOOBZMFRGGZDFMY"
	device, err := sockettest.Pair(t.Context(), c.Port(), chrome, ticket)
	if err != nil {
		t.Fatalf("pair: %v", err)
	}
	if _, err := sockettest.Pair(t.Context(), c.Port(), chrome, ticket); code(err) != socket.CloseUnknown {
		t.Errorf("the ticket a second time: %v, want 4401", err)
	}
	client := connect(t, c, chrome, device)
	for _, text := range []string{`"a"`, `"grün ✓"`, `"` + strings.Repeat("x", wire.MaxJSONBytes-2) + `"`} {
		var got json.RawMessage
		if err := client.SendBytes([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := client.Read(&got); err != nil || string(got) != text {
			t.Fatalf("echo of %d bytes = %.20s, %v", len(text), got, err)
		}
	}
}

func TestHelloAloneDoesNotSpendTheTicket(t *testing.T) {
	c := start(t)
	c.keys.ticket = []byte("0123456789abcdef")
	ws := dial(t, c, chrome)
	hello := socket.Hello{Kind: socket.KindTicket, Lowest: 1, Highest: 1, ID: socket.Sum(c.keys.ticket)}
	if err := ws.WriteMessage(websocket.BinaryMessage, hello.Encode()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.ReadMessage(); err != nil {
		t.Fatalf("no challenge: %v", err)
	}
	ws.Close()
	if _, err := sockettest.Pair(t.Context(), c.Port(), chrome, "GAYTEMZUGU3DOOBZMFRGGZDFMY"); err != nil {
		t.Errorf("pair after an abandoned hello: %v", err)
	}
}

func TestEachFaultHasItsCloseCode(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	hello := func(change func(*socket.Hello)) []byte {
		h := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1, ID: device.ID}
		change(&h)
		return h.Encode()
	}
	first := func(kind int, message []byte) func(t *testing.T) int {
		return func(t *testing.T) int {
			ws := dial(t, c, chrome)
			if err := ws.WriteMessage(kind, message); err != nil {
				t.Fatal(err)
			}
			return sockettest.CloseCode(ws)
		}
	}
	proven := func(act func(*sockettest.Client)) func(t *testing.T) int {
		return func(t *testing.T) int {
			client := connect(t, c, chrome, device)
			act(client)
			return sockettest.CloseCode(client.WS)
		}
	}
	for _, fault := range []struct {
		name string
		act  func(t *testing.T) int
		want int
	}{
		{"garbage for hello", first(websocket.BinaryMessage, []byte("GET / HTTP/1.1")), socket.CloseLayout},
		{"an empty hello", first(websocket.BinaryMessage, nil), socket.CloseLayout},
		{"hello as text", first(websocket.TextMessage, hello(func(*socket.Hello) {})), socket.CloseLayout},
		{"an unknown kind", first(websocket.BinaryMessage, hello(func(h *socket.Hello) { h.Kind = 2 })), socket.CloseLayout},
		{"versions from the future", first(websocket.BinaryMessage, hello(func(h *socket.Hello) { h.Lowest, h.Highest = 2, 3 })), socket.CloseVersion},
		{"a stranger", first(websocket.BinaryMessage, hello(func(h *socket.Hello) { h.ID[0] ^= 1 })), socket.CloseUnknown},
		{"5 KiB before the proof", first(websocket.BinaryMessage, make([]byte, 5<<10)), websocket.CloseMessageTooBig},
		{"a frame sent twice", proven(func(client *sockettest.Client) {
			frame := client.Seal([]byte(`"once"`))
			client.WS.WriteMessage(websocket.BinaryMessage, frame)
			client.WS.WriteMessage(websocket.BinaryMessage, frame)
		}), socket.CloseFrame},
		{"frames out of order", proven(func(client *sockettest.Client) {
			client.Seal([]byte(`"first"`))
			client.WS.WriteMessage(websocket.BinaryMessage, client.Seal([]byte(`"second"`)))
		}), socket.CloseFrame},
		{"plain text after the handshake", proven(func(client *sockettest.Client) {
			client.WS.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`))
		}), socket.CloseLayout},
		{"unsealed binary after the handshake", proven(func(client *sockettest.Client) {
			client.WS.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`))
		}), socket.CloseFrame},
		{"a frame of 1 MiB", proven(func(client *sockettest.Client) {
			client.WS.WriteMessage(websocket.BinaryMessage, make([]byte, 1<<20))
		}), websocket.CloseMessageTooBig},
		{"a frame one byte too long", proven(func(client *sockettest.Client) {
			client.SendBytes(bytes.Repeat([]byte("x"), wire.MaxJSONBytes+1))
		}), websocket.CloseMessageTooBig},
	} {
		t.Run(fault.name, func(t *testing.T) {
			retryBusy(t, func() bool {
				got := fault.act(t)
				if got != fault.want && got != socket.CloseTooMany {
					t.Errorf("close code = %d, want %d", got, fault.want)
				}
				return got != socket.CloseTooMany
			})
		})
	}
}

func TestAWrongProofIsTold(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	ws := dial(t, c, chrome)
	hello := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1, ID: device.ID}
	ws.WriteMessage(websocket.BinaryMessage, hello.Encode())
	if _, _, err := ws.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	ws.WriteMessage(websocket.BinaryMessage, socket.EncodeFinish(make([]byte, 32)))
	if got := sockettest.CloseCode(ws); got != socket.CloseProof {
		t.Errorf("close code = %d, want %d", got, socket.CloseProof)
	}
}

func TestADeviceSpeaksFromItsOwnOriginOnly(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	_, err := sockettest.Connect(t.Context(), c.Port(), firefox, device)
	if code(err) != socket.CloseUnknown {
		t.Errorf("device of Chromium dialled from Firefox: %v, want 4401", err)
	}
}

func TestARelayOnAnotherPortFails(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	relay, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	go forward(relay, c.Port())
	relayPort := relay.Addr().(*net.TCPAddr).Port

	// The relay repairs the Host header, which a browser would have sent wrong.
	dialer := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
	header := http.Header{"Origin": {chrome}, "Host": {fmt.Sprintf("127.0.0.1:%d", c.Port())}}
	ws, _, err := dialer.Dial(fmt.Sprintf("ws://127.0.0.1:%d/ws", relayPort), header)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, err := sockettest.Shake(ws, relayPort, chrome, socket.KindDevice, device.ID, device.Key); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("handshake through a relay = %v, want that another program answers", err)
	}
}

func forward(relay net.Listener, port int) {
	for {
		conn, err := relay.Accept()
		if err != nil {
			return
		}
		onward, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			conn.Close()
			return
		}
		go func() { io.Copy(onward, conn); onward.Close() }()
		go func() { io.Copy(conn, onward); conn.Close() }()
	}
}

func TestAnUnreadableStoreIsNotAnUnknownDevice(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	c.keys.mu.Lock()
	c.keys.failing = true
	c.keys.mu.Unlock()
	_, err := sockettest.Connect(t.Context(), c.Port(), chrome, device)
	if code(err) != websocket.CloseInternalServerErr {
		t.Errorf("connect = %v, want 1011: the browser must not drop its pairing", err)
	}
}

func TestStoppingSaysGoodbye(t *testing.T) {
	c := start(t)
	client := connect(t, c, chrome, c.keys.device(chrome))
	c.stop()
	if got := sockettest.CloseCode(client.WS); got != websocket.CloseGoingAway {
		t.Errorf("close code = %d, want %d", got, websocket.CloseGoingAway)
	}
}
