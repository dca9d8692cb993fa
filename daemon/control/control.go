// Package control carries the reader's own commands to the running companion
// over a Unix socket; who asks is what the kernel says, not what is sent.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Limits of a conversation: one question, one answer.
const (
	maxRequestBytes = 4 << 10   // a command and a few words
	maxAnswerBytes  = 256 << 10 // a list of devices
	timeout         = 5 * time.Second
	maxAtOnce       = 64 // commands being answered, of all users
	maxPerUser      = 4  // of one user, so that nobody can keep the others waiting
)

// SocketName is the name of the Unix socket in its folder.
const SocketName = "flattrd.sock"

// Command names what is asked.
type Command string

// The commands.
const (
	Pair    Command = "pair"    // answered with wire.TicketAnswer
	Status  Command = "status"  // answered with Report
	Devices Command = "devices" // answered with []Device
	// Accounts is answered with AccountList.
	Accounts Command = "accounts"
	// Revoke forgets the device whose id, or the beginning of it, is the argument; answered with Device.
	Revoke Command = "revoke"
	// Metrics is answered with a string, for root and the companion's own user.
	Metrics Command = "metrics"
	// Profile is answered with []byte, the profile the argument names; as Metrics.
	Profile Command = "profile"
)

// Request is a command, and what it is about.
type Request struct {
	Command  Command `json:"command"`
	Argument string  `json:"argument,omitempty"` // as the command says; untrusted
}

// Problem is an expected failure: a code for programs and a sentence for the
// person, which names the next step.
type Problem struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
}

func (p *Problem) Error() string { return p.Sentence }

// Codes of problems that asking can have.
const (
	NotRunning = "not_running"
	NotTrusted = "not_trusted"
	Silent     = "silent"
	Internal   = "internal"
	Busy       = "busy"
)

type answer struct {
	Problem *Problem        `json:"problem,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// Handler answers a command of a user of the machine. An error that is a
// *Problem reaches the asker.
type Handler func(ctx context.Context, uid uint32, request Request) (any, error)

// conn is a connection of either kind: a Unix socket or a named pipe.
type conn interface {
	io.ReadWriteCloser
	SetDeadline(deadline time.Time) error
}

// Serve answers commands until ctx ends, then waits for those under way.
func Serve(ctx context.Context, listener *Listener, now func() time.Time, handle Handler) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	desk := &desk{users: map[uint32]int{}}
	for {
		conn, uid, err := listener.accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a command: %w", err)
		}
		if conn == nil {
			continue // nobody knows whose it was
		}
		_ = conn.SetDeadline(now().Add(timeout))
		if !desk.take(uid) {
			// The answer fits into what the kernel holds: nobody is waited for.
			_ = json.NewEncoder(conn).Encode(answer{Problem: &Problem{Busy, "Too many of your commands are being answered. Try again in a few seconds."}})
			conn.Close()
			continue
		}
		group.Go(func() {
			defer desk.leave(uid)
			defer conn.Close()
			serveOne(ctx, conn, uid, handle)
		})
	}
}

// desk counts the commands being answered, by user.
type desk struct {
	mu    sync.Mutex
	all   int
	users map[uint32]int
}

func (d *desk) take(uid uint32) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= maxAtOnce || d.users[uid] >= maxPerUser {
		return false
	}
	d.all++
	d.users[uid]++
	return true
}

func (d *desk) leave(uid uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.users[uid]--; d.users[uid] == 0 {
		delete(d.users, uid)
	}
}

func serveOne(ctx context.Context, conn conn, uid uint32, handle Handler) {
	var asked Request
	line, err := bufio.NewReader(io.LimitReader(conn, maxRequestBytes)).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &asked) != nil {
		return // whoever this is does not speak our language
	}
	var reply answer
	result, err := handle(ctx, uid, asked)
	if err == nil {
		reply.Result, err = json.Marshal(result)
	}
	if err != nil && !errors.As(err, &reply.Problem) {
		reply.Problem = &Problem{Code: Internal, Sentence: "The companion could not answer; its log says why."}
	}
	_ = json.NewEncoder(conn).Encode(reply)
}

// Ask sends one command to the companion that answers in one of the folders,
// the first where there is one. Expected failures are of type *Problem.
func Ask(ctx context.Context, folders []string, command Command, into any) error {
	return AskAbout(ctx, folders, Request{Command: command}, into)
}

// AskAbout is Ask for a command that is about something.
func AskAbout(ctx context.Context, folders []string, request Request, into any) error {
	for _, folder := range folders {
		if !isThere(folder) {
			continue
		}
		// A companion that was killed leaves a socket where nobody answers.
		err := ask(ctx, folder, request, into)
		var problem *Problem
		if !errors.As(err, &problem) || problem.Code != NotRunning {
			return err
		}
	}
	return notRunning()
}

func notRunning() *Problem {
	return &Problem{NotRunning, "The companion is not running. Start it with: flattrd start"}
}

func ask(ctx context.Context, folder string, request Request, into any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := dial(ctx, folder)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	// A companion that has too much to do answers before it is asked.
	asked := json.NewEncoder(conn).Encode(request)
	var reply answer
	err = json.NewDecoder(io.LimitReader(conn, maxAnswerBytes)).Decode(&reply)
	switch {
	case ctx.Err() != nil:
		return &Problem{Silent, "The companion runs, but does not answer. Restart it with: flattrd restart"}
	case err != nil:
		return fmt.Errorf("ask the companion: %w", errors.Join(asked, err))
	case reply.Problem != nil:
		return reply.Problem
	}
	if err := json.Unmarshal(reply.Result, into); err != nil {
		return fmt.Errorf("ask the companion: %w", err)
	}
	return nil
}

func notTrusted(folder string) *Problem {
	return &Problem{NotTrusted, fmt.Sprintf("The folder %s does not belong to the companion that answers in it, or others can write there. Ask whoever looks after this machine.", folder)}
}

// Folders is where the companion's socket is looked for: FLATTR_STATE (a
// browser passes its environment on to the native host), the user's own
// companion, the machine's. Where there is no folder for sockets, on macOS for
// one, the user's own companion has its socket with its files.
func Folders(getenv func(string) string) []string {
	var folders []string
	if state := getenv("FLATTR_STATE"); state != "" {
		folders = append(folders, state)
	}
	if runtime := getenv("XDG_RUNTIME_DIR"); runtime != "" {
		folders = append(folders, filepath.Join(runtime, "flattr"))
	}
	if runtime.GOOS == "windows" {
		return append(folders, filepath.Join(getenv("LOCALAPPDATA"), "Flattr"), filepath.Join(getenv("ProgramData"), "Flattr"))
	}
	if getenv("XDG_RUNTIME_DIR") == "" {
		base := getenv("XDG_STATE_HOME")
		if base == "" && getenv("HOME") != "" {
			base = filepath.Join(getenv("HOME"), ".local", "state")
		}
		if filepath.IsAbs(base) {
			folders = append(folders, filepath.Join(base, "flattr"))
		}
	}
	return append(folders, "/run/flattrd")
}
