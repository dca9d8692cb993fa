package socket

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
)

func TestBothWaysNameTheUserOfThePeer(t *testing.T) {
	client, server := loopback(t)
	peer, own := server.RemoteAddr().(*net.TCPAddr), server.LocalAddr().(*net.TCPAddr)
	want := uint32(os.Getuid())
	if got, err := diagUID(peer, own); err != nil {
		t.Logf("sock_diag is not there: %v", err)
	} else if got != want {
		t.Errorf("diagUID = %d, want %d", got, want)
	}
	if got, err := procUID(peer, own); err != nil || got != want {
		t.Errorf("procUID = %d, %v, want %d", got, err, want)
	}
	if got, err := peerUID(server); err != nil || got != want {
		t.Errorf("peerUID = %d, %v, want %d", got, err, want)
	}

	client.Close()
	for {
		if _, err := server.Read(make([]byte, 1)); err != nil {
			break
		}
	}
	if got, err := peerUID(server); !errors.Is(err, errNoOwner) {
		t.Errorf("peerUID of a closed peer = %d, %v, want no owner", got, err)
	}
}

func TestAConnectionInTheTableWithoutInodeHasNoOwner(t *testing.T) {
	const line = "0: 0100007F:0050 0100007F:0051 %s 0:0 0:0 0 1000 0 %s 1\n"
	for _, fields := range [][2]string{{"01", "0"}, {"08", "77"}} {
		table := strings.Replace(strings.Replace(line, "%s", fields[0], 1), "%s", fields[1], 1)
		if uid, err := scanProc(strings.NewReader(table), "0100007F:0050", "0100007F:0051"); err == nil {
			t.Errorf("scanProc(state %s, inode %s) = %d, want no owner", fields[0], fields[1], uid)
		}
	}
	table := strings.Replace(strings.Replace(line, "%s", "01", 1), "%s", "77", 1)
	if uid, err := scanProc(strings.NewReader(table), "0100007F:0050", "0100007F:0051"); err != nil || uid != 1000 {
		t.Errorf("scanProc = %d, %v, want 1000", uid, err)
	}
}

func loopback(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp4", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}
