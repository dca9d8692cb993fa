package companion_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

const otherUser = 12345

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act as two users")
	}
}

// pairAs makes a device of another user.
func (w *world) pairAs(uid int, origin string) sockettest.Device {
	w.t.Helper()
	var ticket wire.TicketAnswer
	var device sockettest.Device
	w.shaken(func() error {
		return sockettest.As(uid, func() (err error) {
			if ticket.Ticket == "" {
				err = control.Ask(w.t.Context(), []string{w.state}, control.Pair, &ticket)
			}
			if err == nil {
				device, err = sockettest.Pair(w.t.Context(), w.Port(), origin, ticket.Ticket)
			}
			return err
		})
	})
	return device
}

// signInAs signs a browser of another user in: comes gives the status with
// which the page answers that the browser comes back to.
func (w *world) signInAs(client *sockettest.Client, comes func(address string) string) string {
	w.t.Helper()
	answer := ask[wire.LinkAnswer](w.t, client, wire.LinkAsk{Type: wire.TypeLink, ID: "link"}, "link")
	return comes(w.ledger.allow(w.t, answer.URL))
}

// fetch asks for a page as a user, and gives the first line of the answer.
func (w *world) fetch(uid int, address string) string {
	w.t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	var line string
	err = sockettest.As(uid, func() error {
		conn, err := net.Dial("tcp4", target.Host)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target.RequestURI(), target.Host)
		line, _ = bufio.NewReader(conn).ReadString('\n')
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return line
}

func TestUsersWithSeveralBrowsersHearOnlyOfTheirOwn(t *testing.T) {
	needRoot(t)
	w := begin(t)
	if err := os.Chmod(w.state, 0o755); err != nil { // as /run/flattrd is
		t.Fatal(err)
	}
	ann, annToo := w.linked(), w.connect(firefox, w.pair(firefox))
	account := status(t, ann).Account.ID
	if answer := ask[wire.LinkAnswer](t, annToo, wire.LinkAsk{Type: wire.TypeLink, ID: "take", Account: account}, "take"); answer.Type != wire.TypeLink {
		t.Fatalf("ann's second browser takes her account: %+v", answer)
	}
	device := w.pairAs(otherUser, chrome)
	var bob *sockettest.Client
	w.shaken(func() error {
		return sockettest.As(otherUser, func() (err error) {
			bob, err = sockettest.Connect(t.Context(), w.Port(), chrome, device)
			return err
		})
	})
	t.Cleanup(func() { bob.Close() })
	if s := status(t, bob); len(s.Accounts) != 0 || s.Account != nil {
		t.Errorf("bob is offered %+v, %+v", s.Accounts, s.Account)
	}
	if problem := ask[wire.Problem](t, bob, wire.LinkAsk{Type: wire.TypeLink, ID: "steal", Account: account}, "steal"); problem.Code != wire.CodeBadMessage {
		t.Errorf("bob takes ann's account: %+v", problem)
	}
	w.ledger.set(func(l *ledger) { l.member = api.Account{Member: "8", Name: "bob"} })
	if line := w.signInAs(bob, func(address string) string {
		if line := w.fetch(0, address); line != "" {
			t.Errorf("another user's visit to bob's sign-in is answered %q", line)
		}
		return w.fetch(otherUser, address)
	}); !strings.Contains(line, "200") {
		t.Fatalf("bob's own visit is answered %q", line)
	}
	eventually(t, bob, "an account and a sync", func(s wire.Status) bool { return s.Account != nil && s.Account.Name == "bob" && s.LastSync != "" })
	eventually(t, annToo, "a sync", func(s wire.Status) bool { return s.LastSync != "" })

	hearsOfNoOther(t, bob, "bob", "bob")
	flattr := click("https://ann.example/private")
	ask[wire.Ack](t, ann, flattr, flattr.ID)
	eventually(t, ann, "the click sent", func(s wire.Status) bool { return s.Unsent == 0 })
	if page := ask[wire.MonthPage](t, annToo, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h"); len(page.Rows) != 1 {
		t.Errorf("ann's other browser sees %d clicks, want 1", len(page.Rows))
	}
	hearsOfNoOther(t, bob, "bob, while ann flattrs,", "bob")
	if page := ask[wire.MonthPage](t, bob, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h"); len(page.Rows) != 0 {
		t.Errorf("bob sees %+v", page.Rows)
	}
	undo := wire.Undo{Type: wire.TypeUndo, ID: newID(), Click: flattr.ID, At: flattr.At}
	ask[wire.Ack](t, bob, undo, undo.ID) // a tombstone of his own
	eventually(t, bob, "the undo sent", func(s wire.Status) bool { return s.Unsent == 0 })
	if page := ask[wire.MonthPage](t, ann, wire.MonthAsk{Type: wire.TypeHistory, ID: "h"}, "h"); page.Rows[0].State == wire.StateUndone {
		t.Error("bob has undone ann's click")
	}
	for uid, want := range map[int]string{0: "ann", otherUser: "bob"} {
		var list control.AccountList
		err := sockettest.As(uid, func() error { return control.Ask(t.Context(), []string{w.state}, control.Accounts, &list) })
		if err != nil || len(list.Accounts) != 1 || list.Accounts[0].Name != want {
			t.Errorf("accounts of user %d = %+v, %v, want %s alone", uid, list, err, want)
		}
	}
}
