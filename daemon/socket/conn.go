package socket

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// Close codes of the protocol, beside those of RFC 6455.
const (
	CloseLayout   = 4400 // a message has not its layout, or is text
	CloseUnknown  = 4401 // ticket, device, origin or user id not known
	CloseVersion  = 4402 // no version both speak
	CloseProof    = 4403 // the extension's proof is wrong
	CloseDeadline = 4408 // too slow
	CloseFrame    = 4409 // a frame did not open
	CloseTooMany  = 4429 // connections or handshakes
)

// closing is why a connection ends: a close code with a word to it.
type closing struct {
	code   int
	reason string
}

func (c closing) Error() string { return fmt.Sprintf("close %d: %s", c.code, c.reason) }

// Conn is one connection. The exported methods are for proven devices.
type Conn struct {
	Device ID
	UID    uint32 // of the device's user
	Origin string

	server *Server
	ws     *websocket.Conn
	peer   *peer
	in     *Box // opened by the reader
	out    *Box // sealed by the writer

	queue chan []byte
	once  sync.Once
	end   closing       // set before stop is closed
	stop  chan struct{} // closed by Close
	gone  chan struct{} // closed when the writer has ended
}

func newConn(s *Server, ws *websocket.Conn, p *peer, origin string) *Conn {
	return &Conn{
		UID: p.uid, Origin: origin, server: s, ws: ws, peer: p,
		queue: make(chan []byte, queueLength), stop: make(chan struct{}), gone: make(chan struct{}),
	}
}

// hold carries the connection from the upgrade to its end.
func (c *Conn) hold(ctx context.Context) {
	go c.write()
	err := c.converse(ctx)
	var end closing
	switch {
	case errors.As(err, &end):
		c.server.note(c.peer.uid, end.reason)
		c.Close(end.code, end.reason)
	case ctx.Err() != nil:
		c.Close(websocket.CloseGoingAway, "companion stops")
	default:
		c.Close(websocket.CloseNormalClosure, "")
	}
	<-c.gone
	// What the other side has still sent is read away: closing a socket with
	// unread bytes resets it, and the close code would be lost.
	if c.peer.CloseWrite() == nil && c.peer.SetReadDeadline(c.server.config.Now().Add(lingerTimeout)) == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(c.peer, maxLingerBytes))
	}
	c.ws.Close()
}

// converse shakes hands and goes on as the handshake's kind says. An error of
// type closing names the code to close with.
func (c *Conn) converse(ctx context.Context) error {
	if c.peer.crowded {
		return closing{CloseTooMany, "too many connections"}
	}
	c.ws.SetReadLimit(maxHandshake)
	if err := c.deadline(c.server.timeouts.handshake); err != nil {
		return err
	}
	hello, err := c.shake(ctx)
	if err != nil {
		return err
	}
	c.peer.proven.Store(true)
	c.server.quota.proved(c.peer.uid)
	c.ws.SetReadLimit(wire.MaxFrameBytes)
	if hello.Kind == KindTicket {
		return c.enrol(ctx, hello.ID)
	}
	c.Device = hello.ID
	c.ws.SetPongHandler(func(string) error { return c.live() })
	c.server.config.Serve(ctx, c)
	return nil
}

// shake carries out the three messages of the handshake.
func (c *Conn) shake(ctx context.Context) (Hello, error) {
	message, err := c.read()
	if err != nil {
		return Hello{}, err
	}
	hello, err := ParseHello(message)
	if err != nil {
		return Hello{}, closing{CloseLayout, "hello has not its layout"}
	}
	if !c.server.quota.handshake(c.peer.uid, c.server.config.Now()) {
		return Hello{}, closing{CloseTooMany, "too many handshakes"}
	}
	version := min(hello.Highest, wire.Version)
	if version < hello.Lowest || version < wire.Version {
		return Hello{}, closing{CloseVersion, "no version in common"}
	}
	p, err := c.secret(ctx, hello)
	if err != nil {
		return Hello{}, err
	}
	challenge := Challenge{Version: version}
	c.server.config.Random(challenge.Nonce[:])
	secrets, err := Derive(p, c.Origin, c.server.port, hello, challenge)
	if err != nil {
		return Hello{}, err
	}
	in, err := secrets.Box(ToDaemon)
	if err != nil {
		return Hello{}, err
	}
	out, err := secrets.Box(ToExtension)
	if err != nil {
		return Hello{}, err
	}
	if err := c.enqueue(append(challenge.Head(), secrets.Proof(Daemon)...)); err != nil {
		return Hello{}, err
	}
	if message, err = c.read(); err != nil {
		return Hello{}, err
	}
	mac, err := parseFinish(message)
	if err != nil {
		return Hello{}, closing{CloseLayout, "finish has not its layout"}
	}
	if !secrets.Proves(Extension, mac) {
		return Hello{}, closing{CloseProof, "the extension's proof is wrong"}
	}
	c.in, c.out = in, out
	return hello, nil
}

// secret finds P for a hello.
func (c *Conn) secret(ctx context.Context, hello Hello) ([]byte, error) {
	var p []byte
	var err error
	if hello.Kind == KindTicket {
		p, err = c.server.config.Keys.Ticket(hello.ID, c.UID)
	} else {
		// Nothing acts for the owner before the proof.
		p, c.UID, err = c.server.config.Keys.Device(ctx, hello.ID, c.peer.uid, c.Origin)
	}
	return p, c.unknown(err)
}

// unknown turns an answer of Keys into the code to close with.
func (c *Conn) unknown(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnknown):
		return closing{CloseUnknown, "unknown ticket or device"}
	default:
		c.server.config.Log.Error("look up a key", "error", err)
		return closing{websocket.CloseInternalServerErr, "companion cannot look up keys"}
	}
}

// enrol spends the ticket, sends the one frame of a ticket's connection and
// waits for the extension to store it and close.
func (c *Conn) enrol(ctx context.Context, hash ID) error {
	enrolled, err := c.server.config.Keys.Enroll(ctx, hash, c.UID, c.Origin)
	if err := c.unknown(err); err != nil {
		return err
	}
	message, err := json.Marshal(enrolled)
	if err != nil {
		return fmt.Errorf("encode enrolled: %w", err)
	}
	if err := c.Send(message); err != nil {
		return err
	}
	if err := c.deadline(c.server.timeouts.enrol); err != nil {
		return err
	}
	if _, err = c.read(); err != nil {
		return err
	}
	return closing{CloseLayout, "a ticket's connection carries no message"}
}

// Receive waits for the next message of the device. One goroutine may call
// it. After an error the connection is over, and so it is after Close, however
// much the other side has still sent.
func (c *Conn) Receive() ([]byte, error) {
	if err := c.live(); err != nil {
		return nil, err
	}
	frame, err := c.read()
	if err == nil {
		err = c.ended()
	}
	if err == nil {
		frame, err = c.in.Open(frame)
		if err != nil {
			err = closing{CloseFrame, "a frame did not open"}
		}
	}
	var end closing
	if errors.As(err, &end) {
		c.server.note(c.peer.uid, end.reason)
		c.Close(end.code, end.reason)
	}
	return frame, err
}

// Send puts a message of at most wire.MaxJSONBytes into the connection's
// queue. It does not wait: a connection whose queue is full is closed.
func (c *Conn) Send(message []byte) error {
	if len(message) > wire.MaxJSONBytes {
		return fmt.Errorf("send a message: %d bytes do not fit into a frame", len(message))
	}
	return c.enqueue(message)
}

func (c *Conn) enqueue(message []byte) error {
	if err := c.ended(); err != nil {
		return err
	}
	select {
	case c.queue <- message:
		return nil
	default:
		c.Close(CloseDeadline, "the browser reads too slowly")
		return c.end
	}
}

// Close ends the connection with a code, after what is queued was written.
// Only the first call counts. It does not wait.
func (c *Conn) Close(code int, reason string) {
	c.once.Do(func() {
		c.end = closing{code, reason}
		close(c.stop)
	})
}

// read takes one binary message; what is wrong with it comes as closing.
func (c *Conn) read() ([]byte, error) {
	kind, message, err := c.ws.ReadMessage()
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return nil, closing{CloseDeadline, "too slow"}
	case errors.Is(err, websocket.ErrReadLimit):
		return nil, closing{websocket.CloseMessageTooBig, "a message is too large"}
	case err != nil:
		return nil, err
	case kind != websocket.BinaryMessage:
		return nil, closing{CloseLayout, "text message"}
	}
	return message, nil
}

// live waits for the other side once more, unless the connection was closed.
// The deadline is set first: abort, which comes after stop, then shortens it.
func (c *Conn) live() error {
	if err := c.deadline(c.server.timeouts.pong); err != nil {
		return err
	}
	return c.ended()
}

// ended gives why the connection was closed; nil while it is not.
func (c *Conn) ended() error {
	select {
	case <-c.stop:
		return c.end
	default:
		return nil
	}
}

func (c *Conn) deadline(after time.Duration) error {
	return c.ws.SetReadDeadline(c.server.config.Now().Add(after))
}

// write is the only goroutine that writes messages. The first one is the
// challenge, in the clear; all later ones are sealed.
func (c *Conn) write() {
	defer close(c.gone)
	ping := time.NewTicker(c.server.timeouts.ping)
	defer ping.Stop()
	clear := true
	put := func(message []byte) error {
		if !clear {
			message = c.out.Seal(message)
		}
		clear = false
		if err := c.ws.SetWriteDeadline(c.server.config.Now().Add(writeTimeout)); err != nil {
			return err
		}
		return c.ws.WriteMessage(websocket.BinaryMessage, message)
	}
	for {
		select {
		case message := <-c.queue:
			if err := put(message); err != nil {
				c.Close(CloseDeadline, "write failed")
				c.abort()
				return
			}
		case <-ping.C:
			_ = c.ws.WriteControl(websocket.PingMessage, nil, c.server.config.Now().Add(writeTimeout))
		case <-c.stop:
			for len(c.queue) > 0 {
				if put(<-c.queue) != nil {
					c.abort()
					return
				}
			}
			message := websocket.FormatCloseMessage(c.end.code, c.end.reason)
			_ = c.ws.WriteControl(websocket.CloseMessage, message, c.server.config.Now().Add(writeTimeout))
			c.abort()
			return
		}
	}
}

// abort lets a reader that waits find the end within the linger time.
func (c *Conn) abort() {
	_ = c.peer.SetReadDeadline(c.server.config.Now().Add(lingerTimeout))
}

// Sum is the SHA-256 by which a ticket is looked up.
func Sum(ticket []byte) ID { return sha256.Sum256(ticket) }
