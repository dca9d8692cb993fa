package network_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"flattr/daemon/network"

	"golang.org/x/sys/unix"
)

const patience = 20 * time.Second

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- network.Watch(ctx, func() {}) }()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Watch = %v, want nil", err)
		}
	case <-time.After(patience):
		t.Fatal("Watch does not end")
	}
}

// The watch hears nothing of what its machine had before, so that each step
// here is one that it must tell of.
func TestACableAnAddressAndARouteAreTold(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces are made by root only")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip is not installed")
	}
	name := fmt.Sprintf("flattr%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %s", out)
	}
	t.Cleanup(func() { ip(t, "netns", "delete", name) })
	if out, err := exec.Command("ip", "-n", name, "link", "add", "near", "type", "veth", "peer", "name", "far").CombinedOutput(); err != nil {
		t.Skipf("no virtual cables here: %s", out)
	}
	told, ended := make(chan bool, 100), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		ended <- enter(name, func() error { return network.Watch(ctx, func() { told <- true }) })
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Watch = %v", err)
		}
	}()
	ip(t, "-n", name, "link", "set", "far", "up")
	for end := time.Now().Add(patience); ; { // until the watch hears
		ip(t, "-n", name, "link", "set", "near", "down")
		ip(t, "-n", name, "link", "set", "near", "up")
		select {
		case <-told:
		case <-time.After(time.Second):
			if time.Now().Before(end) {
				continue
			}
			t.Fatal("a cable is not told of")
		}
		break
	}
	for _, step := range [][]string{
		{"address", "add", "192.0.2.1/24", "dev", "near"},
		{"route", "add", "default", "via", "192.0.2.9"},
		{"route", "replace", "default", "via", "192.0.2.8"},
		{"link", "set", "far", "up"}, // after it was pulled at the other end
	} {
		if step[0] == "link" {
			ip(t, "-n", name, "link", "set", "far", "down")
		}
		for len(told) > 0 {
			<-told
		}
		ip(t, append([]string{"-n", name}, step...)...)
		select {
		case <-told:
		case <-time.After(patience):
			t.Errorf("ip %v is not told of", step)
		}
	}
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %v: %v\n%s", args, err, out)
	}
}

func enter(namespace string, do func() error) error {
	fd, err := unix.Open("/run/netns/"+namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return err
	}
	return do()
}
