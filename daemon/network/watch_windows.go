package network

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/windows"
)

// deleted is MibDeleteInstance: an address that goes is no new network.
const deleted = 2

// The system calls one function for the life of the process: callbacks cannot
// be given back.
var (
	hearing  atomic.Pointer[gathering]
	callback = windows.NewCallback(func(_, _ uintptr, kind uint32) uintptr {
		if g := hearing.Load(); g != nil && kind != deleted {
			g.tell()
		}
		return 0
	})
)

// Watch calls changed soon after an address was added or has changed, until
// ctx ends; then it gives nil. One at a time.
func Watch(ctx context.Context, changed func()) error {
	g := &gathering{changed: changed}
	defer g.end()
	hearing.Store(g)
	defer hearing.Store(nil)
	var handle windows.Handle
	if err := windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, callback, nil, false, &handle); err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	<-ctx.Done()
	if err := windows.CancelMibChangeNotify2(handle); err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	return nil
}
