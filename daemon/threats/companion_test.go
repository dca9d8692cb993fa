// Package threats_test attacks the companion as it runs: the program as it is
// shipped, in a process of its own, spoken to over its sockets only. Each test
// ends by asking whether the reader's own browser still has what it needs.
package threats_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/programtest"

	"github.com/gorilla/websocket"
)

const (
	extensionID = "aflkheolljhcmjgheajiddikljimfana"
	chrome      = "chrome-extension://" + extensionID
	firefox     = "moz-extension://0a1b2c3d-4e5f-4a6b-8c7d-0123456789ab"
	patience    = 10 * time.Second
	// maxMemory bounds what the companion ever holds, in KiB: about 20 MiB
	// when it is idle, and what 64 connections can make it hold.
	maxMemory = 96 << 10
)

var built struct {
	sync.Once
	folder string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built.folder)
	os.Exit(code)
}

// program builds flattrd, once, where every user may run it.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "flattr-threats"); built.err != nil {
			return
		}
		if built.err = os.Chmod(built.folder, 0o755); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-buildmode=pie", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(built.folder, "flattrd"), "flattr/daemon")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build flattrd: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.folder, "flattrd")
}

// companion is flattrd, running.
type companion struct {
	t       *testing.T
	state   string // files, mode 0700
	sockets string // of the socket for commands, which every user may enter
	port    int
	process *programtest.Process
}

// start runs a companion on a port of its own, with its folders as a service
// has them, and ends it with the test.
func start(t *testing.T) *companion {
	t.Helper()
	return startAt(t, "--listen", fmt.Sprintf("127.0.0.1:%d", programtest.FreePort(t)))
}

// startAt is start with the port left to the arguments and the state.
func startAt(t *testing.T, args ...string) *companion {
	t.Helper()
	c := &companion{t: t, state: folder(t, 0o700), sockets: folder(t, 0o755)}
	c.run(args...)
	return c
}

func (c *companion) run(args ...string) {
	c.t.Helper()
	cmd := exec.Command(program(c.t), append([]string{"run", "--ledger", "http://127.0.0.1:9"}, args...)...)
	cmd.Env = []string{"STATE_DIRECTORY=" + c.state, "RUNTIME_DIRECTORY=" + c.sockets}
	c.process = programtest.Start(c.t, cmd, patience)
	c.t.Cleanup(c.end)
	var err error
	if c.port, err = strconv.Atoi(strings.TrimPrefix(c.process.Address, "127.0.0.1:")); err != nil {
		c.t.Fatalf("the companion listens on %q", c.process.Address)
	}
}

// end stops the companion; a companion that was attacked stops as cleanly as
// any other.
func (c *companion) end() {
	if err := c.process.Terminate(); err != nil {
		c.process.Kill()
		c.t.Errorf("the companion ended with %v\n%s", err, c.process.Log)
	}
}

func folder(t *testing.T, mode os.FileMode) string {
	t.Helper()
	// t.TempDir is too long a path for a Unix socket.
	path, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(path) })
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// ticket is what `flattrd pair` of the test's own user is told.
func (c *companion) ticket() string {
	c.t.Helper()
	var ticket wire.TicketAnswer
	if err := control.Ask(c.t.Context(), []string{c.sockets}, control.Pair, &ticket); err != nil {
		c.t.Fatal(err)
	}
	return ticket.Ticket
}

// report is what `flattrd status` of the test's own user is told.
func (c *companion) report() control.Report {
	c.t.Helper()
	var report control.Report
	if err := control.Ask(c.t.Context(), []string{c.sockets}, control.Status, &report); err != nil {
		c.t.Fatal(err)
	}
	return report
}

// pair makes a device that has proved its key.
func (c *companion) pair(origin string) sockettest.Device {
	c.t.Helper()
	ticket := c.ticket()
	var device sockettest.Device
	c.patiently(func() (err error) {
		device, err = sockettest.Pair(c.t.Context(), c.port, origin, ticket)
		return err
	})
	c.connect(origin, device).Close()
	return device
}

func (c *companion) connect(origin string, device sockettest.Device) *sockettest.Client {
	c.t.Helper()
	var client *sockettest.Client
	c.patiently(func() (err error) {
		client, err = sockettest.Connect(c.t.Context(), c.port, origin, device)
		return err
	})
	c.t.Cleanup(func() { client.WS.Close() })
	return client
}

// patiently repeats what the companion turns away, or drops, because there is
// too much of it in a second.
func (c *companion) patiently(attempt func() error) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		err := attempt()
		if err == nil {
			return
		}
		if !tooMuch(err) || time.Now().After(end) {
			c.t.Fatalf("%v\n%s", err, c.process.Log)
		}
		pause(c.t, 50*time.Millisecond)
	}
}

// refusal gives the close code of an attempt that must not succeed, repeated
// while there is only too much of it in a second.
func (c *companion) refusal(attempt func() error) int {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		err := attempt()
		if err == nil {
			c.t.Error("the attempt succeeded")
			return 0
		}
		if !tooMuch(err) || time.Now().After(end) {
			return code(err)
		}
		pause(c.t, 50*time.Millisecond)
	}
}

// unhurt demands that the reader's browser is served and the companion has not
// grown.
func (c *companion) unhurt(origin string, device sockettest.Device) {
	c.t.Helper()
	client := c.connect(origin, device)
	defer client.Close()
	began := time.Now()
	c.ping(client)
	if took := time.Since(began); took > 2*time.Second {
		c.t.Errorf("the reader's own browser waits %v for its answer", took)
	}
	if peak := c.memory(); peak > maxMemory {
		c.t.Errorf("the companion has held %d KiB, want at most %d", peak, maxMemory)
	}
}

func (c *companion) ping(client *sockettest.Client) {
	c.t.Helper()
	var pong wire.Pong
	if err := client.Ask("p", wire.Ask{Type: wire.TypePing, ID: "p"}, &pong); err != nil || pong.Type != wire.TypePong {
		c.t.Fatalf("ping = %+v, %v\n%s", pong, err, c.process.Log)
	}
}

// memory is the most the process has ever held, in KiB; 0 where the system
// does not tell.
func (c *companion) memory() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.Cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	peak, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return peak
}

// tooMuch tells whether a connection was refused or dropped for there being
// too many.
func tooMuch(err error) bool {
	return code(err) == socket.CloseTooMany || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}

// code is the close code in an error, or 0.
func code(err error) int {
	var end *websocket.CloseError
	if errors.As(err, &end) {
		return end.Code
	}
	return 0
}

func pause(t *testing.T, d time.Duration) {
	select {
	case <-t.Context().Done():
	case <-time.After(d):
	}
}

// dial opens the WebSocket and says nothing yet. While connections of before
// are not over it is dropped, and tries again.
func (c *companion) dial(origin string) *websocket.Conn {
	c.t.Helper()
	for end := time.Now().Add(patience); ; pause(c.t, 50*time.Millisecond) {
		ws, err := sockettest.Dial(c.t.Context(), c.port, origin)
		if err == nil {
			c.t.Cleanup(func() { ws.Close() })
			return ws
		}
		if time.Now().After(end) {
			c.t.Fatal(err)
		}
	}
}

// ended reads a connection to its end, and gives the close code as an error.
func ended(ws *websocket.Conn) error {
	defer ws.Close()
	return &websocket.CloseError{Code: sockettest.CloseCode(ws)}
}
