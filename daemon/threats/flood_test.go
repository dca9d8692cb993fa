package threats_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

const flood = 10_000 // frames, or connections

func TestASlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	began := time.Now()
	var slow []net.Conn
	for range 4 {
		conn, err := net.Dial("tcp4", c.host())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%s\r\nHost: %s\r\n", plainGet, c.host())
		go func() { // a byte now and then, for ever
			for {
				pause(t, 500*time.Millisecond)
				if _, err := conn.Write([]byte("X")); err != nil {
					return
				}
			}
		}()
		slow = append(slow, conn)
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.ReadAll(conn); isTimeout(err) {
			t.Errorf("the companion still waits for the header after %v", time.Since(began))
		}
	}
	if took := time.Since(began); took < 4*time.Second || took > 8*time.Second {
		t.Errorf("slow headers lived %v, want about 5 s", took)
	}
	c.unhurt(chrome, device)
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

func TestASlowHandshakeIsCutOff(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	hello := socket.Hello{Kind: socket.KindDevice, Lowest: 1, Highest: 1, ID: device.ID}.Encode()
	frame := append([]byte{0x82, 0x80 | byte(len(hello)), 0, 0, 0, 0}, hello...)
	for name, say := range map[string]func(*websocket.Conn){
		"nothing": func(*websocket.Conn) {},
		"a byte now and then": func(ws *websocket.Conn) {
			go func() {
				for _, b := range frame {
					if _, err := ws.NetConn().Write([]byte{b}); err != nil {
						return
					}
					pause(t, 300*time.Millisecond)
				}
			}()
		},
		"hello and no proof": func(ws *websocket.Conn) { _ = ws.WriteMessage(websocket.BinaryMessage, hello) },
	} {
		ws := c.dial(chrome)
		began := time.Now()
		say(ws)
		got := sockettest.CloseCode(ws)
		if took := time.Since(began); got != socket.CloseDeadline || took < 2*time.Second || took > 6*time.Second {
			t.Errorf("%s: close code = %d after %v, want 4408 after 3 s", name, got, took)
		}
		ws.Close()
	}
	c.unhurt(chrome, device)
}

func TestAFloodOfTenThousandFrames(t *testing.T) {
	t.Parallel()
	c := start(t)
	device, other := c.pair(chrome), c.pair(firefox)
	// Who keeps to the limit of unanswered messages is answered, whatever comes.
	client := c.connect(chrome, device)
	ask := func(client *sockettest.Client, i int) error {
		return client.Send(wire.Ask{Type: wire.TypePing, ID: fmt.Sprint(i)})
	}
	next := 0
	for ; next < wire.MaxUnanswered; next++ {
		if err := ask(client, next); err != nil {
			t.Fatal(err)
		}
	}
	for answered := range flood {
		var pong wire.Pong
		if err := client.Read(&pong); err != nil || pong.Type != wire.TypePong {
			t.Fatalf("after %d answers: %+v, %v", answered, pong, err)
		}
		if next < flood {
			if err := ask(client, next); err != nil {
				t.Fatal(err)
			}
			next++
		}
		if answered == flood/2 {
			c.unhurt(firefox, other) // in the middle of it
		}
	}
	// Who does not, and does not read, is told so; the others notice nothing.
	deaf := c.connect(chrome, device)
	_ = deaf.WS.NetConn().(*net.TCPConn).SetReadBuffer(4096)
	_ = deaf.WS.SetWriteDeadline(time.Now().Add(patience))
	for i := range flood {
		if deaf.Send(wire.Ask{Type: wire.TypeStatus, ID: fmt.Sprint(i)}) != nil {
			break
		}
	}
	c.unhurt(firefox, other)
	if got := sockettest.CloseCode(deaf.WS); got != socket.CloseDeadline && got != websocket.CloseAbnormalClosure {
		t.Errorf("who never reads: close code = %d, want 4408", got)
	}
}

func TestAFloodOfClicksIsKeptBackAndNotRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	client := c.connect(chrome, device)
	// Not signed in: each click must come back to the outbox, none be lost.
	const clicks = 200
	go func() {
		for i := range clicks {
			id := fmt.Sprintf("0197a0b0-0000-7000-8000-%012d", i)
			_ = client.Send(wire.Flattr{Type: wire.TypeFlattr, ID: id, Thing: wire.Thing{URL: "https://a.example/"}, At: "2026-11-22T08:00:00.000Z"})
		}
	}()
	for answered := 0; answered < clicks; {
		var raw json.RawMessage
		if err := client.Read(&raw); err != nil {
			t.Fatalf("after %d answers: %v", answered, err)
		}
		var nack wire.Nack
		if json.Unmarshal(raw, &nack) == nil && nack.Type == wire.TypeNack {
			answered++
			if !nack.Retry {
				t.Fatalf("answer = %+v, want that the click stays in the browser", nack)
			}
		}
	}
	c.unhurt(chrome, device)
}

func TestAFloodOfConnectionsTakesNothingFromThoseThatAreOpen(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	client := c.connect(chrome, device)
	for i := range flood / 10 {
		conn, err := net.Dial("tcp4", c.host())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() // held open as long as the companion lets them
		if i%100 == 0 {
			c.ping(client)
			if open := c.files(); open > 100 {
				t.Fatalf("the companion has %d files open", open)
			}
		}
	}
	c.ping(client)
}

// files is how many files the process has open; 0 where the system does not tell.
func (c *companion) files() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.process.Cmd.Process.Pid))
	return len(list)
}

func TestNoCommandWaitsForSlowOnes(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	for range 200 {
		conn, err := net.Dial("unix", c.sockets+"/"+control.SocketName)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	var busy, answered int
	for end := time.Now().Add(patience); answered == 0 && time.Now().Before(end); pause(t, 50*time.Millisecond) {
		switch err := control.Ask(t.Context(), []string{c.sockets}, control.Status, new(control.Report)).(type) {
		case nil:
			answered++
		case *control.Problem:
			if err.Code == control.Busy {
				busy++
			}
		}
	}
	if busy == 0 || answered == 0 {
		t.Errorf("among 200 silent commands one was told %d times to wait, and %d times answered; want both", busy, answered)
	}
	c.unhurt(chrome, device)
}
