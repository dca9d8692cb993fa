package network

import (
	"encoding/binary"
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxKnown bounds what is remembered; a machine with more links and addresses
// is taken to have a new network more often than it has.
const maxKnown = 1024

// known is what the kernel has told of. Routers announce themselves every few
// minutes and the kernel tells of it each time: what is known is no news.
type known map[fact]bool

// fact is a link that is up, an address, or a default route.
type fact struct {
	kind uint16 // RTM_NEWLINK, RTM_NEWADDR or RTM_NEWROUTE
	link uint32 // index of the interface
	text string // bytes of address or gateway
}

func newKnown() known { return known{} }

// news tells whether a message says what was not known. What it takes back is
// forgotten, and with a link that goes down all that hung on it: the kernel
// does not tell of that one by one.
func (k known) news(message syscall.NetlinkMessage) bool {
	switch message.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		return k.link(message)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return k.address(message)
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return k.route(message)
	}
	return false
}

func (k known) link(message syscall.NetlinkMessage) bool {
	if len(message.Data) < unix.SizeofIfInfomsg {
		return false
	}
	index, flags := binary.NativeEndian.Uint32(message.Data[4:]), binary.NativeEndian.Uint32(message.Data[8:])
	const up = unix.IFF_UP | unix.IFF_RUNNING
	if message.Header.Type == unix.RTM_DELLINK || flags&up != up {
		for f := range k {
			if f.link == index {
				delete(k, f)
			}
		}
		return false
	}
	for kind := range attributes(message.Data[unix.SizeofIfInfomsg:]) {
		if kind == unix.IFLA_MASTER {
			return false // leads nowhere by itself; containers come and go with such links
		}
	}
	return k.learn(fact{kind: unix.RTM_NEWLINK, link: index}, true)
}

// address reads a message about an address. A link-local one leads nowhere.
func (k known) address(message syscall.NetlinkMessage) bool {
	if len(message.Data) < unix.SizeofIfAddrmsg || message.Data[3] != unix.RT_SCOPE_UNIVERSE {
		return false
	}
	f := fact{kind: unix.RTM_NEWADDR, link: binary.NativeEndian.Uint32(message.Data[4:])}
	for kind, value := range attributes(message.Data[unix.SizeofIfAddrmsg:]) {
		if kind == unix.IFA_ADDRESS {
			f.text = string(value)
		}
	}
	return k.learn(f, message.Header.Type == unix.RTM_NEWADDR)
}

// route reads a message about a route; of interest are those to everywhere.
func (k known) route(message syscall.NetlinkMessage) bool {
	if len(message.Data) < unix.SizeofRtMsg || message.Data[1] != 0 || message.Data[7] != unix.RTN_UNICAST {
		return false
	}
	f := fact{kind: unix.RTM_NEWROUTE}
	for kind, value := range attributes(message.Data[unix.SizeofRtMsg:]) {
		switch {
		case kind == unix.RTA_OIF && len(value) >= 4:
			f.link = binary.NativeEndian.Uint32(value)
		case kind == unix.RTA_GATEWAY:
			f.text = string(value)
		}
	}
	return k.learn(f, message.Header.Type == unix.RTM_NEWROUTE)
}

// attributes reads kinds and values as far as they are well formed. (The one of
// package syscall panics where the last has no padding.)
func attributes(data []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(data) >= unix.SizeofRtAttr {
			length := int(binary.NativeEndian.Uint16(data))
			if length < unix.SizeofRtAttr || length > len(data) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(data[2:]), data[unix.SizeofRtAttr:length]) {
				return
			}
			const pad = unix.RTA_ALIGNTO - 1
			data = data[min((length+pad)&^pad, len(data)):]
		}
	}
}

// learn remembers or forgets a fact and tells whether it is new.
func (k known) learn(f fact, is bool) bool {
	if !is {
		delete(k, f)
		return false
	}
	if k[f] {
		return false
	}
	if len(k) >= maxKnown {
		clear(k)
	}
	k[f] = true
	return true
}
