package network

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// messageBytes holds the longest message of the routing socket.
const messageBytes = 8 << 10

// Watch calls changed soon after an interface or an address has changed, until
// ctx ends; then it gives nil. It hears the kernel's routing socket. Routes are
// left out: the kernel tells of one for every neighbour it speaks to.
func Watch(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_ROUTE, unix.SOCK_RAW, unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return fmt.Errorf("watch the network: %w", err)
	}
	file := os.NewFile(uintptr(fd), "route")
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { file.Close() })
	defer stop()
	g := &gathering{changed: changed}
	defer g.end()
	buffer := make([]byte, messageBytes)
	for {
		n, err := file.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS):
			g.tell()
		case err != nil:
			return fmt.Errorf("watch the network: %w", err)
		case n > 3 && (buffer[3] == unix.RTM_NEWADDR || buffer[3] == unix.RTM_IFINFO):
			g.tell()
		}
	}
}
