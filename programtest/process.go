// Package programtest is our programs as tests run them: what they print, when
// they listen, how they end, and a disk that has no room for them.
package programtest

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Output is what a program prints; it can be read meanwhile.
type Output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write adds to the output.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is the output so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// Await waits until the output has the words, as long as patience at most.
func (o *Output) Await(t testing.TB, words string, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(o.String(), words); time.Sleep(awaitEvery) {
		if time.Now().After(end) {
			t.Fatalf("what is printed lacks %q:\n%s", words, o)
		}
	}
}

// awaitEvery is how often output is looked at.
const awaitEvery = 20 * time.Millisecond

// Process is a program of ours that runs.
type Process struct {
	Cmd     *exec.Cmd
	Log     *Output // its standard error
	Address string  // where it says that it listens

	patience time.Duration
	done     chan error
}

const listeningOn = "listening on "

// Start runs a program and waits until it says that it listens; each single
// wait takes as long as patience at most.
func Start(t testing.TB, cmd *exec.Cmd, patience time.Duration) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, Log: &Output{}, patience: patience, done: make(chan error, 1)}
	cmd.Stderr = p.Log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			_, address, ok := strings.Cut(lines.Text(), listeningOn)
			if !ok {
				continue
			}
			select {
			case listening <- address:
			default: // a companion that was repaired says it again
			}
		}
		close(listening)
		p.done <- cmd.Wait()
	}()
	select {
	case p.Address = <-listening:
		if p.Address == "" {
			t.Fatalf("%v ended:\n%s", cmd, p.Log)
		}
	case <-time.After(patience):
		t.Fatalf("%v does not listen:\n%s", cmd, p.Log)
	}
	return p
}

// Kill ends the process as a power cut would: without a word to it.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.done
	p.done <- nil
}

// Terminate asks the process to end, and tells whether it did so cleanly.
func (p *Process) Terminate() error {
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(p.patience):
		return errors.New("it does not end after SIGTERM")
	}
}

// FreePort is a port of loopback nobody listens on now.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
