package network

import (
	"bytes"
	"encoding/binary"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// message builds what the kernel would send: a fixed head and attributes.
func message(kind uint16, head []byte, attributes ...[]byte) syscall.NetlinkMessage {
	m := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: kind}, Data: bytes.Clone(head)}
	for _, a := range attributes {
		m.Data = append(m.Data, a...)
	}
	return m
}

func attribute(kind uint16, value []byte) []byte {
	raw := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	raw = binary.NativeEndian.AppendUint16(raw, kind)
	raw = append(raw, value...)
	for len(raw)%4 != 0 {
		raw = append(raw, 0)
	}
	return raw
}

func link(kind uint16, index, flags uint32) syscall.NetlinkMessage {
	head := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(head[4:], index)
	binary.NativeEndian.PutUint32(head[8:], flags)
	return message(kind, head)
}

// port is a link of which another one, such as a bridge, is the master.
func port(index, flags uint32) syscall.NetlinkMessage {
	m := link(unix.RTM_NEWLINK, index, flags)
	m.Data = append(m.Data, attribute(unix.IFLA_MASTER, []byte{9, 0, 0, 0})...)
	return m
}

func address(kind uint16, index uint32, scope byte, ip ...byte) syscall.NetlinkMessage {
	head := make([]byte, unix.SizeofIfAddrmsg)
	head[3] = scope
	binary.NativeEndian.PutUint32(head[4:], index)
	return message(kind, head, attribute(unix.IFA_ADDRESS, ip))
}

func route(kind uint16, bits byte, index uint32, gateway ...byte) syscall.NetlinkMessage {
	head := make([]byte, unix.SizeofRtMsg)
	head[1], head[7] = bits, unix.RTN_UNICAST
	return message(kind, head, attribute(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, index)), attribute(unix.RTA_GATEWAY, gateway))
}

func TestOnlyWhatIsNewIsNews(t *testing.T) {
	const up, down = unix.IFF_UP | unix.IFF_RUNNING, unix.IFF_UP
	k := newKnown()
	for _, step := range []struct {
		name    string
		message syscall.NetlinkMessage
		news    bool
	}{
		{"a link comes up", link(unix.RTM_NEWLINK, 2, up), true},
		{"and is told of again", link(unix.RTM_NEWLINK, 2, up), false},
		{"the port of a bridge, as containers have them", port(3, up), false},
		{"an address of no reach", address(unix.RTM_NEWADDR, 2, unix.RT_SCOPE_LINK, 169, 254, 1, 1), false},
		{"an address", address(unix.RTM_NEWADDR, 2, unix.RT_SCOPE_UNIVERSE, 192, 0, 2, 1), true},
		{"its lease is renewed", address(unix.RTM_NEWADDR, 2, unix.RT_SCOPE_UNIVERSE, 192, 0, 2, 1), false},
		{"a route to one net", route(unix.RTM_NEWROUTE, 24, 2, 192, 0, 2, 9), false},
		{"a default route", route(unix.RTM_NEWROUTE, 0, 2, 192, 0, 2, 9), true},
		{"the router announces itself again", route(unix.RTM_NEWROUTE, 0, 2, 192, 0, 2, 9), false},
		{"another router", route(unix.RTM_NEWROUTE, 0, 2, 192, 0, 2, 8), true},
		{"the address goes", address(unix.RTM_DELADDR, 2, unix.RT_SCOPE_UNIVERSE, 192, 0, 2, 1), false},
		{"and comes", address(unix.RTM_NEWADDR, 2, unix.RT_SCOPE_UNIVERSE, 192, 0, 2, 1), true},
		{"the cable is pulled", link(unix.RTM_NEWLINK, 2, down), false},
		{"and put back", link(unix.RTM_NEWLINK, 2, up), true},
		{"with its route", route(unix.RTM_NEWROUTE, 0, 2, 192, 0, 2, 9), true},
		{"the link goes", link(unix.RTM_DELLINK, 2, up), false},
		{"a message of another kind", message(unix.RTM_NEWNEIGH, make([]byte, 12)), false},
	} {
		if got := k.news(step.message); got != step.news {
			t.Errorf("%s: news = %v, want %v", step.name, got, step.news)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	k := newKnown()
	for n := range uint32(10 * maxKnown) {
		k.news(link(unix.RTM_NEWLINK, n, unix.IFF_UP|unix.IFF_RUNNING))
	}
	if len(k) > maxKnown {
		t.Errorf("%d facts are remembered, want at most %d", len(k), maxKnown)
	}
}

func FuzzNews(f *testing.F) {
	for _, m := range []syscall.NetlinkMessage{
		link(unix.RTM_NEWLINK, 2, unix.IFF_UP), address(unix.RTM_NEWADDR, 2, 0, 192, 0, 2, 1), route(unix.RTM_NEWROUTE, 0, 2, 1, 2, 3, 4),
	} {
		f.Add(m.Header.Type, m.Data)
	}
	f.Fuzz(func(_ *testing.T, kind uint16, data []byte) {
		newKnown().news(syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: kind, Len: uint32(syscall.NLMSG_HDRLEN + len(data))}, Data: data})
	})
}
