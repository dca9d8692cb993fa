package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// messageBytes holds what the kernel sends at once: a page at the most, on
	// machines with the largest of pages.
	messageBytes = 64 << 10
	groups       = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE
)

// Watch calls changed soon after a link comes up, or an address or a default
// route appears that was not there, until ctx ends; then it gives nil. It hears
// the kernel's notifications, which only the kernel and root can send.
func Watch(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	file := os.NewFile(uintptr(fd), "netlink")
	defer file.Close()
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return fmt.Errorf("watch the network: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { file.Close() })
	defer stop()
	g := &gathering{changed: changed}
	defer g.end()
	k := newKnown()
	buffer := make([]byte, messageBytes)
	for {
		n, err := file.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // more came than was read: nobody knows what
			k = newKnown()
			g.tell()
			continue
		case err != nil:
			return fmt.Errorf("watch the network: %w", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			continue // not in a form we know: no news
		}
		for _, message := range messages {
			if k.news(message) {
				g.tell()
			}
		}
	}
}
