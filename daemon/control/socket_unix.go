//go:build unix

package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// maxPathBytes is sun_path of the kernel, less its final zero.
const maxPathBytes = 107

// Listener is the bound socket.
type Listener struct{ socket *net.UnixListener }

// Close ends the listener and removes the socket.
func (l *Listener) Close() error { return l.socket.Close() }

// Listen binds the socket in folder. A socket left by a companion that was
// killed is replaced; one that answers is not.
func Listen(ctx context.Context, folder string) (*Listener, error) {
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
	return &Listener{listener.(*net.UnixListener)}, nil
}

// accept waits for a connection and says whose it is; no connection where
// that is not known.
func (l *Listener) accept() (conn, uint32, error) {
	accepted, err := l.socket.AcceptUnix()
	if err != nil {
		return nil, 0, err
	}
	uid, err := peerUID(accepted)
	if err != nil {
		accepted.Close()
		return nil, 0, nil // the next one may be known
	}
	return accepted, uid, nil
}

// isThere tells whether a companion has bound a socket in the folder.
func isThere(folder string) bool {
	_, err := os.Lstat(filepath.Join(folder, SocketName))
	return err == nil
}

// dial connects to the companion of a folder, and makes sure that who listens
// owns the folder. Nothing has been sent then.
func dial(ctx context.Context, folder string) (conn, error) {
	owner, err := trustedFolder(folder)
	if err != nil {
		return nil, err
	}
	opened, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(folder, SocketName))
	if err != nil {
		return nil, notRunning()
	}
	if uid, err := peerUID(opened.(*net.UnixConn)); err != nil || uid != owner {
		opened.Close()
		return nil, notTrusted(folder)
	}
	return opened, nil
}
