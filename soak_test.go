//go:build soak

package flattr_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"

	"github.com/google/uuid"
)

// soakRounds is how often a program is killed.
const soakRounds = 100

// origin is that of the extension, as extension/ids.json has it.
func origin(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("extension/ids.json")
	if err != nil {
		t.Fatal(err)
	}
	var ids struct {
		Chrome []string `json:"chrome"`
	}
	if err := json.Unmarshal(data, &ids); err != nil || len(ids.Chrome) == 0 {
		t.Fatalf("extension/ids.json: %v, %d ids", err, len(ids.Chrome))
	}
	return "chrome-extension://" + ids.Chrome[0]
}

// soak is a ledger, a companion and a reader who is linked with both.
type soak struct {
	t         *testing.T
	bin, dir  string
	database  string
	state     string
	ledgerURL string
	ports     struct{ ledger, companion int }
	ledger    *exec.Cmd
	companion *exec.Cmd
	origin    string
	device    sockettest.Device
	sent      map[string]wire.Flattr // everything ever sent, by id
	acked     map[string]bool
	clicks    int
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, dir: t.TempDir(), origin: origin(t), sent: map[string]wire.Flattr{}, acked: map[string]bool{}}
	s.bin = filepath.Join(s.dir, "bin")
	s.database = filepath.Join(s.dir, "ledger.db")
	s.state = filepath.Join(s.dir, "companion")
	for _, program := range []string{"daemon", "ledger"} {
		s.command("go", "build", "-o", filepath.Join(s.bin, program), "./"+program)
	}
	s.ports.ledger, s.ports.companion = freePort(t), freePort(t)
	s.ledgerURL = fmt.Sprintf("http://127.0.0.1:%d", s.ports.ledger)

	var world strings.Builder
	world.WriteString(`{"type":"member","name":"bert"}` + "\n")
	for n := range 20 * soakRounds {
		fmt.Fprintf(&world, `{"type":"thing","url":%q,"owner":"bert"}`+"\n", thingURL(n))
	}
	file := filepath.Join(s.dir, "world.ndjson")
	if err := os.WriteFile(file, []byte(world.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.operator("load", file)
	s.startLedger()
	s.startCompanion()
	t.Cleanup(func() { s.kill(s.companion); s.kill(s.ledger) })
	s.pair()
	s.link()
	return s
}

func thingURL(n int) string { return fmt.Sprintf("https://soak.example/%d", n) }

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (s *soak) command(name string, args ...string) string {
	s.t.Helper()
	command := exec.Command(name, args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String()
}

func (s *soak) operator(args ...string) string {
	s.t.Helper()
	return s.command(filepath.Join(s.bin, "ledger"), append(args, "--db", s.database)...)
}

// start runs a program and waits until it accepts connections on port.
func (s *soak) start(port int, program string, args ...string) *exec.Cmd {
	s.t.Helper()
	command := exec.Command(filepath.Join(s.bin, program), args...)
	log, err := os.OpenFile(filepath.Join(s.dir, program+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.until(program+" listens", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return command
}

func (s *soak) startLedger() {
	s.ledger = s.start(s.ports.ledger, "ledger", "serve", "--db", s.database, "--listen", fmt.Sprintf("127.0.0.1:%d", s.ports.ledger))
}

func (s *soak) startCompanion() {
	s.companion = s.start(s.ports.companion, "daemon", "run", "--state", s.state,
		"--listen", fmt.Sprintf("127.0.0.1:%d", s.ports.companion), "--ledger", s.ledgerURL)
}

// kill is kill -9, and nothing else.
func (s *soak) kill(command *exec.Cmd) {
	_ = command.Process.Signal(syscall.SIGKILL)
	_ = command.Wait()
}

// until polls, with a deadline.
func (s *soak) until(what string, probe func() bool) {
	s.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(60 * time.Second)
	for !probe() {
		select {
		case <-ticker.C:
		case <-deadline:
			s.t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

func (s *soak) pair() {
	s.t.Helper()
	said := s.command(filepath.Join(s.bin, "daemon"), "pair", "--state", s.state)
	match := regexp.MustCompile(`flattr1:(\d+):([A-Za-z2-7]{26})`).FindStringSubmatch(said)
	if match == nil {
		s.t.Fatalf("flattrd pair printed %q", said)
	}
	device, err := sockettest.Pair(s.t.Context(), s.ports.companion, s.origin, match[2])
	if err != nil {
		s.t.Fatal(err)
	}
	s.device = device
}

func (s *soak) connect() *sockettest.Client {
	s.t.Helper()
	client, err := sockettest.Connect(s.t.Context(), s.ports.companion, s.origin, s.device)
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// link signs up at the ledger and allows the companion, by plain HTTP.
func (s *soak) link() {
	s.t.Helper()
	client := s.connect()
	defer client.Close()
	var answer wire.LinkAnswer
	if err := client.Ask("l1", wire.LinkAsk{Type: wire.TypeLink, ID: "l1"}, &answer); err != nil {
		s.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	web := &http.Client{Jar: jar}
	invite := strings.TrimSpace(s.operator("invite", "new", "--means", "5.00"))
	s.post(web, s.ledgerURL+"/signup", url.Values{"invite": {invite}, "name": {"ann"}, "password": {"soaked to the skin"}})
	page := s.body(web.Get(answer.URL))
	form := url.Values{"decision": {"allow"}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Add(field[1], unescape(field[2]))
	}
	s.post(web, s.ledgerURL+"/oauth/authorize", form)
	s.until("the device acts for ann", func() bool {
		status := s.status(client)
		return status.Account != nil && status.Account.Name == "ann"
	})
}

func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`, "&lt;", "<", "&gt;", ">").Replace(text)
}

func (s *soak) post(web *http.Client, to string, form url.Values) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", s.ledgerURL)
	s.body(web.Do(request))
}

func (s *soak) body(response *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 400 {
		s.t.Fatalf("%s: %s %v\n%s", response.Request.URL, response.Status, err, text)
	}
	return string(text)
}

var statusCount int

func (s *soak) status(client *sockettest.Client) wire.Status {
	s.t.Helper()
	statusCount++
	id := fmt.Sprintf("s%d", statusCount)
	var status wire.Status
	if err := client.Ask(id, wire.Ask{Type: wire.TypeStatus, ID: id}, &status); err != nil {
		s.t.Fatal(err)
	}
	return status
}

// newClick makes one more click for a thing of its own.
func (s *soak) newClick() wire.Flattr {
	click := wire.Flattr{
		Type: wire.TypeFlattr, ID: uuid.Must(uuid.NewV7()).String(),
		Thing: wire.Thing{URL: thingURL(s.clicks)}, At: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	s.clicks++
	s.sent[click.ID] = click
	return click
}

// unacked is the outbox: what was sent and never acknowledged.
func (s *soak) unacked() []wire.Flattr {
	var left []wire.Flattr
	for id, click := range s.sent {
		if !s.acked[id] {
			left = append(left, click)
		}
	}
	return left
}

// deliver sends clicks without waiting, and reads acknowledgements until all
// are there or the connection breaks.
func (s *soak) deliver(client *sockettest.Client, clicks []wire.Flattr) {
	for begin := 0; begin < len(clicks); begin += wire.MaxUnanswered {
		part := clicks[begin:min(begin+wire.MaxUnanswered, len(clicks))]
		for _, click := range part {
			if client.Send(click) != nil {
				return
			}
		}
		for missing := len(part); missing > 0; {
			var answer wire.Ack
			if client.Read(&answer) != nil {
				return
			}
			switch answer.Type {
			case wire.TypeAck:
				s.acked[answer.ID] = true
				missing--
			case wire.TypeNack, wire.TypeProblem:
				s.t.Errorf("click %s: %s", answer.ID, answer.Type)
				missing--
			}
		}
	}
}

// settled compares a settled copy of the ledger with what was acknowledged.
func (s *soak) settled() {
	s.t.Helper()
	client := s.connect()
	s.deliver(client, append(s.unacked(), s.newClick()))
	s.until("everything is with the ledger", func() bool { return s.status(client).Unsent == 0 })
	client.Close()

	if err := s.ledger.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.ledger.Wait(); err != nil {
		s.t.Errorf("the ledger did not end cleanly: %v", err)
	}
	s.operator("audit")
	now := time.Now().UTC()
	end := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Add(73 * time.Hour)
	month := now.Format("2006-01")
	s.operator("settle", "--month", month, "--now", end.Format(time.RFC3339))
	s.operator("audit")

	counted := map[string]int{}
	var micro int64
	for scanner := bufio.NewScanner(strings.NewReader(s.operator("statement", "--month", month, "--format", "ndjson"))); scanner.Scan(); {
		var line struct {
			Type  string
			Click string
			Micro int64
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			s.t.Fatal(err)
		}
		if line.Type == "share" {
			counted[line.Click]++
			micro += line.Micro
		}
	}
	for id := range s.acked {
		if counted[id] != 1 {
			s.t.Errorf("click %s was acknowledged and counts %d times", id, counted[id])
		}
	}
	if len(counted) != len(s.sent) || micro != 2_000_000 {
		s.t.Errorf("the month has %d clicks worth %d, want %d worth 2000000", len(counted), micro, len(s.sent))
	}
	s.t.Logf("%d clicks, all acknowledged, each counted once; the month adds up to 2.00", len(counted))
}

// pause lets a random part of a few milliseconds pass: where in its work the
// program is killed is what this test is about.
func pause(t *testing.T, atMost time.Duration) {
	timer := time.NewTimer(rand.N(atMost))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

func TestSoakKillTheCompanionBetweenClickAndAck(t *testing.T) {
	s := newSoak(t)
	unanswered := 0
	for range soakRounds {
		client := s.connect()
		clicks := s.unacked()
		for range 1 + rand.N(6) {
			clicks = append(clicks, s.newClick())
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.deliver(client, clicks)
		}()
		pause(t, 6*time.Millisecond)
		s.kill(s.companion)
		<-done
		client.WS.Close()
		unanswered += len(s.unacked())
		s.startCompanion()
	}
	t.Logf("%d kills; %d times a click had no ack at the kill", soakRounds, unanswered)
	if unanswered == 0 {
		t.Error("no kill fell between click and ack: the test proved nothing")
	}
	s.settled()
}

func TestSoakKillTheLedgerDuringSync(t *testing.T) {
	s := newSoak(t)
	client := s.connect()
	unsent := 0
	for range soakRounds {
		s.deliver(client, []wire.Flattr{s.newClick(), s.newClick()})
		pause(t, 20*time.Millisecond)
		s.kill(s.ledger)
		unsent += s.status(client).Unsent
		s.operator("audit")
		s.startLedger()
	}
	client.Close()
	t.Logf("%d kills; %d clicks were on their way at a kill", soakRounds, unsent)
	if unsent == 0 {
		t.Error("no kill fell into a sync: the test proved nothing")
	}
	s.settled()
}
