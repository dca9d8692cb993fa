package sockettest

import (
	"context"
	"fmt"
	"runtime"
	"syscall"

	"github.com/gorilla/websocket"
)

// As runs work as another user of the machine; only root can. Sockets that it
// makes, and files that it opens, are that user's; it must start no goroutine
// for them.
func As(uid int, work func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const keep = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
		return fmt.Errorf("act as user %d: %w", uid, errno)
	}
	defer func() {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, 0, keep); errno != 0 {
			panic("a thread could not become root again")
		}
	}()
	return work()
}

// DialAs dials as another user of the machine; only root can.
func DialAs(ctx context.Context, uid, port int, origin string) (ws *websocket.Conn, err error) {
	err = As(uid, func() (err error) {
		ws, err = Dial(ctx, port, origin)
		return err
	})
	return ws, err
}
