package companion_test

import (
	"encoding/base32"
	"errors"
	"os"
	"testing"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

const otherUser = 12345

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act as two users")
	}
}

func TestAnotherUserOfTheMachineCannotUseAKeyOrATicket(t *testing.T) {
	needRoot(t)
	w := begin(t)
	device := w.pair(chrome)
	var ticket wire.TicketAnswer
	if err := control.Ask(t.Context(), []string{w.state}, control.Pair, &ticket); err != nil {
		t.Fatal(err)
	}
	p, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(ticket.Ticket)
	if err != nil {
		t.Fatal(err)
	}
	for name, attempt := range map[string]func(*websocket.Conn) error{
		"the key": func(ws *websocket.Conn) error {
			_, err := sockettest.Shake(ws, w.Port(), chrome, socket.KindDevice, device.ID, device.Key)
			return err
		},
		"the ticket": func(ws *websocket.Conn) error {
			_, err := sockettest.Shake(ws, w.Port(), chrome, socket.KindTicket, socket.Sum(p), p)
			return err
		},
	} {
		ws, err := sockettest.DialAs(t.Context(), otherUser, w.Port(), chrome)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		var end *websocket.CloseError
		if err := attempt(ws); !errors.As(err, &end) || end.Code != socket.CloseUnknown {
			t.Errorf("%s in the hands of another user: %v, want 4401", name, err)
		}
	}
	w.connect(chrome, device) // and the ticket is not spent:
	if _, err := sockettest.Pair(t.Context(), w.Port(), chrome, ticket.Ticket); err != nil {
		t.Errorf("the ticket in its owner's hands: %v", err)
	}
}

func TestAFloodByAnotherUserLeavesTheReaderAlone(t *testing.T) {
	needRoot(t)
	w := begin(t)
	device := w.pair(chrome)
	for range 30 {
		if ws, err := sockettest.DialAs(t.Context(), otherUser, w.Port(), chrome); err == nil {
			defer ws.Close()
		}
	}
	client := w.connect(chrome, device)
	if s := status(t, client); s.Type != wire.TypeStatus {
		t.Errorf("status during the flood = %+v", s)
	}
}
