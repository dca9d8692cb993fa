package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Rights to a pipe, and sizes.
const (
	// Who may ask may read and write, and not make an instance of the pipe
	// (0x4, a part of the generic right to write): whoever can make one can
	// answer in the companion's place.
	askerRights  = 0x12019b
	pipeBytes    = 4 << 10 // of each direction's buffer
	maxStrangers = 16      // connections of which nobody knows yet whose they are
)

// pipeName is the name of a folder's pipe; folders differ by user.
func pipeName(folder string) string {
	if whole, err := filepath.Abs(folder); err == nil {
		folder = whole
	}
	sum := sha256.Sum256([]byte(strings.ToLower(folder)))
	return `\\.\pipe\flattrd-` + hex.EncodeToString(sum[:8])
}

// Listener is the companion's end of the pipe.
type Listener struct {
	name   string
	rights *windows.SecurityAttributes
	stop   windows.Handle // an event: the listener is closed
	known  chan asker
	failed chan error
	slots  chan struct{} // for strangers
	once   sync.Once
}

// asker is a connection whose user is known.
type asker struct {
	conn conn
	uid  uint32
}

// Listen makes the pipe that belongs to folder. It must be the first of its
// name: another program's pipe is not joined.
func Listen(_ context.Context, folder string) (*Listener, error) {
	own, err := ownSID()
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	words := fmt.Sprintf("O:%[1]sD:P(A;;GA;;;SY)(A;;GA;;;%[1]s)(A;;%#[2]x;;;AU)", own, askerRights)
	rights, err := windows.SecurityDescriptorFromString(words)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	l := &Listener{
		name: pipeName(folder), known: make(chan asker), failed: make(chan error, 1), slots: make(chan struct{}, maxStrangers),
		rights: &windows.SecurityAttributes{SecurityDescriptor: rights},
	}
	l.rights.Length = uint32(unsafe.Sizeof(*l.rights))
	if l.stop, err = windows.CreateEvent(nil, 1, 0, nil); err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	first, err := l.instance(windows.FILE_FLAG_FIRST_PIPE_INSTANCE)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: another companion answers for %s; stop it first: flattrd stop: %w", folder, err)
	}
	go l.run(first)
	return l, nil
}

// instance makes one more end of the pipe, for one connection.
func (l *Listener) instance(flags uint32) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(l.name)
	if err != nil {
		return 0, err
	}
	return windows.CreateNamedPipe(name, windows.PIPE_ACCESS_DUPLEX|windows.FILE_FLAG_OVERLAPPED|flags,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, windows.PIPE_UNLIMITED_INSTANCES, pipeBytes, pipeBytes, 0, l.rights)
}

// Close ends the listener.
func (l *Listener) Close() error {
	l.once.Do(func() { _ = windows.SetEvent(l.stop) })
	return nil
}

// accept waits for a connection whose user is known.
func (l *Listener) accept() (conn, uint32, error) {
	select {
	case one := <-l.known:
		return one.conn, one.uid, nil
	case err := <-l.failed:
		return nil, 0, err
	}
}

// run connects one asker after the other until the listener is closed. There
// is always an instance that waits, so that the name stays the companion's.
func (l *Listener) run(next windows.Handle) {
	for {
		if err := l.connect(next); err != nil {
			windows.CloseHandle(next)
			l.failed <- err
			return
		}
		connected := next
		var err error
		if next, err = l.instance(0); err != nil {
			windows.CloseHandle(connected)
			l.failed <- err
			return
		}
		select {
		case l.slots <- struct{}{}:
			go l.identify(os.NewFile(uintptr(connected), l.name))
		default:
			windows.CloseHandle(connected)
		}
	}
}

// connect waits until somebody has opened the instance.
func (l *Listener) connect(instance windows.Handle) error {
	event, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return err
	}
	defer windows.CloseHandle(event)
	overlapped := &windows.Overlapped{HEvent: event}
	switch err := windows.ConnectNamedPipe(instance, overlapped); err {
	case nil, windows.ERROR_PIPE_CONNECTED:
		return nil
	case windows.ERROR_IO_PENDING:
	default:
		return fmt.Errorf("wait for a command: %w", err)
	}
	which, err := windows.WaitForMultipleObjects([]windows.Handle{event, l.stop}, false, windows.INFINITE)
	var done uint32
	if err == nil && which == windows.WAIT_OBJECT_0 {
		return windows.GetOverlappedResult(instance, overlapped, &done, false)
	}
	_ = windows.CancelIoEx(instance, overlapped)
	_ = windows.GetOverlappedResult(instance, overlapped, &done, true)
	return fmt.Errorf("wait for a command: %w", os.ErrClosed)
}

// isThere tells whether a companion has made the folder's pipe.
func isThere(folder string) bool {
	name, err := windows.UTF16PtrFromString(pipeName(folder))
	if err != nil {
		return false
	}
	var found windows.Win32finddata
	handle, err := windows.FindFirstFile(name, &found)
	if err != nil {
		return false
	}
	windows.FindClose(handle)
	return true
}

// dial opens the pipe of a folder, and makes sure that the companion's user,
// or the system, made it. Nothing has been sent then.
func dial(_ context.Context, folder string) (conn, error) {
	name, err := windows.UTF16PtrFromString(pipeName(folder))
	if err != nil {
		return nil, err
	}
	// The companion may learn who asks; it may not act as the asker.
	const flags = windows.FILE_FLAG_OVERLAPPED | windows.SECURITY_SQOS_PRESENT | windows.SECURITY_IDENTIFICATION
	handle, err := windows.CreateFile(name, windows.GENERIC_READ|windows.FILE_WRITE_DATA, 0, nil, windows.OPEN_EXISTING, flags, 0)
	if err != nil {
		return nil, notRunning()
	}
	if !madeByCompanion(handle) {
		windows.CloseHandle(handle)
		return nil, notTrusted(folder)
	}
	return os.NewFile(uintptr(handle), pipeName(folder)), nil
}
