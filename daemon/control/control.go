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
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Limits of a conversation: one question, one answer.
const (
	maxRequestBytes = 4 << 10   // a command and a few words
	maxAnswerBytes  = 256 << 10 // a list of devices
	timeout         = 5 * time.Second
	maxAtOnce       = 16  // commands being answered
	maxPathBytes    = 107 // sun_path of the kernel, less its final zero
)

// SocketName is the socket's name in its folder.
const SocketName = "flattrd.sock"

// Command names what is asked.
type Command string

// The commands.
const (
	Pair    Command = "pair"    // answered with wire.TicketAnswer
	Status  Command = "status"  // answered with Report
	Devices Command = "devices" // answered with []Device
)

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
)

type request struct {
	Command Command `json:"command"`
}

type answer struct {
	Problem *Problem        `json:"problem,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// Handler answers a command of a user of the machine. An error that is a
// *Problem reaches the asker.
type Handler func(ctx context.Context, uid uint32, command Command) (any, error)

// Listen binds the socket in folder. A socket left by a companion that was
// killed is replaced; one that answers is not.
func Listen(ctx context.Context, folder string) (*net.UnixListener, error) {
	path := filepath.Join(folder, SocketName)
	if len(path) > maxPathBytes {
		return nil, fmt.Errorf("listen for commands: the path %s is longer than %d bytes; choose a shorter --state", path, maxPathBytes)
	}
	if conn, err := net.DialTimeout("unix", path, timeout); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen for commands: another companion answers at %s; stop it first: flattrd stop", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	// Everybody who may enter the folder may ask; what they are told depends
	// on who they are.
	if err := os.Chmod(path, 0o666); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	return listener.(*net.UnixListener), nil
}

// Serve answers commands until ctx ends, then waits for those under way.
func Serve(ctx context.Context, listener *net.UnixListener, now func() time.Time, handle Handler) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	slots := make(chan struct{}, maxAtOnce)
	for {
		conn, err := listener.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a command: %w", err)
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { conn.Close(); <-slots }()
			_ = conn.SetDeadline(now().Add(timeout))
			serveOne(ctx, conn, handle)
		})
	}
}

func serveOne(ctx context.Context, conn *net.UnixConn, handle Handler) {
	var reply answer
	uid, err := peerUID(conn)
	if err == nil {
		var asked request
		line, readErr := bufio.NewReader(io.LimitReader(conn, maxRequestBytes)).ReadBytes('\n')
		if readErr != nil || json.Unmarshal(line, &asked) != nil {
			return // whoever this is does not speak our language
		}
		var result any
		if result, err = handle(ctx, uid, asked.Command); err == nil {
			reply.Result, err = json.Marshal(result)
		}
	}
	if err != nil && !errors.As(err, &reply.Problem) {
		reply.Problem = &Problem{Code: Internal, Sentence: "The companion could not answer; its log says why."}
	}
	_ = json.NewEncoder(conn).Encode(reply)
}

// Ask sends one command to the companion whose socket is in one of the
// folders, the first that has one. Expected failures are of type *Problem.
func Ask(ctx context.Context, folders []string, command Command, into any) error {
	for _, folder := range folders {
		if _, err := os.Lstat(filepath.Join(folder, SocketName)); err == nil {
			return ask(ctx, folder, command, into)
		}
	}
	return notRunning()
}

func notRunning() *Problem {
	return &Problem{NotRunning, "The companion is not running. Start it with: flattrd start"}
}

func ask(ctx context.Context, folder string, command Command, into any) error {
	owner, err := trustedFolder(folder)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := net.Dialer{Timeout: timeout}
	opened, err := dialer.DialContext(ctx, "unix", filepath.Join(folder, SocketName))
	if err != nil {
		return notRunning()
	}
	conn := opened.(*net.UnixConn)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	uid, err := peerUID(conn)
	if err != nil || uid != owner {
		return notTrusted(folder)
	}
	if err := json.NewEncoder(conn).Encode(request{command}); err != nil {
		return fmt.Errorf("ask the companion: %w", err)
	}
	var reply answer
	err = json.NewDecoder(io.LimitReader(conn, maxAnswerBytes)).Decode(&reply)
	if ctx.Err() != nil {
		return &Problem{Silent, "The companion runs, but does not answer. Restart it with: flattrd restart"}
	}
	if err != nil {
		return fmt.Errorf("ask the companion: %w", err)
	}
	if reply.Problem != nil {
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
// companion, the machine's.
func Folders(getenv func(string) string) []string {
	var folders []string
	if state := getenv("FLATTR_STATE"); state != "" {
		folders = append(folders, state)
	}
	if runtime := getenv("XDG_RUNTIME_DIR"); runtime != "" {
		folders = append(folders, filepath.Join(runtime, "flattr"))
	}
	return append(folders, "/run/flattrd")
}
