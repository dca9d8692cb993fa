package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// killer kills the server when a command has said so many lines.
type killer struct {
	bytes.Buffer
	server *storetest.Server
	after  int
}

func (k *killer) Write(p []byte) (int, error) {
	if k.after--; k.after == 0 {
		k.server.Kill()
	}
	return k.Buffer.Write(p)
}

// TestAServerThatDiesWhileAMonthIsSettled kills PostgreSQL after more and more lines that
// settle says. It stops and says how to go on, and the same command goes on to
// the same statement.
func TestAServerThatDiesWhileAMonthIsSettled(t *testing.T) {
	server := storetest.Private(t)
	where := server.Database()
	loaded(t, where, crashWorld(rand.New(rand.NewPCG(5, 0))))
	want := settled(t, storetest.Copy(t, where))
	args := []string{"settle", "--db", where, "--month", crashMonth.String(), "--now", crashMonth.FreezeAt().Format(time.RFC3339)}
	deaths := 0
	for {
		errs := &killer{server: server, after: deaths + 1}
		err := run(context.Background(), args, strings.NewReader(""), io.Discard, errs)
		if err == nil {
			if errs.after <= 0 {
				server.Start() // the last line was the last thing it did
			}
			break
		}
		server.Start()
		deaths++
		for _, say := range []string{crashMonth.String() + " was broken off: it was ", "left: ", "post, close", "cannot be reached", "run the same command again"} {
			if !strings.Contains(errs.String(), say) {
				t.Errorf("without its server settle does not say %q:\n%s", say, errs.String())
			}
		}
		if deaths > 20 {
			t.Fatal("it does not get on")
		}
	}
	if deaths < 2 {
		t.Errorf("the server died %d times only", deaths)
	}
	if got := ledger(t, "statement", "--db", where, "--month", crashMonth.String()); got != want {
		t.Errorf("the statement is\n%s\nundisturbed it is\n%s", got, want)
	}
	ledger(t, "audit", "--db", where)
}

// TestServeOutlivesItsDatabase kills PostgreSQL below a serving ledger, which
// says so and goes on by itself when the server is back.
func TestServeOutlivesItsDatabase(t *testing.T) {
	server := storetest.Private(t)
	s := startLedgerOn(t, server.Database())
	ann := s.join("ann", 50*money.Euro)
	companion := s.link(ann)
	event := click(s.clock(), api.Thing{URL: "https://blog.example/1"})
	send(t, companion, event)
	for range 2 {
		server.Kill()
		if status := health(t, s); status != http.StatusServiceUnavailable {
			t.Errorf("without its database /healthz answers %d", status)
		}
		for range 10 { // more than there are connections
			if _, meta, err := companion.Send(t.Context(), api.Batch{Events: []api.Event{event}}); err == nil || meta.RetryAfter == 0 {
				t.Errorf("without its database a click is answered %v, %v, want busy", err, meta)
			}
		}
		ann.get("/month")
		if ann.status != http.StatusServiceUnavailable {
			t.Errorf("without its database /month answers %d", ann.status)
		}
		server.Start()
		if status := health(t, s); status != http.StatusOK {
			t.Errorf("with its database back /healthz answers %d", status)
		}
		if results := send(t, companion, event); results.Results[0].Outcome != api.OutcomeAccepted {
			t.Errorf("with its database back a click is answered %+v", results.Results[0])
		}
		if ann.get("/month"); ann.status != http.StatusOK {
			t.Errorf("with its database back /month answers %d", ann.status)
		}
	}
}

func health(t *testing.T, s *served) int {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.origin+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
