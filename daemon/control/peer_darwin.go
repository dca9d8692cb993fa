package control

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID is the user id of the other end, as it was when it connected or
// listened.
func peerUID(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("find who asks: %w", err)
	}
	var credentials *unix.Xucred
	var problem error
	err = raw.Control(func(fd uintptr) {
		credentials, problem = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err == nil {
		err = problem
	}
	if err != nil {
		return 0, fmt.Errorf("find who asks: %w", err)
	}
	return credentials.Uid, nil
}
