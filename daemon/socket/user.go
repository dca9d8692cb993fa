package socket

import (
	"net"
	"sync"
	"sync/atomic"
)

// ForUser lets through to a loopback listener only the connections of one user
// of the machine, at most limit of them at once; the others are closed without
// a word. It is for listeners beside the server's own, on which nothing is
// proved before a request is read.
func ForUser(listener *net.TCPListener, uid uint32, limit int) net.Listener {
	return &userGate{TCPListener: listener, uid: uid, limit: int32(limit)}
}

type userGate struct {
	*net.TCPListener
	uid   uint32
	limit int32
	open  atomic.Int32
}

// Accept waits for a connection of the user.
func (g *userGate) Accept() (net.Conn, error) {
	for {
		conn, err := g.AcceptTCP()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(conn)
		if err != nil || (uid != g.uid && uid != UIDUnknown) || g.open.Load() >= g.limit {
			conn.Close()
			continue
		}
		g.open.Add(1)
		return &counted{Conn: conn, open: &g.open}, nil
	}
}

// counted is a connection that gives its place back when it is closed.
type counted struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

// Close closes the connection.
func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}
