package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/daemon/control"
	"flattr/daemon/socket"
	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/programtest"

	"github.com/gorilla/websocket"
	"golang.org/x/net/html"
)

// patience bounds each single wait of these tests.
const patience = 60 * time.Second

const chromeOrigin = "chrome-extension://aflkheolljhcmjgheajiddikljimfana"

// parts are the two real programs, built once, and the folder of their data.
type parts struct {
	t      *testing.T
	folder string
	db     string // of the ledger
	state  string // of the companion

	ledgerPort, companionPort int
	ledger, companion         *programtest.Process

	apart  *apart       // nil: both on this machine
	member *http.Client // the browser of who signed up last
	means  string       // that an invite carries, in EUR; "" is 50.00
}

// buildParts builds both programs as they are shipped, once for all tests.
func buildParts(t *testing.T) (programs string) {
	t.Helper()
	programs, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

var built = sync.OnceValues(func() (programs string, err error) {
	if programs, err = os.MkdirTemp("", "flattr-programs"); err != nil {
		return "", err
	}
	builtIn = programs
	for name, source := range map[string]string{"flattrd": ".", "flattr-ledger": "../ledger"} {
		build := exec.Command("go", "build", "-buildmode=pie", "-trimpath", "-o", filepath.Join(programs, name), source)
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return programs, nil
})

var builtIn string // the folder of the programs, once they are built

// tidy runs the tests and removes what they have built for one another.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	return code
}

func newParts(t *testing.T, programs string) *parts {
	t.Helper()
	// t.TempDir is too long a path for a Unix socket.
	folder, err := os.MkdirTemp("", "flattr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for _, name := range []string{"flattrd", "flattr-ledger"} {
		if err := os.Symlink(filepath.Join(programs, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	p := &parts{
		t: t, folder: folder, db: filepath.Join(folder, "ledger.db"), state: filepath.Join(folder, "state"),
		ledgerPort: programtest.FreePort(t), companionPort: programtest.FreePort(t),
	}
	t.Cleanup(func() {
		for _, running := range []*programtest.Process{p.companion, p.ledger} {
			if running != nil {
				running.Kill()
			}
		}
	})
	return p
}

// origin is where the reader's machine finds the ledger.
func (p *parts) origin() string {
	if p.apart != nil {
		return p.apart.origin()
	}
	return fmt.Sprintf("http://127.0.0.1:%d", p.ledgerPort)
}

func (p *parts) startLedger() {
	p.t.Helper()
	p.ledger = p.start("flattr-ledger", "serve", "--db", p.db, "--listen", fmt.Sprintf("127.0.0.1:%d", p.ledgerPort), "--public-url", p.origin())
}

func (p *parts) startCompanion() {
	p.t.Helper()
	p.companion = p.start("flattrd", "run", "--state", p.state, "--listen", fmt.Sprintf("127.0.0.1:%d", p.companionPort), "--ledger", p.origin())
}

// start runs a program and waits until it says that it listens.
func (p *parts) start(name string, args ...string) *programtest.Process {
	p.t.Helper()
	cmd := exec.Command(filepath.Join(p.folder, name), args...)
	if p.apart != nil {
		cmd = p.apart.command(cmd)
	}
	return programtest.Start(p.t, cmd, patience)
}

// tool runs a command of one of the programs to its end.
func (p *parts) tool(name string, args ...string) string {
	p.t.Helper()
	out, err := exec.Command(filepath.Join(p.folder, name), args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			out = append(out, failed.Stderr...)
		}
		p.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// audit proves the ledger's books.
func (p *parts) audit() string {
	p.t.Helper()
	return p.tool("flattr-ledger", "audit", "--db", p.db)
}

// report asks the companion over its Unix socket.
func (p *parts) report() control.Report {
	p.t.Helper()
	report, running := p.tryReport()
	if !running {
		p.t.Fatalf("no companion says how it stands\n%s", p.companion.Log)
	}
	return report
}

// tryReport is report for a companion that may not answer at this moment.
func (p *parts) tryReport() (report control.Report, running bool) {
	cmd := exec.Command(filepath.Join(p.folder, "flattrd"), "status", "--json", "--state", p.state)
	out, _ := cmd.Output() // exit code 1 says that something needs the reader
	running = json.Unmarshal(out, &report) == nil
	return report, running
}

// signUp makes a member with an invite that carries means, through the pages.
func (p *parts) signUp(name string) *http.Client {
	p.t.Helper()
	code := p.tool("flattr-ledger", "invite", "new", "--means", cmp.Or(p.means, "50.00"), "--db", p.db)
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	reader := &http.Client{Jar: jar, Timeout: patience}
	if p.apart != nil {
		reader.Transport = p.apart.transport()
	}
	p.submit(reader, p.origin()+"/signup", "signup", map[string]string{
		"invite": code, "name": name, "password": "correct horse battery staple",
	})
	p.member = reader
	return reader
}

// submit fills in a form of a page as a person would, and gives the page that
// comes after it.
func (p *parts) submit(reader *http.Client, address, id string, fill map[string]string) string {
	p.t.Helper()
	values, action, status := url.Values{}, "", 0
	for form := range p.forms(reader, address, &status) {
		if attribute(form, "id") == id {
			values, action = filled(form), attribute(form, "action")
		}
	}
	if action == "" {
		p.t.Fatalf("%s (%d) has no form %s", address, status, id)
	}
	for name, value := range fill {
		values.Set(name, value)
	}
	answer, err := reader.PostForm(p.origin()+action, values)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		p.t.Fatalf("form %s: %d\n%s", id, answer.StatusCode, text)
	}
	return string(text)
}

// forms are the forms of a page, whose status it tells.
func (p *parts) forms(reader *http.Client, address string, status *int) iter.Seq[*html.Node] {
	p.t.Helper()
	response, err := reader.Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	*status = response.StatusCode
	page, err := html.Parse(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return func(yield func(*html.Node) bool) {
		for node := range page.Descendants() {
			if node.Type == html.ElementNode && node.Data == "form" && !yield(node) {
				return
			}
		}
	}
}

// filled is what a form is filled with.
func filled(form *html.Node) url.Values {
	values := url.Values{}
	for field := range form.Descendants() {
		if field.Type == html.ElementNode && field.Data == "input" {
			values.Add(attribute(field, "name"), attribute(field, "value"))
		}
	}
	return values
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// pair makes a device by the pasted ticket of `flattrd pair`.
func (p *parts) pair() sockettest.Device {
	p.t.Helper()
	line := strings.Split(p.tool("flattrd", "pair", "--state", p.state), ":")
	var device sockettest.Device
	shaken(p.t, func() error {
		return p.atTheReader(func() (err error) {
			device, err = sockettest.Pair(p.t.Context(), p.companionPort, chromeOrigin, line[2])
			return err
		})
	})
	p.connect(device).Close() // a key that is not proved within a minute is dropped
	return device
}

func (p *parts) connect(device sockettest.Device) *sockettest.Client {
	p.t.Helper()
	var client *sockettest.Client
	shaken(p.t, func() (err error) {
		client, err = p.dial(p.t.Context(), device)
		return err
	})
	return client
}

// dial connects as the device's browser.
func (p *parts) dial(ctx context.Context, device sockettest.Device) (client *sockettest.Client, err error) {
	err = p.atTheReader(func() (err error) {
		client, err = sockettest.Connect(ctx, p.companionPort, chromeOrigin, device)
		return err
	})
	return client, err
}

// atTheReader does something where the companion runs.
func (p *parts) atTheReader(do func() error) error {
	if p.apart != nil {
		return within(p.apart.reader, do)
	}
	return do()
}

// shaken repeats a handshake while there are too many of them in a second.
func shaken(t *testing.T, attempt func() error) {
	t.Helper()
	for {
		err := attempt()
		if err == nil {
			return
		}
		if !tooMany(err) {
			t.Fatal(err)
		}
		pauseOr(t.Context(), 100*time.Millisecond)
	}
}

func tooMany(err error) bool {
	var end *websocket.CloseError
	return errors.As(err, &end) && end.Code == socket.CloseTooMany
}

func pauseOr(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// signIn links the device to the member whose browser reader is, by OAuth2
// through the ledger's own pages; or takes the account if it is offered.
func (p *parts) signIn(reader *http.Client, device sockettest.Device, name string) {
	p.t.Helper()
	client := p.connect(device)
	defer client.Close()
	var status wire.Status
	if err := client.Ask("s", wire.Ask{Type: wire.TypeStatus, ID: "s"}, &status); err != nil {
		p.t.Fatal(err)
	}
	ask := wire.LinkAsk{Type: wire.TypeLink, ID: "l"}
	if len(status.Accounts) > 0 {
		ask.Account = status.Accounts[0].ID
	}
	var answer wire.LinkAnswer
	if err := client.Ask("l", ask, &answer); err != nil {
		p.t.Fatal(err)
	}
	if ask.Account != "" {
		return
	}
	page := p.submit(reader, answer.URL, "consent", map[string]string{"decision": "allow"})
	if !strings.Contains(page, `<strong id="member">`+name+`</strong>`) {
		p.t.Fatalf("page after signing in:\n%s", page)
	}
}
