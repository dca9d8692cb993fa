package threats_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
)

// upgrade asks for the socket in a browser's words and gives the status.
// A refusal must say nothing.
func (c *companion) upgrade(line, host, origin, extra string) int {
	c.t.Helper()
	conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", c.port))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: %s\r\n%s%sConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: flattr.v1\r\n\r\n", line, host, origin, extra)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		c.t.Fatalf("%s, Host %s, %s: %v", line, host, origin, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		if body, _ := io.ReadAll(response.Body); len(body) != 0 || len(response.Header["Access-Control-Allow-Origin"]) != 0 {
			c.t.Errorf("the refusal says %q, %v; want nothing", body, response.Header)
		}
	}
	return response.StatusCode
}

const plainGet = "GET /ws HTTP/1.1"

func (c *companion) host() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }

func TestAPageCannotDial(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	for name, origin := range map[string]string{
		"a site":                      "Origin: https://evil.example\r\n",
		"a site in the clear":         "Origin: http://evil.example\r\n",
		"a page of this machine":      "Origin: http://127.0.0.1:8080\r\n",
		"a page at the port itself":   "Origin: http://" + c.host() + "\r\n",
		"a sandboxed frame or a file": "Origin: null\r\n",
		"no browser at all":           "",
		"a page beside our extension": "Origin: https://evil.example\r\nOrigin: " + chrome + "\r\n",
		"a host named like our id":    "Origin: https://" + extensionID + "\r\n",
		"our origin with more behind": "Origin: " + chrome + ".evil.example\r\n",
	} {
		if got := c.upgrade(plainGet, c.host(), origin, ""); got != http.StatusForbidden {
			t.Errorf("%s: status = %d, want 403", name, got)
		}
	}
	if got := c.upgrade(plainGet, c.host(), "Origin: "+chrome+"\r\n", ""); got != http.StatusSwitchingProtocols {
		t.Errorf("our extension: status = %d, want 101", got)
	}
	c.upgrade(plainGet, c.host(), "Origin: https://evil.example\r\n", "")
	if report := c.report(); !strings.Contains(report.LastRefusal, "evil.example") {
		t.Errorf("the reader's status says %q, want the page that tried", report.LastRefusal)
	}
	c.unhurt(chrome, device)
}

func TestARequestThatIsNotForTheSocketDoesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	for _, line := range []string{
		"GET / HTTP/1.1", "GET /ws?ticket=x HTTP/1.1", "POST /ws HTTP/1.1", "PUT /pair HTTP/1.1", "OPTIONS /ws HTTP/1.1",
		"GET http://" + c.host() + "/ws HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1", "GET //ws HTTP/1.1", "GET /%77s HTTP/1.1",
	} {
		if got := c.upgrade(line, c.host(), "Origin: "+chrome+"\r\n", ""); got != http.StatusForbidden {
			t.Errorf("%s: status = %d, want 403", line, got)
		}
	}
	c.unhurt(chrome, device)
}

func TestAReboundNameReachesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	device := c.pair(chrome)
	port := fmt.Sprint(c.port)
	for _, host := range []string{
		"evil.example:" + port, "localhost:" + port, "127.0.0.1", "127.0.0.1.:" + port, "127.1:" + port, "2130706433:" + port,
		"[::1]:" + port, "0.0.0.0:" + port, "127.0.0.1:" + port + ".evil.example", "127.0.0.1:1", "evil.example",
	} {
		// Even where the page could choose its Origin.
		if got := c.upgrade(plainGet, host, "Origin: "+chrome+"\r\n", ""); got != http.StatusForbidden {
			t.Errorf("Host %s: status = %d, want 403", host, got)
		}
	}
	if got := c.upgrade(plainGet, c.host(), "Origin: "+chrome+"\r\n", "Host: evil.example\r\n"); got != http.StatusForbidden {
		t.Errorf("two Hosts: status = %d, want 403", got)
	}
	c.unhurt(chrome, device)
}

func TestAnotherExtensionGetsNeitherTicketNorAnswer(t *testing.T) {
	t.Parallel()
	c := start(t)
	device, fox := c.pair(chrome), c.pair(firefox)
	const other = "chrome-extension://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	if got := c.upgrade(plainGet, c.host(), "Origin: "+other+"\r\n", ""); got != http.StatusForbidden {
		t.Errorf("another extension of Chromium: status = %d, want 403", got)
	}
	// In Firefox every extension has a random origin: it gets as far as the
	// handshake, and no further, whatever it has stolen.
	const otherFox = "moz-extension://ffffffff-4e5f-4a6b-8c7d-0123456789ab"
	for name, stolen := range map[string]sockettest.Device{"Chromium's key": device, "Firefox's key": fox, "no key": {ID: fox.ID, Key: make([]byte, 32)}} {
		if got := c.refusal(func() error { _, err := sockettest.Connect(t.Context(), c.port, otherFox, stolen); return err }); got != socket.CloseUnknown {
			t.Errorf("another extension of Firefox with %s: close code = %d, want 4401", name, got)
		}
	}
	for name, call := range map[string]struct {
		args   []string
		ticket bool
	}{
		"ours":              {[]string{chrome + "/"}, true},
		"another extension": {[]string{other + "/"}, false},
		"a path after ours": {[]string{chrome + "/x"}, false},
	} {
		if got := c.native(call.args...); (got.Ticket != "") != call.ticket || (got.Error == "") != call.ticket {
			t.Errorf("native host called by %s: %+v, want a ticket: %v", name, got, call.ticket)
		}
	}
	c.unhurt(firefox, fox)
	c.unhurt(chrome, device)
}

// native runs flattrd as a browser runs its native host.
func (c *companion) native(args ...string) wire.TicketAnswer {
	c.t.Helper()
	const request = `{"type":"pair"}`
	cmd := exec.Command(program(c.t), args...)
	cmd.Env = []string{"FLATTR_STATE=" + c.sockets}
	cmd.Stdin = strings.NewReader(string(binary.NativeEndian.AppendUint32(nil, uint32(len(request)))) + request)
	out, err := cmd.Output()
	if err != nil || len(out) < 4 {
		c.t.Fatalf("native host %v: %q, %v", args, out, err)
	}
	var answer wire.TicketAnswer
	if err := json.NewDecoder(bytes.NewReader(out[4:])).Decode(&answer); err != nil {
		c.t.Fatal(err)
	}
	return answer
}
