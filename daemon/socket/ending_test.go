package socket_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"

	"github.com/gorilla/websocket"
)

// insist speaks on after the companion has said goodbye, until writing fails.
func insist(t *testing.T, client *sockettest.Client, speak func() error) (ended chan struct{}) {
	t.Helper()
	ended = make(chan struct{})
	enough := time.After(10 * time.Second)
	go func() {
		defer close(ended)
		for speak() == nil {
			select {
			case <-enough:
				client.WS.Close()
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return ended
}

func TestWhoSpeaksOnAfterTheGoodbyeIsNotHeard(t *testing.T) {
	for name, speak := range map[string]func(*sockettest.Client) error{
		"messages": func(client *sockettest.Client) error { return client.SendBytes([]byte(`"more"`)) },
		"pongs": func(client *sockettest.Client) error {
			return client.WS.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			client := connect(t, c, chrome, c.keys.device(chrome))
			ended := insist(t, client, func() error { return speak(client) })
			c.stop()
			select {
			case err := <-c.done:
				c.done <- err // for the cleanup
			case <-time.After(5 * time.Second):
				t.Error("the companion does not stop while a browser speaks on")
			}
			<-ended
		})
	}
}

func TestAClosedConnectionGivesNoMoreMessages(t *testing.T) {
	heard := make(chan string, 100)
	c := startServing(t, func(_ context.Context, conn *socket.Conn) {
		for {
			message, err := conn.Receive()
			if err != nil {
				close(heard)
				return
			}
			select {
			case heard <- string(message):
			default:
			}
			conn.Close(socket.CloseUnknown, "device revoked")
		}
	})
	client := connect(t, c, chrome, c.keys.device(chrome))
	<-insist(t, client, func() error { return client.SendBytes([]byte(`"more"`)) })
	var all []string
	for message := range heard {
		all = append(all, message)
	}
	if len(all) != 1 {
		t.Errorf("heard %d messages, want the one before the connection was closed", len(all))
	}
}

// raw sends text as it is and gives the answer's status and body.
func raw(t *testing.T, c *companion, text string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", c.Port()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

func TestWhatIsNoRequestIsTurnedAwayWithoutDetailToo(t *testing.T) {
	c := start(t)
	own := fmt.Sprintf("Host: 127.0.0.1:%d\r\n", c.Port())
	for name, text := range map[string]string{
		"a question for all":   "OPTIONS * HTTP/1.1\r\n" + own + "\r\n",
		"no Host":              "GET /ws HTTP/1.1\r\n\r\n",
		"two Hosts":            "GET /ws HTTP/1.1\r\n" + own + own + "\r\n",
		"a Host that is none":  "GET /ws HTTP/1.1\r\nHost: a b\r\n\r\n",
		"garbage":              "\x16\x03\x01\x02\x00\r\n\r\n",
		"an unknown coding":    "GET /ws HTTP/1.1\r\n" + own + "Transfer-Encoding: cat\r\n\r\n",
		"a header without end": "GET /ws HTTP/1.1\r\n" + own + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"HTTP/2":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		if status, body := raw(t, c, text); status != http.StatusForbidden || body != "" {
			t.Errorf("%s: answer = %d %q, want a bare 403", name, status, body)
		}
	}
}
