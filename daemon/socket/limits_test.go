package socket_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"

	"github.com/gorilla/websocket"
)

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
