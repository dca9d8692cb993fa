package storetest

import (
	"bufio"
	_ "embed" // server.sh
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed server.sh
var serverScript string

// startTimeout bounds how long a server takes to be made and to answer, on a
// machine that does much else.
const startTimeout = 90 * time.Second

// process is the shell that watches a server: it ends the server when its
// standard input is closed, which the kernel does when this process dies.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	answers chan string
	url     string
}

// start starts a server, or says why there is none.
func start() (*process, error) {
	command := exec.Command("/bin/sh", "-c", serverScript, "server.sh", "/tmp") // a socket's path must be short
	command.Dir = "/"
	// A group of its own: Ctrl-C on the test must reach the test only, which
	// closes the pipe. Output does not go to the test's, which `go test` waits for.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		credential, err := other()
		if err != nil {
			return nil, err
		}
		command.SysProcAttr.Credential = credential
	}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start a shell as another user: %w", err)
	}
	p := &process{command: command, stdin: stdin, answers: make(chan string)}
	go func() {
		defer close(p.answers)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.answers <- lines.Text()
		}
	}()
	p.url, err = p.answer()
	if reason, absent := strings.CutPrefix(p.url, "absent: "); absent && err == nil {
		err = errors.New(reason)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// other is whom a server runs as when we are root, which PostgreSQL refuses.
func other() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("this is root, and there is no user postgres or nobody to run a server as")
}

// ask gives the shell an order and waits for its answer.
func (p *process) ask(order string) (string, error) {
	if _, err := io.WriteString(p.stdin, order+"\n"); err != nil {
		return "", err
	}
	return p.answer()
}

func (p *process) answer() (string, error) {
	select {
	case line, open := <-p.answers:
		if !open {
			return "", errors.New("the shell that watches PostgreSQL ended")
		}
		return line, nil
	case <-time.After(startTimeout):
		return "", fmt.Errorf("PostgreSQL did not answer within %s", startTimeout)
	}
}

// close ends the server and waits until it is gone.
func (p *process) close() error {
	if err := p.stdin.Close(); err != nil {
		return err
	}
	for range p.answers { // until the shell's output ends
	}
	return p.command.Wait()
}
