package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/socket/sockettest"
	"flattr/daemon/wire"
	"flattr/programtest"
)

// TestWhatIsTakenBackAtTheLedgerCanBeFlattredAgain has a reader undo a click on
// the ledger's own page: the browser is told, and a click made again counts.
func TestWhatIsTakenBackAtTheLedgerCanBeFlattredAgain(t *testing.T) {
	p := newParts(t, buildParts(t))
	p.startLedger()
	takeBackAndAgain(t, p, wire.StateAccepted)
}

// TestALedgerWithAnotherClockLosesNothing has the ledger's clock run 26 days
// behind the companion's, and ahead of it. Behind, a click is to the ledger one of
// the future: it counts as of its arrival, in the ledger's month, which the
// companion shows as it goes by the Date of the ledger's answers. Ahead, it is one
// that was made 26 days ago, in the month of its own time or late in the ledger's.
// Nothing is lost either way, and the status says that the clocks differ; "the
// ledger has fewer clicks than it said" in the companion's log is the undo on the
// ledger's page.
//
// One thing a slow clock cannot do: what it says to be flattred again stands, in
// the order of the reader's time, before an undo by the ledger's clock, and is
// taken back by it. The reader is told so at once, as the thing is free again.
func TestALedgerWithAnotherClockLosesNothing(t *testing.T) {
	programs := buildParts(t)
	movable := filepath.Join(t.TempDir(), "ledger.test")
	if out, err := exec.Command("go", "test", "-c", "-o", movable, "../ledger").CombinedOutput(); err != nil {
		t.Fatalf("build the ledger with a clock to set: %v\n%s", err, out)
	}
	for _, days := range []int{-26, 26} {
		t.Run(fmt.Sprintf("%+d days", days), func(t *testing.T) {
			p := newParts(t, programs)
			clock := time.Now().AddDate(0, 0, days)
			cmd := exec.Command(movable, "serve", "--db", p.db, "--listen", fmt.Sprintf("127.0.0.1:%d", p.ledgerPort), "--public-url", p.origin())
			cmd.Env = append(cmd.Environ(), "FLATTR_TEST_CLOCK="+clock.UTC().Format(time.RFC3339))
			p.ledger = programtest.Start(t, cmd, patience)
			state := wire.StateAccepted
			if days > 0 {
				state = wire.StateUndone
			}
			takeBackAndAgain(t, p, state)
			if !p.hasProblem(wire.CodeClockWrong) {
				t.Errorf("the status does not say that the clocks differ: %s", p.report().Text())
			}
		})
	}
}

// takeBackAndAgain is a reader who clicks three things, takes one back at the
// ledger, and flattrs it again, which must come to stand as said; the others must
// count all the while.
func takeBackAndAgain(t *testing.T, p *parts, want wire.State) {
	p.startCompanion()
	device := p.pair()
	reader := p.signUp("ann")
	p.signIn(reader, device, "ann")
	client := p.connect(device)
	defer client.Close()

	const thing = "https://a.example/1"
	first := made(time.Now(), thing)
	kept := []wire.Flattr{made(time.Now(), "https://a.example/2"), made(time.Now(), "https://a.example/3")}
	for _, click := range append(kept, first) {
		flattr(t, client, click)
	}
	waitForSync(t, p)
	stands(t, client, first, wire.StateAccepted)
	counts(t, client, 3)

	p.undoAtTheLedger(reader, first.ID)
	askAnew(t, client)
	stands(t, client, first, wire.StateUndone)
	counts(t, client, 2)

	again := made(time.Now(), thing)
	flattr(t, client, again)
	waitForSync(t, p)
	stands(t, client, again, want)
	stands(t, client, first, wire.StateUndone)
	for _, click := range kept {
		stands(t, client, click, wire.StateAccepted)
	}
	if want == wire.StateAccepted {
		counts(t, client, 3)
	} else {
		counts(t, client, 2)
	}
	t.Log(p.audit())
}

// askAnew is what a browser asks when its reader is at the ledger's pages.
func askAnew(t *testing.T, client *sockettest.Client) {
	t.Helper()
	var status wire.Status
	if err := client.Ask("anew", wire.StatusAsk{Type: wire.TypeStatus, ID: "anew", Anew: true}, &status); err != nil {
		t.Fatal(err)
	}
}

// stands waits until the companion shows a click in a state.
func stands(t *testing.T, client *sockettest.Client, click wire.Flattr, state wire.State) {
	t.Helper()
	var row wire.ClickRow
	for end := time.Now().Add(patience); row.State != state && (state != wire.StateAccepted || row.State != wire.StateLate); {
		if time.Now().After(end) {
			t.Fatalf("the click on %s is %+v, want %s", click.Thing.URL, row, state)
		}
		pauseOr(t.Context(), 50*time.Millisecond)
		row = month(t, client)[click.ID]
	}
}

// counts demands that many clicks in the ledger's running month, by its own word.
func counts(t *testing.T, client *sockettest.Client, clicks int) {
	t.Helper()
	until(t, fmt.Sprintf("%d clicks count", clicks), func() bool {
		var status wire.Status
		if err := client.Ask("c", wire.StatusAsk{Type: wire.TypeStatus, ID: "c", Anew: true}, &status); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, m := range status.Months {
			sum += m.Clicks + m.Promises
		}
		return sum == clicks
	})
}

// undoAtTheLedger presses the button beside a click on the ledger's own page.
func (p *parts) undoAtTheLedger(reader *http.Client, click string) {
	p.t.Helper()
	status := 0
	for form := range p.forms(reader, p.origin()+"/month", &status) {
		if attribute(form, "action") != "/undo" {
			continue
		}
		values := filled(form)
		if values.Get("click") != click {
			continue
		}
		answer, err := reader.PostForm(p.origin()+"/undo", values)
		if err != nil {
			p.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			p.t.Fatalf("undo on the page: %s", answer.Status)
		}
		return
	}
	p.t.Fatalf("%s/month (%d) has no button to take %s back", p.origin(), status, click)
}
