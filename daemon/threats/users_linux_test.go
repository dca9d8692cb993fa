package threats_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// Two other users of the machine; they need no entry in its list of users.
const bob, eve = 12345, 12346

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act as several users of the machine: run as root")
	}
	t.Parallel()
}

// as runs flattrd, or another program, as a user of the machine.
func (c *companion) as(uid uint32, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"FLATTR_STATE=" + c.sockets}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// pairAs makes a device of another user, as that user does it.
func (c *companion) pairAs(uid uint32, origin string) sockettest.Device {
	c.t.Helper()
	line, err := c.as(uid, program(c.t), "pair")
	parts := strings.Split(strings.TrimSpace(line), ":")
	if err != nil || len(parts) != 3 {
		c.t.Fatalf("flattrd pair as %d: %q, %v", uid, line, err)
	}
	var device sockettest.Device
	c.patiently(func() error {
		return sockettest.As(int(uid), func() (err error) {
			device, err = sockettest.Pair(c.t.Context(), c.port, origin, parts[2])
			return err
		})
	})
	c.connectAs(uid, origin, device).Close()
	return device
}

func (c *companion) connectAs(uid uint32, origin string, device sockettest.Device) *sockettest.Client {
	c.t.Helper()
	var client *sockettest.Client
	c.patiently(func() error {
		return sockettest.As(int(uid), func() (err error) {
			client, err = sockettest.Connect(c.t.Context(), c.port, origin, device)
			return err
		})
	})
	c.t.Cleanup(func() { client.WS.Close() })
	return client
}

func TestAnotherUserOfTheMachineGetsNothing(t *testing.T) {
	needRoot(t)
	c := start(t)
	device, ticket := c.pair(chrome), c.ticket()
	p := decodeTicket(t, ticket)
	for name, attempt := range map[string]func(*websocket.Conn) error{
		"the stolen key": func(ws *websocket.Conn) error {
			_, err := sockettest.Shake(ws, c.port, chrome, socket.KindDevice, device.ID, device.Key)
			return err
		},
		"the stolen ticket": func(ws *websocket.Conn) error {
			_, err := sockettest.Shake(ws, c.port, chrome, socket.KindTicket, socket.Sum(p), p)
			return err
		},
	} {
		if got := c.refusal(func() error {
			ws, err := sockettest.DialAs(t.Context(), eve, c.port, chrome)
			if err != nil {
				return err
			}
			defer ws.Close()
			return attempt(ws)
		}); got != socket.CloseUnknown {
			t.Errorf("%s in the hands of another user: close code = %d, want 4401", name, got)
		}
	}
	// What lies on the disk is the companion's alone.
	for _, file := range []string{"accounts.db", "clicks.db", "."} {
		if out, err := c.as(eve, "/bin/cat", filepath.Join(c.state, file)); err == nil || !strings.Contains(out, "Permission denied") {
			t.Errorf("another user reads %s: %q, %v", file, out, err)
		}
	}
	// And the ticket was not spent by trying.
	c.patiently(func() error {
		_, err := sockettest.Pair(t.Context(), c.port, chrome, ticket)
		return err
	})
	c.unhurt(chrome, device)
}

func TestUsersOfOneMachineSeeOnlyWhatIsTheirs(t *testing.T) {
	needRoot(t)
	c := start(t)
	mine, bobs := c.pair(chrome), c.pairAs(bob, chrome)
	second := c.pairAs(bob, firefox) // a second browser
	list := func(uid uint32) []string {
		out, err := c.as(uid, program(t), "devices")
		if err != nil {
			t.Fatalf("devices as %d: %v\n%s", uid, err, out)
		}
		return strings.Split(strings.TrimSpace(out), "\n")
	}
	if got := list(bob); len(got) != 2 {
		t.Errorf("bob sees %q, want his two browsers", got)
	}
	if got := list(0); len(got) != 1 {
		t.Errorf("root sees %q, want the one browser", got)
	}
	if got := list(eve); len(got) != 1 || !strings.Contains(got[0], "No browser is paired") {
		t.Errorf("eve sees %q, want none", got)
	}
	if out, err := c.as(eve, program(t), "status"); err == nil || !strings.Contains(out, "none paired") {
		t.Errorf("eve's status = %q, %v", out, err)
	}
	name := strings.Fields(list(bob)[0])[0]
	if out, err := c.as(eve, program(t), "revoke", name); err == nil || !strings.Contains(out, "You have no device of this name") {
		t.Errorf("eve revokes bob's browser: %q, %v", out, err)
	}
	c.connectAs(bob, chrome, bobs).Close()
	c.connectAs(bob, firefox, second).Close()
	// A refusal of one user is no other user's business.
	if ws, err := sockettest.DialAs(t.Context(), eve, c.port, "https://what-eve-reads.example"); err == nil {
		ws.Close()
		t.Error("a page of eve's was upgraded")
	}
	if report := c.report(); strings.Contains(report.LastRefusal, "eve") {
		t.Errorf("the status tells of another user: %q", report.LastRefusal)
	}
	// Who revokes ends the connection, and the key.
	client := c.connectAs(bob, chrome, bobs)
	for _, line := range list(bob) {
		if out, err := c.as(bob, program(t), "revoke", strings.Fields(line)[0]); err != nil {
			t.Errorf("bob revokes his own: %q, %v", out, err)
		}
	}
	if got := sockettest.CloseCode(client.WS); got != socket.CloseUnknown {
		t.Errorf("a browser that is revoked while it is connected: close code = %d, want 4401", got)
	}
	if got := c.refusal(func() error {
		return sockettest.As(bob, func() error {
			_, err := sockettest.Connect(t.Context(), c.port, chrome, bobs)
			return err
		})
	}); got != socket.CloseUnknown {
		t.Errorf("a revoked key: close code = %d, want 4401", got)
	}
	c.unhurt(chrome, mine)
}

func TestAFloodByAnotherUserLeavesTheReaderAlone(t *testing.T) {
	needRoot(t)
	c := start(t)
	device := c.pair(chrome)
	client := c.connect(chrome, device)
	var held []interface{ Close() error }
	defer func() {
		for _, conn := range held {
			conn.Close()
		}
	}()
	err := sockettest.As(eve, func() error {
		for range flood / 50 {
			if conn, err := net.Dial("tcp4", c.host()); err == nil {
				held = append(held, conn)
			}
			if conn, err := net.Dial("unix", filepath.Join(c.sockets, control.SocketName)); err == nil {
				held = append(held, conn)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.ping(client)
	if _, err := sockettest.Connect(t.Context(), c.port, chrome, device); err != nil {
		t.Errorf("a new connection during the flood: %v", err)
	}
	var ticket wire.TicketAnswer
	if err := control.Ask(t.Context(), []string{c.sockets}, control.Pair, &ticket); err != nil {
		t.Errorf("a command during the flood: %v", err)
	}
	// Who floods is told so, and only who floods.
	var problem *control.Problem
	err = sockettest.As(eve, func() error {
		return control.Ask(t.Context(), []string{c.sockets}, control.Pair, &ticket)
	})
	if !errors.As(err, &problem) || problem.Code != control.Busy {
		t.Errorf("a command of who floods: %v, want busy", err)
	}
	c.unhurt(chrome, device)
}
