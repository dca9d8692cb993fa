package companion

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/socket"
	"flattr/daemon/wire"
)

// pushPause is the least time between two pushed statuses of one connection:
// an outbox of many clicks changes it with each of them.
const pushPause = 100 * time.Millisecond

// session is the conversation with one proven device.
type session struct {
	companion *Companion
	conn      *socket.Conn
	device    accounts.DeviceID
	acts      atomic.Int64  // accounts.AccountID; 0: not linked
	dirty     chan struct{} // the status may have changed
}

func (s *session) account() accounts.AccountID { return accounts.AccountID(s.acts.Load()) }

// touch has the status pushed if it changed.
func (s *session) touch() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// serve holds the conversation with a device until its connection ends.
func (c *Companion) serve(ctx context.Context, conn *socket.Conn) {
	s := &session{companion: c, conn: conn, device: accounts.DeviceID(conn.Device), dirty: make(chan struct{}, 1)}
	// The hub comes first: what is linked or revoked while the device is read
	// reaches this session, too.
	c.hub.join(s)
	c.visited()
	defer c.visited()
	defer c.hub.leave(s)
	if !c.begin(ctx, s) {
		return
	}

	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group.Go(func() { s.push(ctx) })
	// Requests are answered side by side, so that a browser's outbox shares
	// one sync of the disk; reading stops while too many are unanswered.
	slots := make(chan struct{}, wire.MaxUnanswered)
	for {
		message, err := conn.Receive()
		if err != nil {
			return
		}
		var header wire.Header
		if err := json.Unmarshal(message, &header); err != nil || header.ID == "" || len(header.ID) > maxIDBytes {
			s.end("", wire.CodeBadMessage, "This is no message of the protocol.")
			return
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			s.answer(ctx, header, message)
		})
	}
}

// visited says that a browser has come or gone.
func (c *Companion) visited() {
	if c.config.Visited != nil {
		c.config.Visited()
	}
}

// begin reads whom the device acts for and notes that it proved its key.
func (c *Companion) begin(ctx context.Context, s *session) bool {
	c.acting.Lock()
	defer c.acting.Unlock()
	now := c.config.Now()
	device, err := c.accounts.Device(ctx, now, s.device, s.conn.UID, s.conn.Origin)
	if err == nil {
		err = c.accounts.Used(ctx, now, s.device)
	}
	switch {
	case err == nil:
		s.acts.Store(int64(device.Account))
		return true
	case errors.Is(err, accounts.ErrUnknown): // revoked since its key was looked up
		s.conn.Close(socket.CloseUnknown, "unknown device")
	case ctx.Err() == nil:
		c.config.Log.Error("begin a conversation", "error", err)
		s.conn.Close(closeInternal, "companion cannot read its state")
	}
	return false
}

// Close codes of RFC 6455 used here.
const (
	closeInternal = 1011
	maxIDBytes    = 64 // of a request; a UUID has 36
)

// answer handles one request.
func (s *session) answer(ctx context.Context, header wire.Header, message []byte) {
	switch header.Type {
	case wire.TypeFlattr:
		handle(ctx, s, header, message, s.flattr)
	case wire.TypeUndo:
		handle(ctx, s, header, message, s.undo)
	case wire.TypeStatus:
		handle(ctx, s, header, message, s.statusAsked)
	case wire.TypeMonth, wire.TypeHistory:
		handle(ctx, s, header, message, s.page)
	case wire.TypeLink:
		handle(ctx, s, header, message, s.link)
	case wire.TypeUnlink:
		handle(ctx, s, header, message, s.unlink)
	case wire.TypeRetire:
		handle(ctx, s, header, message, s.retire)
	case wire.TypePing:
		s.send(wire.Pong{Type: wire.TypePong, ID: header.ID})
	default:
		name := string(header.Type)
		if len(name) > maxIDBytes {
			name = name[:maxIDBytes]
		}
		s.end(header.ID, wire.CodeUnknownMessage, fmt.Sprintf("This companion does not know the message %q. Update the companion.", name))
	}
}

// handle decodes a request and sends its answer; nil when the handler has
// sent it. An error is logged here and told as a problem.
func handle[T any](ctx context.Context, s *session, header wire.Header, message []byte, do func(context.Context, T) (any, error)) {
	var request T
	if err := json.Unmarshal(message, &request); err != nil {
		s.end(header.ID, wire.CodeBadMessage, "A field of the message is not of its kind.")
		return
	}
	answer, err := do(ctx, request)
	if err != nil {
		answer = s.problem(ctx, header, err)
	}
	if answer != nil {
		s.send(answer)
	}
}

// problem turns an unexpected error into an answer; nil when the connection
// is ending anyway.
func (s *session) problem(ctx context.Context, header wire.Header, err error) any {
	if ctx.Err() != nil {
		return nil
	}
	s.companion.keeper.noticed(err)
	s.companion.config.Log.Error("answer a browser", "message", header.Type, "error", err)
	return wire.Problem{
		Type: wire.TypeProblem, ID: header.ID, Code: wire.CodeDegraded,
		Sentence: "The companion could not read its state; its log says why.",
	}
}

// end answers with a problem and closes the connection: the other side does
// not speak this protocol, or a later version of it.
func (s *session) end(id string, code wire.Code, sentence string) {
	s.send(wire.Problem{Type: wire.TypeProblem, ID: id, Code: code, Sentence: sentence})
	s.conn.Close(socket.CloseLayout, string(code))
}

// send encodes and queues a message; a connection that ends loses it.
func (s *session) send(message any) {
	text, err := encode(message)
	if err == nil {
		err = s.conn.Send(text)
	}
	if err != nil {
		s.companion.config.Log.Debug("message not sent", "error", err)
	}
}

// encode writes a message without escaping <, > and &, which only a page
// would need.
func encode(message any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(message); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// push sends the status whenever it has changed, from the first moment on.
func (s *session) push(ctx context.Context) {
	var last []byte
	for {
		status, err := s.companion.status(ctx, s.conn.UID, s.account())
		if err != nil {
			if ctx.Err() == nil {
				s.companion.config.Log.Error("compute the status", "error", err)
			}
		} else if text, err := encode(status); err == nil && !bytes.Equal(text, last) {
			if last != nil {
				s.send(status)
			}
			last = text
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pushPause):
		}
		select {
		case <-ctx.Done():
			return
		case <-s.dirty:
		}
	}
}

// retire revokes the device this profile used before the present one.
func (s *session) retire(ctx context.Context, request wire.Retire) (any, error) {
	done := wire.Done{Type: wire.TypeRetire, ID: request.ID}
	old, ok := decodeID(request.Device)
	if !ok || old == s.device {
		return wire.Problem{Type: wire.TypeProblem, ID: request.ID, Code: wire.CodeBadMessage, Sentence: "This is not an earlier device."}, nil
	}
	if err := s.companion.revoke(ctx, old, s.conn.UID); err != nil {
		return nil, err
	}
	return done, nil
}
