package socket

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Layout of the kernel's inet_diag request and answer, in bytes
// (linux/inet_diag.h).
const (
	diagRequestBytes = 56 // struct inet_diag_req_v2
	diagIDOffset     = 4  // of struct inet_diag_sockid in struct inet_diag_msg
	diagUIDOffset    = 64 // of idiag_uid in struct inet_diag_msg
	diagAnswerBytes  = 72 // struct inet_diag_msg
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	tcpEstablished   = 1  // TCP_ESTABLISHED
)

// errNoOwner says that the kernel names no user for the peer's socket: it is
// closed already, or in another network namespace.
var errNoOwner = errors.New("the kernel names no owner of the peer's socket")

// peerUID asks the kernel which user id owns the other end of a loopback
// connection. It asks sock_diag for that one socket; where the kernel does not
// speak it, it reads /proc/net/tcp, which is some hundred times slower.
func peerUID(conn net.Conn) (uint32, error) {
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	own, ok2 := conn.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 || peer.IP.To4() == nil || own.IP.To4() == nil {
		return 0, fmt.Errorf("find the peer's user: %v is no IPv4 connection", conn.RemoteAddr())
	}
	uid, err := diagUID(peer, own)
	if err == nil || errors.Is(err, errNoOwner) {
		return uid, err
	}
	return procUID(peer, own)
}

// diagUID asks sock_diag for the socket whose own end is peer.
func diagUID(peer, own *net.TCPAddr) (uint32, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, fmt.Errorf("open sock_diag: %w", err)
	}
	defer unix.Close(fd)
	// The kernel answers inside the call of send; a second is for a kernel that does not.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return 0, fmt.Errorf("bound the wait for sock_diag: %w", err)
	}
	if err := unix.Sendto(fd, diagRequest(peer, own), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, fmt.Errorf("ask sock_diag: %w", err)
	}
	buffer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, buffer, 0)
	if err != nil {
		return 0, fmt.Errorf("read from sock_diag: %w", err)
	}
	return parseDiagAnswer(buffer[:n])
}

// diagRequest asks for exactly one socket by its two ends.
func diagRequest(peer, own *net.TCPAddr) []byte {
	out := make([]byte, 0, unix.NLMSG_HDRLEN+diagRequestBytes)
	out = binary.NativeEndian.AppendUint32(out, unix.NLMSG_HDRLEN+diagRequestBytes)
	out = binary.NativeEndian.AppendUint16(out, sockDiagByFamily)
	out = binary.NativeEndian.AppendUint16(out, unix.NLM_F_REQUEST)
	out = binary.NativeEndian.AppendUint32(out, 1) // sequence
	out = binary.NativeEndian.AppendUint32(out, 0) // port id: the kernel's
	out = append(out, unix.AF_INET, unix.IPPROTO_TCP, 0, 0)
	out = binary.NativeEndian.AppendUint32(out, 1<<tcpEstablished)
	out = binary.BigEndian.AppendUint16(out, uint16(peer.Port))
	out = binary.BigEndian.AppendUint16(out, uint16(own.Port))
	out = append(append(out, peer.IP.To4()...), make([]byte, 12)...)
	out = append(append(out, own.IP.To4()...), make([]byte, 12)...)
	out = binary.NativeEndian.AppendUint32(out, 0)                     // any interface
	return append(out, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // no cookie
}

// parseDiagAnswer reads the user id of an established socket that has an
// inode. A socket whose program has closed it reads user 0 and inode 0.
func parseDiagAnswer(answer []byte) (uint32, error) {
	if len(answer) < unix.NLMSG_HDRLEN+4 {
		return 0, errors.New("sock_diag answered too little")
	}
	kind := binary.NativeEndian.Uint16(answer[4:])
	body := answer[unix.NLMSG_HDRLEN:]
	if kind == unix.NLMSG_ERROR {
		code := unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
		if code == unix.ENOENT {
			return 0, errNoOwner
		}
		return 0, fmt.Errorf("ask sock_diag: %w", code)
	}
	if kind != sockDiagByFamily || len(body) < diagAnswerBytes {
		return 0, errors.New("sock_diag answered something else")
	}
	uid := binary.NativeEndian.Uint32(body[diagUIDOffset:])
	inode := binary.NativeEndian.Uint32(body[diagUIDOffset+4:])
	if body[1] != tcpEstablished || inode == 0 {
		return 0, errNoOwner
	}
	return uid, nil
}

// procUID looks the socket up in /proc/net/tcp, and in tcp6, where sockets
// stand that reached an IPv4 address in its mapped form.
func procUID(peer, own *net.TCPAddr) (uint32, error) {
	for _, table := range []struct{ path, prefix string }{
		{"/proc/net/tcp", ""},
		{"/proc/net/tcp6", "0000000000000000FFFF0000"},
	} {
		file, err := os.Open(table.path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("find the peer's user: %w", err)
		}
		uid, err := scanProc(file, table.prefix+procAddress(peer), table.prefix+procAddress(own))
		file.Close()
		if err == nil {
			return uid, nil
		}
	}
	return 0, errNoOwner
}

// procAddress writes an address as /proc/net/tcp does: the four bytes in the
// machine's order, then the port.
func procAddress(address *net.TCPAddr) string {
	word := binary.NativeEndian.AppendUint32(nil, binary.BigEndian.Uint32(address.IP.To4()))
	return strings.ToUpper(hex.EncodeToString(word)) + fmt.Sprintf(":%04X", address.Port)
}

// scanProc finds the line of one socket: fields local, remote, state, …, uid, timeout, inode.
func scanProc(table io.Reader, local, remote string) (uint32, error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[1] != local || fields[2] != remote {
			continue
		}
		if fields[3] != "01" || fields[9] == "0" {
			return 0, errNoOwner
		}
		uid, err := strconv.ParseUint(fields[7], 10, 32)
		if err != nil {
			return 0, errNoOwner
		}
		return uint32(uid), nil
	}
	return 0, errNoOwner
}
