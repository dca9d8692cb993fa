package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/programtest"
)

// programVariable makes the test binary flattr-ledger with its arguments.
const programVariable = "FLATTR_TEST_PROGRAM"

// program is flattr-ledger as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), programVariable+"=1")
	return cmd
}

// startProcess starts a process that serves, and answers its address.
func startProcess(t *testing.T, db string) (origin string) {
	t.Helper()
	cmd := program(t, "serve", "--db", db, "--listen", "127.0.0.1:0")
	var log programtest.Output
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// At the end it is asked to stop, and may finish what runs.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("a serving process ended with %v:\n%s", err, &log)
		}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				t.Errorf("a serving process says %s", line)
			}
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("a serving process did not start: %v\n%s", err, &log)
	}
	_, origin, _ = strings.Cut(strings.TrimSpace(line), "listening on ")
	return origin
}

// TestSeveralProcessesServeAndSettle has two processes serve one ledger to the
// same readers, who send each click to both, and then two settle it at once.
func TestSeveralProcessesServeAndSettle(t *testing.T) {
	const readers, batches, perBatch = 4, 10, 5
	storetest.Each(t, func(t *testing.T, where string) {
		st, err := store.Open(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		var doors []*served
		for range 2 {
			doors = append(doors, &served{t: t, db: where, origin: startProcess(t, where), store: st, now: time.Now()})
		}
		month := flattr.MonthOf(time.Now())
		var all sync.WaitGroup
		var mu sync.Mutex
		acknowledged := map[string]bool{}
		for r := range readers {
			reader := doors[r%2].join(fmt.Sprintf("reader%d", r), 50*money.Euro)
			first := doors[r%2].link(reader)
			second := doors[1-r%2].link(reader) // who consents at one and gets the token from the other
			all.Go(func() {
				for b := range batches {
					var events []api.Event
					for i := range perBatch {
						events = append(events, click(time.Now(), api.Thing{URL: fmt.Sprintf("https://shared.example/%d/%d", b, i)}))
					}
					var answers [2]api.Results
					var both sync.WaitGroup
					for i, client := range []*api.Client{first, second} {
						both.Go(func() { answers[i] = sendPatiently(t, client, events) })
					}
					both.Wait()
					if fmt.Sprint(answers[0].Results) != fmt.Sprint(answers[1].Results) {
						t.Errorf("the same clicks are answered\n%v\nand\n%v", answers[0].Results, answers[1].Results)
					}
					mu.Lock()
					for _, result := range answers[0].Results {
						if result.Outcome != api.OutcomeAccepted {
							t.Errorf("a click is answered %+v", result)
						}
						acknowledged[result.ID] = true
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		settleInProcesses(t, where, month, 2)
		counted := map[string]bool{}
		for _, line := range jsonLines(t, ledger(t, "statement", "--db", where, "--month", month.String())) {
			if line["type"] == "share" {
				counted[line["click"].(string)] = true
			}
		}
		if len(acknowledged) != readers*batches*perBatch || len(counted) != len(acknowledged) {
			t.Errorf("%d clicks were acknowledged, %d are in the statement, want %d", len(acknowledged), len(counted), readers*batches*perBatch)
		}
		for id := range acknowledged {
			if !counted[id] {
				t.Errorf("the click %s was acknowledged and is not in the statement", id)
			}
		}
		ledger(t, "audit", "--db", where)
	})
}

// sendPatiently sends until the ledger has room, as a companion does.
func sendPatiently(t *testing.T, client *api.Client, events []api.Event) api.Results {
	for {
		results, meta, err := client.Send(t.Context(), api.Batch{Events: events})
		if err == nil {
			return results
		}
		if meta.RetryAfter == 0 {
			t.Errorf("Send = %v", err)
			return results
		}
		select {
		case <-time.After(meta.RetryAfter):
		case <-t.Context().Done():
			return results
		}
	}
}

// settleInProcesses settles a month by several processes at once.
func settleInProcesses(t *testing.T, where string, month flattr.Month, count int) {
	t.Helper()
	var all sync.WaitGroup
	for range count {
		all.Go(func() {
			var out bytes.Buffer
			cmd := program(t, "settle", "--db", where, "--month", month.String(), "--now", month.FreezeAt().Format(time.RFC3339))
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				t.Errorf("one of %d that settle at once: %v\n%s", count, err, &out)
			}
		})
	}
	all.Wait()
}
