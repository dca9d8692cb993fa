// Package sockettest is the extension's side of the socket in Go, for tests
// that speak to a running companion.
package sockettest

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"flattr/daemon/socket"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// patience bounds every single step of a test's conversation.
const patience = 20 * time.Second

// Client is a connection whose handshake is done.
type Client struct {
	WS  *websocket.Conn
	in  *socket.Box
	out *socket.Box
}

// Device is what a pairing leaves in the browser.
type Device struct {
	ID  socket.ID
	Key []byte
}

// Dial opens the WebSocket as a browser would, without a handshake.
func Dial(ctx context.Context, port int, origin string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience}
	header := http.Header{"Origin": []string{origin}}
	ws, _, err := dialer.DialContext(ctx, fmt.Sprintf("ws://127.0.0.1:%d/ws", port), header)
	return ws, err
}

// Shake carries out the handshake over ws. It sends its proof only when the
// companion's is right.
func Shake(ws *websocket.Conn, port int, origin string, kind socket.Kind, id socket.ID, p []byte) (*Client, error) {
	hello := socket.Hello{Kind: kind, Lowest: wire.Version, Highest: wire.Version, ID: id}
	rand.Read(hello.Nonce[:])
	if err := ws.WriteMessage(websocket.BinaryMessage, hello.Encode()); err != nil {
		return nil, err
	}
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	_, message, err := ws.ReadMessage()
	if err != nil {
		return nil, err
	}
	challenge, mac, err := socket.ParseChallenge(message)
	if err != nil {
		return nil, err
	}
	secrets, err := socket.Derive(p, origin, uint16(port), hello, challenge)
	if err != nil {
		return nil, err
	}
	if !secrets.Proves(socket.Daemon, mac) {
		return nil, errors.New("another program answers: its proof is wrong")
	}
	client := &Client{WS: ws}
	if client.in, err = secrets.Box(socket.ToExtension); err != nil {
		return nil, err
	}
	if client.out, err = secrets.Box(socket.ToDaemon); err != nil {
		return nil, err
	}
	return client, ws.WriteMessage(websocket.BinaryMessage, socket.EncodeFinish(secrets.Proof(socket.Extension)))
}

// Pair makes a device of a ticket as `flattrd pair` or the native host gives it.
func Pair(ctx context.Context, port int, origin, ticket string) (Device, error) {
	p, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(ticket))
	if err != nil {
		return Device{}, err
	}
	ws, err := Dial(ctx, port, origin)
	if err != nil {
		return Device{}, err
	}
	defer ws.Close()
	client, err := Shake(ws, port, origin, socket.KindTicket, socket.Sum(p), p)
	if err != nil {
		return Device{}, err
	}
	var enrolled wire.Enrolled
	if err := client.Read(&enrolled); err != nil {
		return Device{}, err
	}
	id, err := base64.RawURLEncoding.DecodeString(enrolled.Device)
	if err != nil || len(id) != len(socket.ID{}) {
		return Device{}, fmt.Errorf("device %q is not 32 bytes of base64url", enrolled.Device)
	}
	key, err := base64.RawURLEncoding.DecodeString(enrolled.Key)
	return Device{ID: socket.ID(id), Key: key}, err
}

// Connect dials and proves to know the device's key.
func Connect(ctx context.Context, port int, origin string, device Device) (*Client, error) {
	ws, err := Dial(ctx, port, origin)
	if err != nil {
		return nil, err
	}
	client, err := Shake(ws, port, origin, socket.KindDevice, device.ID, device.Key)
	if err != nil {
		ws.Close()
		return nil, err
	}
	return client, nil
}

// Send seals and sends one message.
func (c *Client) Send(message any) error {
	plain, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return c.SendBytes(plain)
}

// SendBytes seals and sends what need not be JSON.
func (c *Client) SendBytes(plain []byte) error {
	return c.WS.WriteMessage(websocket.BinaryMessage, c.out.Seal(plain))
}

// Seal makes the next frame without sending it, for tests that reorder.
func (c *Client) Seal(plain []byte) []byte { return c.out.Seal(plain) }

// Read waits for the next message and decodes it.
func (c *Client) Read(into any) error {
	_ = c.WS.SetReadDeadline(time.Now().Add(patience))
	_, frame, err := c.WS.ReadMessage()
	if err != nil {
		return err
	}
	plain, err := c.in.Open(frame)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// Ask sends a request and reads until the message with its id; pushed ones
// before it are skipped.
func (c *Client) Ask(id string, request, answer any) error {
	if err := c.Send(request); err != nil {
		return err
	}
	for {
		var raw json.RawMessage
		if err := c.Read(&raw); err != nil {
			return err
		}
		var header wire.Header
		if err := json.Unmarshal(raw, &header); err != nil {
			return err
		}
		if header.ID == id {
			return json.Unmarshal(raw, answer)
		}
	}
}

// Close ends the connection as a browser does.
func (c *Client) Close() error {
	message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.WS.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
	return c.WS.Close()
}

// CloseCode reads until the connection ends and gives the close code; 1006
// when there was none, 0 when it does not end.
func CloseCode(ws *websocket.Conn) int {
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := ws.ReadMessage()
		var end *websocket.CloseError
		if errors.As(err, &end) {
			return end.Code
		}
		var waited net.Error
		if errors.As(err, &waited) && waited.Timeout() {
			return 0
		}
		if err != nil {
			return websocket.CloseAbnormalClosure
		}
	}
}
