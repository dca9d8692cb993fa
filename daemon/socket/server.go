// Package socket is the companion's loopback WebSocket: the checks before the
// upgrade, the handshake, the sealed frames and the limits.
//
// It knows neither accounts nor clicks. Who may speak it learns from [Keys];
// a connection that has proved its key is handed to Config.Serve.
package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"flattr/daemon/wire"

	"github.com/gorilla/websocket"
)

// UIDUnknown stands for the user of a peer where the system does not name it;
// who then knows a key, or a ticket, is taken for its owner.
const UIDUnknown = ^uint32(0)

// Deadlines and sizes of spec "Limits".
const (
	headerTimeout    = 5 * time.Second  // for a whole HTTP request
	handshakeTimeout = 3 * time.Second  // from the upgrade to the extension's proof
	enrolTimeout     = 5 * time.Second  // for storing the device and closing
	pongTimeout      = 60 * time.Second // without any sign of the other side
	pingInterval     = 25 * time.Second // twice within pongTimeout, so that one may be lost
	writeTimeout     = 5 * time.Second  // for one frame
	lingerTimeout    = time.Second      // for the other side to read the close code
	maxHeaderBytes   = 8 << 10          // browsers send about 600
	maxHandshake     = 4 << 10          // bytes of one message before the proof
	maxLingerBytes   = 2 << 20          // read away, so that the close code is not lost to a reset
	queueLength      = 256              // frames waiting for one connection: a batch of pushes and the answers
)

// ErrUnknown says that a ticket or device is not known, not live any more, or
// not of this user and origin. The connection is closed with 4401.
var ErrUnknown = errors.New("unknown ticket or device")

// Keys answers who may speak. Every function may be called concurrently.
type Keys struct {
	// Ticket gives the 16 bytes of a live ticket of the user by their SHA-256. It does not spend it.
	Ticket func(hash ID, uid uint32) ([]byte, error)
	// Enroll spends the ticket and makes a device of the user and origin, in one step.
	Enroll func(ctx context.Context, hash ID, uid uint32, origin string) (wire.Enrolled, error)
	// Device gives the key of the device of this user and origin, and its user.
	Device func(ctx context.Context, id ID, uid uint32, origin string) (key []byte, owner uint32, err error)
}

// Config is what a server needs.
type Config struct {
	Keys         Keys
	ExtensionIDs []string // ids of our extension in Chromium's browsers; Firefox's origins are random
	// Serve holds the conversation with a proven device; the connection is closed when it returns.
	Serve  func(ctx context.Context, conn *Conn)
	Now    func() time.Time
	Random func([]byte) // fills with random bytes, never fails
	Log    *slog.Logger
}

// Server is the listener and its connections.
type Server struct {
	config   Config
	listener *net.TCPListener
	port     uint16
	host     string // the one accepted Host header
	origins  map[string]bool
	quota    *quota
	http     *http.Server
	upgrader websocket.Upgrader
	timeouts timeouts

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	closed bool
	wait   sync.WaitGroup
}

// timeouts are the deadlines a test may shorten.
type timeouts struct{ header, handshake, enrol, pong, ping time.Duration }

// Listen binds 127.0.0.1 and the first free port from first to last.
func Listen(ctx context.Context, first, last int) (*net.TCPListener, error) {
	var problem error
	for port := first; port <= last; port++ {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return listener.(*net.TCPListener), nil
		}
		problem = err
	}
	return nil, fmt.Errorf("listen on 127.0.0.1, ports %d to %d: %w", first, last, problem)
}

// New makes the server of a listener that is bound to a loopback address.
func New(listener *net.TCPListener, config Config) *Server {
	address := listener.Addr().(*net.TCPAddr)
	s := &Server{
		config: config, listener: listener,
		port: uint16(address.Port), host: net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port)),
		origins: map[string]bool{}, quota: newQuota(), conns: map[*Conn]struct{}{},
		timeouts: timeouts{headerTimeout, handshakeTimeout, enrolTimeout, pongTimeout, pingInterval},
	}
	for _, id := range config.ExtensionIDs {
		s.origins["chrome-extension://"+id] = true
	}
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: writeTimeout,
		Subprotocols:     []string{wire.Subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true }, // checked in refuse, gorilla's own refuses extensions
		Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
			s.turnAway(w, r, reason.Error())
		},
	}
	return s
}

// Port is the port the server is bound to.
func (s *Server) Port() int { return int(s.port) }

// LastRefusal is the user's own last connection that was turned away.
func (s *Server) LastRefusal(uid uint32) Refusal { return s.quota.lastRefusal(uid) }

// Run serves until ctx ends; then every connection is closed with 1001 and
// waited for.
func (s *Server) Run(ctx context.Context) error {
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.handle), ReadTimeout: s.timeouts.header, ReadHeaderTimeout: s.timeouts.header,
		IdleTimeout: s.timeouts.header, WriteTimeout: writeTimeout, MaxHeaderBytes: maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // OPTIONS * comes to handle, too
		ErrorLog:                     slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, conn)
		},
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		s.goingAway()
	}()
	err := s.http.Serve(gate{s.listener, s})
	if ctx.Err() == nil {
		return fmt.Errorf("serve the loopback socket: %w", err)
	}
	<-stopped
	s.wait.Wait()
	return nil
}

// goingAway stops the listener and says goodbye to every connection.
func (s *Server) goingAway() {
	s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.conns {
		conn.Close(websocket.CloseGoingAway, "companion stops")
	}
}

// gate looks up the user of each connection before anything else is spent on
// it, and counts it.
type gate struct {
	*net.TCPListener
	server *Server
}

func (g gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.AcceptTCP()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(conn)
		if err != nil {
			g.server.config.Log.Debug("connection dropped", "reason", err)
			conn.Close()
			continue
		}
		verdict := g.server.quota.admit(uid)
		if verdict == dropped {
			g.server.note(uid, "too many connections")
			conn.Close()
			continue
		}
		return &peer{
			TCPConn: conn, uid: uid, crowded: verdict == crowded, quota: g.server.quota,
			garbage: func() { g.server.note(uid, "no HTTP request") },
		}, nil
	}
}

type peerKey struct{}

// peer is an accepted connection and its user.
type peer struct {
	*net.TCPConn
	uid     uint32
	crowded bool
	quota   *quota
	garbage func() // notes that the connection was turned away
	proven  atomic.Bool
	once    sync.Once
}

// Close gives the connection back to the quota, once.
func (p *peer) Close() error {
	p.once.Do(func() { p.quota.leave(p.uid, p.proven.Load()) })
	return p.TCPConn.Close()
}

// Write is the connection's own, but for the answers that net/http gives by
// itself to what is no request: they become the same 403 without detail.
func (p *peer) Write(b []byte) (int, error) {
	status, found := bytes.CutPrefix(b, []byte("HTTP/1.1 "))
	if !found || bytes.HasPrefix(status, []byte("101")) || bytes.HasPrefix(status, []byte("403")) {
		return p.TCPConn.Write(b)
	}
	p.garbage()
	_, err := p.TCPConn.Write([]byte(bareRefusal))
	return len(b), err
}

// bareRefusal is what turnAway answers.
const bareRefusal = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// firefoxOrigin is an origin of Firefox: a random UUID for each profile, so
// that it tells only that some extension speaks.
var firefoxOrigin = regexp.MustCompile(`^moz-extension://[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// refuse gives the reason to turn a request away, or "".
func (s *Server) refuse(r *http.Request) string {
	origins, protocols := r.Header["Origin"], r.Header["Sec-Websocket-Protocol"]
	switch {
	case r.Method != http.MethodGet || r.RequestURI != "/ws" || r.Proto != "HTTP/1.1" || r.ContentLength != 0:
		return "not a plain GET of /ws"
	case r.Host != s.host:
		return fmt.Sprintf("Host is %q", r.Host)
	case len(origins) != 1:
		return fmt.Sprintf("%d Origin headers", len(origins))
	case !s.origins[origins[0]] && !firefoxOrigin.MatchString(origins[0]):
		return fmt.Sprintf("Origin is %q", origins[0])
	case len(protocols) != 1 || protocols[0] != wire.Subprotocol:
		return fmt.Sprintf("subprotocols are %q", protocols)
	}
	return ""
}

// turnAway answers 403 without detail and keeps the reason for the status.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, reason string) {
	s.note(r.Context().Value(peerKey{}).(*peer).uid, reason)
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusForbidden)
}

func (s *Server) note(uid uint32, reason string) {
	s.config.Log.Debug("connection refused", "uid", uid, "reason", reason)
	s.quota.refused(uid, Refusal{At: s.config.Now(), Reason: reason})
}

// handle checks, upgrades and holds one connection to its end.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	p := r.Context().Value(peerKey{}).(*peer)
	if reason := s.refuse(r); reason != "" {
		s.turnAway(w, r, reason)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // upgrader.Error has noted it
	}
	conn := newConn(s, ws, p, r.Header.Get("Origin"))
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		ws.Close()
		return
	}
	s.conns[conn] = struct{}{}
	s.wait.Add(1)
	s.mu.Unlock()
	defer s.wait.Done()

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	conn.hold(ctx)

	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}
