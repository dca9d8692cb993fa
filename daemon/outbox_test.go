package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/google/uuid"
)

// outbox is the extension's side of a click: kept until it is acknowledged,
// sent again over every new connection, in order.
type outbox struct {
	parts  *parts
	device sockettest.Device
	name   string
	kept   []wire.Flattr
	made   int
	acked  map[string]bool
	when   map[string]time.Time // of the acknowledgements
	ended  error                // of the last connection
	sent   []string             // over the last connection, and not acknowledged
}

// openOutboxes pairs the browsers and signs them in as one member.
func openOutboxes(p *parts) []*outbox {
	p.t.Helper()
	reader := p.signUp("ann")
	var boxes []*outbox
	for i := range browsers {
		device := p.pair()
		p.signIn(reader, device, "ann")
		boxes = append(boxes, &outbox{parts: p, device: device, name: string(rune('a' + i)), acked: map[string]bool{}, when: map[string]time.Time{}})
	}
	return boxes
}

// make puts one new click into the outbox.
func (b *outbox) make() {
	b.made++
	b.kept = append(b.kept, wire.Flattr{
		Type: wire.TypeFlattr, ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		Thing: wire.Thing{URL: fmt.Sprintf("https://%s.example/%d", b.name, b.made)},
	})
}

// click makes and sends clicks until ctx ends or, without more, all are
// acknowledged. first hears of the first one that was sent.
func (b *outbox) click(ctx context.Context, more bool, first chan<- struct{}) {
	for len(b.kept) < inFlight {
		b.make()
	}
	for ctx.Err() == nil && len(b.kept) > 0 {
		b.exchange(ctx, more, func() {
			select {
			case first <- struct{}{}:
			default:
			}
		})
	}
}

// drain sends what is kept until nothing is.
func (b *outbox) drain(ctx context.Context) {
	for len(b.kept) > 0 && ctx.Err() == nil {
		b.exchange(ctx, false, func() {})
	}
}

// exchange opens a connection and sends what is kept, at most inFlight at a
// time, until it is all acknowledged or the
// connection ends. With more, each acknowledgement is followed by a new click.
func (b *outbox) exchange(ctx context.Context, more bool, began func()) {
	client, err := b.parts.dial(ctx, b.device)
	if err != nil {
		pauseOr(ctx, 20*time.Millisecond)
		return
	}
	defer client.Close()
	b.sent = nil
	for next := 0; len(b.kept) > 0; {
		for ; next < len(b.kept) && next < inFlight; next++ {
			if b.ended = client.Send(b.kept[next]); b.ended != nil {
				return
			}
			b.sent = append(b.sent, b.kept[next].ID)
			began()
		}
		var raw json.RawMessage
		if b.ended = client.Read(&raw); b.ended != nil {
			return
		}
		var ack wire.Ack
		if json.Unmarshal(raw, &ack) != nil || ack.Type != wire.TypeAck {
			continue // a status or a click is pushed in between
		}
		for i, flattr := range b.kept {
			if flattr.ID == ack.ID {
				b.kept = append(b.kept[:i], b.kept[i+1:]...)
				b.acked[ack.ID] = true
				if b.when != nil {
					b.when[ack.ID] = time.Now()
				}
				next--
				break
			}
		}
		b.sent = without(b.sent, ack.ID)
		if more {
			b.make()
		}
	}
}

// allWasRead tells whether the companion had read everything that was sent
// when it was killed: the kernel resets a connection whose end has left
// something unread, and closes others.
func (b *outbox) allWasRead() bool {
	return b.ended != nil && !errors.Is(b.ended, syscall.ECONNRESET) && !errors.Is(b.ended, syscall.EPIPE)
}

func without(ids []string, gone string) []string {
	var left []string
	for _, id := range ids {
		if id != gone {
			left = append(left, id)
		}
	}
	return left
}

// drainOutboxes has everything acknowledged and gives all acknowledged ids.
func drainOutboxes(t *testing.T, boxes []*outbox) map[string]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	acked := map[string]bool{}
	for _, box := range boxes {
		box.drain(ctx)
		if len(box.kept) > 0 {
			t.Errorf("%d clicks were never acknowledged", len(box.kept))
		}
		for id := range box.acked {
			acked[id] = true
		}
	}
	return acked
}
