package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/daemon/wire"
)

// TestClicksSurviveTheNetwork runs both programs on machines of their own and
// breaks what is between them. Whatever happens, each click is acknowledged at
// once, arrives, and counts once; the ledger's books are proved after it.
func TestClicksSurviveTheNetwork(t *testing.T) {
	needNamespaces(t)
	programs := buildParts(t)
	for name, story := range map[string]func(*testing.T, *parts, *outbox){
		"the cable is pulled and put back":                  pulledCable,
		"a partition":                                       partition,
		"answers are lost":                                  lostAnswers,
		"of a hundred packets thirty are lost":              lostPackets,
		"the way back takes two seconds":                    longRoad,
		"connections lead one way only":                     halfOpenRoad,
		"the ledger is killed and comes back":               ledgerAwayAndBack,
		"the ledger comes back from an older backup":        olderBackup,
		"the ledger comes back without knowing the browser": backupBeforeSignIn,
		"another program answers in the ledger's place":     falseLedger,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newApart(t, programs)
			p.startLedger()
			p.startCompanion()
			device := p.pair()
			p.signIn(p.signUp("ann"), device, "ann")
			box := &outbox{parts: p, device: device, name: "a", acked: map[string]bool{}}
			story(t, p, box)
			if t.Failed() {
				t.Logf("the companion's log:\n%s", p.companion.Log)
				return
			}
			waitForSync(t, p)
			endBoth(t, p)
			compare(t, box.acked, ledgerClicks(t, p.db))
			if log := p.companion.Log.String(); strings.Contains(log, "a.example") || strings.Contains(log, "https://") {
				t.Errorf("the log says what was clicked, or where it went:\n%s", log)
			}
			t.Log(p.audit())
		})
	}
}

// flattr makes clicks, which must be acknowledged whatever the network does.
func (b *outbox) flattr(n int) {
	b.parts.t.Helper()
	for range n {
		b.make()
	}
	ctx, cancel := context.WithTimeout(b.parts.t.Context(), patience)
	defer cancel()
	b.drain(ctx)
	if len(b.kept) > 0 {
		b.parts.t.Fatalf("%d clicks were not acknowledged", len(b.kept))
	}
}

// tries counts the requests that have not succeeded.
func (p *parts) tries() int { return strings.Count(p.companion.Log.String(), "sync did not succeed") }

func pulledCable(t *testing.T, p *parts, box *outbox) {
	box.flattr(5)
	waitForSync(t, p)
	p.apart.road.clear() // else a request hangs on the old connection for its 30 s
	p.apart.pull()
	box.flattr(5)
	until(t, "the status says that the ledger is away", func() bool { return p.hasProblem(wire.CodeLedgerAway) })
	until(t, "back-off has grown", func() bool { return p.tries() >= 4 })
	before := p.tries()
	p.apart.plug()
	began := time.Now()
	waitForSync(t, p)
	p.companion.Log.Await(t, "new network", patience) // a try of its own may have been quicker
	if p.hasProblem(wire.CodeLedgerAway) {
		t.Errorf("after the cable was put back: %s", p.report().Text())
	}
	t.Logf("sent %v after the cable was put back, at the %d. try without it", time.Since(began).Round(time.Millisecond), before)
}

func partition(t *testing.T, p *parts, box *outbox) {
	box.flattr(3)
	waitForSync(t, p)
	p.apart.road.clear()
	p.apart.filter("iifname cable drop", "oifname cable drop")
	box.flattr(30)
	until(t, "the status says that the ledger is away", func() bool { return p.hasProblem(wire.CodeLedgerAway) })
	if unsent := p.report().Accounts[0].Unsent; unsent != 30 {
		t.Errorf("unsent = %d, want 30", unsent)
	}
	p.apart.filter("", "")
	box.flattr(1)
}

func lostAnswers(t *testing.T, p *parts, box *outbox) {
	box.flattr(3)
	waitForSync(t, p)
	p.apart.filter("iifname cable drop", "")
	box.flattr(40)
	pauseOr(t.Context(), time.Second) // a part of the time for which answers are lost
	p.apart.filter("", "")
	box.flattr(1)
}

func lostPackets(t *testing.T, p *parts, box *outbox) {
	const thirty = "meta random < 1288490189 counter drop" // of 2^32
	p.apart.filter("iifname cable "+thirty, "oifname cable "+thirty)
	for range 5 {
		box.flattr(20)
		pauseOr(t.Context(), 500*time.Millisecond)
	}
	waitForSync(t, p)
	lost := p.apart.dropped()
	if lost == 0 {
		t.Error("no packet was lost: this proved nothing")
	}
	t.Logf("%d packets were lost, %d tries did not succeed", lost, p.tries())
}

func longRoad(t *testing.T, p *parts, box *outbox) {
	p.apart.road.lengthen(2 * time.Second)
	box.flattr(130)
	waitForSync(t, p)
	if p.tries() > 0 {
		t.Errorf("%d tries did not succeed, want none: the ledger answers, late\n%s", p.tries(), p.companion.Log)
	}
	if p.hasProblem(wire.CodeClockWrong) {
		t.Errorf("a slow answer is taken for a wrong clock: %s", p.report().Text())
	}
}

func halfOpenRoad(t *testing.T, p *parts, box *outbox) {
	box.flattr(3)
	waitForSync(t, p)
	p.apart.road.halfOpen(true)
	box.flattr(7) // they reach the ledger; its answers go nowhere
	until(t, "the ledger has clicks", func() bool { return len(ledgerClicks(t, p.db)) > 3 })
	if unsent := p.report().Accounts[0].Unsent; unsent != 7 {
		t.Errorf("unsent = %d, want 7: the ledger's answer never came", unsent)
	}
	p.apart.road.halfOpen(false) // for new connections
	began := time.Now()
	shell(t, "ip", "-n", p.apart.reader, "address", "add", secondAddress+"/24", "dev", p.apart.cable)
	waitForSync(t, p)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v to leave the dead connection, want less than the 30 s of a request", took)
	}
}

func ledgerAwayAndBack(t *testing.T, p *parts, box *outbox) {
	box.flattr(5)
	p.ledger.Kill()
	box.flattr(25)
	until(t, "the status says that the ledger is away", func() bool { return p.hasProblem(wire.CodeLedgerAway) })
	p.startLedger()
	box.flattr(1)
	waitForSync(t, p)
	if p.hasProblem(wire.CodeLedgerAway) {
		t.Errorf("after the ledger came back: %s", p.report().Text())
	}
}

// falseLedger has the reader's machine trust another authority: what answers
// cannot prove to be the ledger, and hears neither token nor click.
func falseLedger(t *testing.T, p *parts, box *outbox) {
	box.flattr(2)
	waitForSync(t, p)
	before := len(ledgerClicks(t, p.db))
	trusted := p.apart.authority
	if err := p.companion.Terminate(); err != nil {
		t.Fatal(err)
	}
	p.apart.certify(t.TempDir())
	p.startCompanion()
	box.flattr(5)
	until(t, "the status says that the ledger is away", func() bool { return p.hasProblem(wire.CodeLedgerAway) })
	if got := len(ledgerClicks(t, p.db)); got != before || p.report().Accounts[0].Unsent != 5 {
		t.Errorf("%d clicks went to a ledger that proved nothing, %d wait, want 0 and 5", got-before, p.report().Accounts[0].Unsent)
	}
	if !strings.Contains(p.companion.Log.String(), "certificate signed by unknown authority") {
		t.Errorf("the companion's log names another reason:\n%s", p.companion.Log)
	}
	if err := p.companion.Terminate(); err != nil {
		t.Fatal(err)
	}
	p.apart.authority = trusted
	p.startCompanion()
}

// backup copies the ledger's database as an operator would, while it runs.
func (p *parts) backup() string {
	p.t.Helper()
	path := filepath.Join(p.folder, "backup.db")
	db, err := sql.Open("sqlite3", "file:"+p.db+"?_busy_timeout=5000")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("VACUUM INTO $1", path); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// putBack puts a backup in the place of the ledger's database.
func (p *parts) putBack(backup string) {
	p.t.Helper()
	if err := p.ledger.Terminate(); err != nil {
		p.t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(p.db + suffix); err != nil && !os.IsNotExist(err) {
			p.t.Fatal(err)
		}
	}
	if err := os.Rename(backup, p.db); err != nil {
		p.t.Fatal(err)
	}
}

func olderBackup(t *testing.T, p *parts, box *outbox) {
	box.flattr(5)
	waitForSync(t, p)
	backup := p.backup()
	box.flattr(110) // more than a batch
	waitForSync(t, p)
	p.putBack(backup)
	if got := len(ledgerClicks(t, p.db)); got != 5 {
		t.Fatalf("the backup has %d clicks, want 5", got)
	}
	p.startLedger()
	box.flattr(1) // any reason to ask the ledger
	until(t, "the ledger has all clicks again", func() bool { return len(ledgerClicks(t, p.db)) == len(box.acked) })
}

func backupBeforeSignIn(t *testing.T, p *parts, box *outbox) {
	backup := p.backup()
	forgetSignIns(t, backup)
	box.flattr(4)
	waitForSync(t, p)
	p.putBack(backup)
	p.startLedger()
	box.flattr(6)
	until(t, "the status asks to sign in again", func() bool { return p.hasProblem(wire.CodeSignInAgain) })
	if unsent := p.report().Accounts[0].Unsent; unsent != 6 {
		t.Errorf("unsent = %d, want 6: what waits is kept", unsent)
	}
	p.signIn(p.member, box.device, "ann")
	until(t, "the ledger has all clicks again", func() bool { return len(ledgerClicks(t, p.db)) == len(box.acked) })
}

// forgetSignIns makes a backup one from before any browser signed in.
func forgetSignIns(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM oauth_code; DELETE FROM oauth_token"); err != nil {
		t.Fatal(err)
	}
}
