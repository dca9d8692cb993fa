package sockettest

import (
	"context"
	"fmt"
	"runtime"
	"syscall"

	"github.com/gorilla/websocket"
)

// DialAs dials as another user of the machine; only root can. A socket belongs
// to the user its thread acts as when it is made.
func DialAs(ctx context.Context, uid, port int, origin string) (*websocket.Conn, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const keep = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
		return nil, fmt.Errorf("act as user %d: %w", uid, errno)
	}
	ws, err := Dial(ctx, port, origin)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, 0, keep); errno != 0 {
		panic("a thread could not become root again")
	}
	return ws, err
}
