package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/programtest"
)

// botFolder has hubot with its script for Flattr, as the registry has them.
const botFolder = "rest/testdata/hubot"

// botPatience is how long the bot may take to start, and to answer.
const botPatience = 30 * time.Second

// bot is a chat bot whose script asks Flattr's interface.
type bot struct {
	t    *testing.T
	in   io.Writer
	said *programtest.Output
}

// startBot starts the bot in a folder of its own, which it writes to. What its
// script sends to the host in its code goes to the ledger.
func startBot(t *testing.T, ledger string) *bot {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	source, err := filepath.Abs(botFolder)
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(source, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "hubot-scripts")); err != nil {
		t.Skipf("hubot is not installed: run npm install --no-save in ledger/%s, as make test does", botFolder)
	}
	folder := t.TempDir()
	for _, name := range []string{"node_modules", "hubot-scripts.json"} {
		if err := os.Symlink(filepath.Join(source, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), node, "--require", filepath.Join(source, "redirect.js"),
		"node_modules/coffee-script/bin/coffee", "node_modules/hubot/bin/hubot", "--disable-httpd", "--name", "hubot")
	command.Dir = folder
	command.Env = append(os.Environ(), "FLATTR_LEDGER="+ledger, "NO_COLOR=1")
	b := &bot{t: t, said: &programtest.Output{}}
	command.Stdout, command.Stderr = b.said, b.said
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.in = in
	if err := command.Start(); err != nil {
		t.Fatalf("start hubot: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	b.waits("* flattr.coffee") // it tells which scripts it has
	return b
}

// waits waits until the bot has said something.
func (b *bot) waits(text string) {
	b.t.Helper()
	end, tick := time.NewTimer(botPatience), time.NewTicker(20*time.Millisecond)
	defer end.Stop()
	defer tick.Stop()
	for !strings.Contains(b.said.String(), text) {
		select {
		case <-tick.C:
		case <-end.C:
			b.t.Fatalf("the bot does not say %q, but\n%s", text, b.said)
		}
	}
}

// hears tells the bot a line, and waits for what it has to say then.
func (b *bot) hears(line string, says ...string) {
	b.t.Helper()
	if _, err := io.WriteString(b.in, line+"\n"); err != nil {
		b.t.Fatalf("tell the bot %q: %v", line, err)
	}
	for _, want := range says {
		b.waits(want)
	}
}

// hubot-scripts 2.17.2 asks for things, members and URLs, and finds in the
// answers what it was written to find.
func TestHubotAsksForThings(t *testing.T) {
	s := startLedger(t)
	s.join("bob", 0)
	const page = "https://bob.example/one"
	err := s.store.Write(t.Context(), func(tx *store.Tx) error {
		bob, err := tx.MemberID("bob")
		if err != nil {
			return err
		}
		return tx.AddThing(s.clock(), page, "All about gardens", bob)
	})
	if err != nil {
		t.Fatalf("AddThing = %v", err)
	}
	found, err := s.store.Search(t.Context(), s.clock(), store.Search{Query: "gardens", Sort: store.ByTrend, Count: 1})
	if err != nil || len(found.Things) != 1 {
		t.Fatalf("Search = %+v, %v, want one thing", found, err)
	}
	m, err := s.store.MemberByName(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.SetProfile(t.Context(), s.clock(), m.ID, flattr.Profile{
		FirstName: "Bob", LastName: "Builder", City: "Malmö", Country: "Sweden", URL: "https://bob.example/", Public: true,
	})
	if err != nil {
		t.Fatalf("SetProfile = %v", err)
	}
	id := strconv.FormatInt(int64(found.Things[0]), 10)

	b := startBot(t, s.origin)
	b.hears("hubot search things gardens",
		`I found 1 things when looking for "gardens"`,
		"[0] All about gardens ("+page+") owned by bob -> "+s.origin+"/thing/"+id)
	b.hears("hubot user me bob",
		"Flattr user: bob (Bob Builder) from Malmö, Sweden [https://bob.example/]", "More: "+s.origin+"/profile/bob")
	b.hears("hubot user me nobody", "There is no user with that username...")
	b.hears("thing me "+id, "Thing: [0] All about gardens - "+s.origin+"/thing/"+id)

	ann := s.join("ann", 20*money.Euro)
	send(t, s.link(ann), click(s.clock(), api.Thing{URL: page}))
	b.hears("look at "+page, "Thing: [1] All about gardens - "+s.origin+"/thing/"+id) // by lookup, and the location in its answer
}
