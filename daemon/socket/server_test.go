package socket_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

const (
	extensionID = "aflkheolljhcmjgheajiddikljimfana"
	chrome      = "chrome-extension://" + extensionID
	firefox     = "moz-extension://0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
)

// keys is one ticket and the devices made of it.
type keys struct {
	mu      sync.Mutex
	ticket  []byte
	devices map[socket.ID]sockettest.Device
	origin  map[socket.ID]string
	failing bool
}

func (k *keys) config() socket.Keys {
	return socket.Keys{
		Ticket: func(hash socket.ID, _ uint32) ([]byte, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.ticket == nil || hash != socket.Sum(k.ticket) {
				return nil, socket.ErrUnknown
			}
			return k.ticket, nil
		},
		Enroll: func(_ context.Context, hash socket.ID, _ uint32, origin string) (wire.Enrolled, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.ticket == nil || hash != socket.Sum(k.ticket) {
				return wire.Enrolled{}, socket.ErrUnknown
			}
			k.ticket = nil
			return k.enrol(origin), nil
		},
		Device: func(_ context.Context, id socket.ID, _ uint32, origin string) ([]byte, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.failing {
				return nil, errors.New("disk gone")
			}
			if device, ok := k.devices[id]; ok && k.origin[id] == origin {
				return device.Key, nil
			}
			return nil, socket.ErrUnknown
		},
	}
}

func (k *keys) enrol(origin string) wire.Enrolled {
	device := sockettest.Device{Key: make([]byte, 32)}
	rand.Read(device.ID[:])
	rand.Read(device.Key)
	k.devices[device.ID] = device
	k.origin[device.ID] = origin
	encode := base64.RawURLEncoding.EncodeToString
	return wire.Enrolled{Type: wire.TypeEnrolled, Device: encode(device.ID[:]), Key: encode(device.Key)}
}

// device makes a device as if it had been paired from the origin.
func (k *keys) device(origin string) sockettest.Device {
	k.mu.Lock()
	defer k.mu.Unlock()
	enrolled := k.enrol(origin)
	id, _ := base64.RawURLEncoding.DecodeString(enrolled.Device)
	return k.devices[socket.ID(id)]
}

// companion runs a server that echoes every message.
type companion struct {
	*socket.Server
	keys *keys
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T) *companion {
	t.Helper()
	listener, err := socket.Listen(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := &companion{keys: &keys{devices: map[socket.ID]sockettest.Device{}, origin: map[socket.ID]string{}}, done: make(chan error, 1)}
	c.Server = socket.New(listener, socket.Config{
		Keys: c.keys.config(), ExtensionIDs: []string{extensionID}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Random: func(b []byte) { rand.Read(b) },
		Serve: func(_ context.Context, conn *socket.Conn) {
			for {
				message, err := conn.Receive()
				if err != nil || conn.Send(message) != nil {
					return
				}
			}
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go func() { c.done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-c.done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return c
}

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
		"a sandboxed page":          {request{origin: "null"}, 403},
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
	stranger := device
	stranger.ID[0] ^= 1
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
		{"a stranger", first(websocket.BinaryMessage, hello(func(h *socket.Hello) { h.ID = stranger.ID })), socket.CloseUnknown},
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
				if got == socket.CloseTooMany {
					return false
				}
				if got != fault.want {
					t.Errorf("close code = %d, want %d", got, fault.want)
				}
				return true
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

func TestTheNinthConnectionIsTurnedAwayAndTheEighthLives(t *testing.T) {
	c := start(t)
	device := c.keys.device(chrome)
	var clients []*sockettest.Client
	for range 8 {
		clients = append(clients, connect(t, c, chrome, device))
	}
	ws := dial(t, c, chrome)
	if got := sockettest.CloseCode(ws); got != socket.CloseTooMany {
		t.Errorf("ninth connection: close code = %d, want %d", got, socket.CloseTooMany)
	}
	for i, client := range clients {
		var got string
		if err := client.SendBytes([]byte(`"still here"`)); err != nil {
			t.Fatal(err)
		}
		if err := client.Read(&got); err != nil || got != "still here" {
			t.Errorf("connection %d after the refusal: %q, %v", i, got, err)
		}
	}
}

func TestUnprovenConnectionsAreFewAndEndByThemselves(t *testing.T) {
	c := start(t)
	silent := make([]*websocket.Conn, 4)
	for i := range silent {
		silent[i] = dial(t, c, chrome)
	}
	if got := sockettest.CloseCode(dial(t, c, chrome)); got != socket.CloseTooMany {
		t.Errorf("fifth unproven connection: close code = %d, want %d", got, socket.CloseTooMany)
	}
	began := time.Now()
	for _, ws := range silent {
		if got := sockettest.CloseCode(ws); got != socket.CloseDeadline {
			t.Errorf("silent connection: close code = %d, want %d", got, socket.CloseDeadline)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("silent connections lived %v, want about 3 s", took)
	}
}

func TestASlowHeaderIsCutOff(t *testing.T) {
	c := start(t)
	conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", c.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /ws HTTP/1.1\r\nHost: ")); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the companion still waits for the header: %v", err)
	}
}

func TestHandshakesAreFiveASecond(t *testing.T) {
	c := start(t)
	refused := 0
	for range 12 {
		ws := dial(t, c, chrome)
		hello := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1}
		ws.WriteMessage(websocket.BinaryMessage, hello.Encode())
		if sockettest.CloseCode(ws) == socket.CloseTooMany {
			refused++
		}
		ws.Close()
	}
	if refused == 0 {
		t.Error("twelve handshakes at once: none was refused with 4429")
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

func dial(t *testing.T, c *companion, origin string) *websocket.Conn {
	t.Helper()
	ws, err := sockettest.Dial(t.Context(), c.Port(), origin)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

// connect proves the device, waiting while handshakes are too many: the
// challenge does not come then.
func connect(t *testing.T, c *companion, origin string, device sockettest.Device) *sockettest.Client {
	t.Helper()
	var client *sockettest.Client
	retryBusy(t, func() bool {
		var err error
		client, err = sockettest.Connect(t.Context(), c.Port(), origin, device)
		if code(err) == socket.CloseTooMany {
			return false
		}
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		return true
	})
	t.Cleanup(func() { client.WS.Close() })
	return client
}

// retryBusy repeats an attempt until the quota of handshakes has room again.
func retryBusy(t *testing.T, attempt func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if attempt() {
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("handshakes are refused with 4429 for 20 s")
}

func code(err error) int {
	var end *websocket.CloseError
	if errors.As(err, &end) {
		return end.Code
	}
	return 0
}

func uid() uint32 { return uint32(os.Getuid()) }
