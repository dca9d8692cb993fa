package threats_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flattr/daemon/socket/sockettest"
)

// A program has taken the port that the browsers know. What a browser says to
// it is tried with real browsers, in extension/test/e2e/threats.ts.
func TestAProgramThatTookThePortIsNotTakenForTheCompanion(t *testing.T) {
	t.Parallel()
	squatter, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	taken := squatter.Addr().(*net.TCPAddr).Port
	state := folder(t, 0o700)
	if err := os.WriteFile(filepath.Join(state, "port"), fmt.Appendln(nil, taken), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &companion{t: t, state: state, sockets: folder(t, 0o755)}
	c.run()
	if c.port == taken || c.port < 17890 || c.port > 17897 {
		t.Errorf("the companion listens on %d, want one of its usual ports", c.port)
	}
	if report := c.report(); report.Port != c.port {
		t.Errorf("the status names port %d, want %d", report.Port, c.port)
	}
	// A browser that is paired now knows the port where the companion is.
	device := c.pair(chrome)
	c.unhurt(chrome, device)
	// The squatter hands on what it hears, on its own port: it proves nothing.
	go func() {
		for {
			conn, err := squatter.Accept()
			if err != nil {
				return
			}
			go handOn(conn, c.port)
		}
	}()
	if _, err := sockettest.Connect(t.Context(), taken, chrome, device); err == nil {
		t.Error("a program on the companion's old port was taken for the companion")
	}
	c.unhurt(chrome, device)
}

// handOn carries a browser's words to the companion, with the Host it wants.
func handOn(conn net.Conn, port int) {
	defer conn.Close()
	onward, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return
	}
	defer onward.Close()
	buffer := make([]byte, 64<<10)
	n, err := conn.Read(buffer)
	if err != nil {
		return
	}
	own := conn.LocalAddr().String()
	said := strings.ReplaceAll(string(buffer[:n]), own, onward.RemoteAddr().String())
	if _, err := onward.Write([]byte(said)); err != nil {
		return
	}
	go func() { _, _ = conn.(*net.TCPConn).WriteTo(onward.(*net.TCPConn)); onward.Close() }()
	_, _ = onward.(*net.TCPConn).WriteTo(conn.(*net.TCPConn))
}
