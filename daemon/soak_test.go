package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/programtest"

	"github.com/google/uuid"
	_ "github.com/mattn/go-sqlite3"
)

// rounds is how often a program is killed: FLATTR_SOAK, else the usual number.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("FLATTR_SOAK")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FLATTR_SOAK=%q: want a number of kills", text)
	}
	return n
}

func TestSoak(t *testing.T) {
	programs := buildParts(t)
	t.Run("kills of the companion", func(t *testing.T) { soakCompanion(t, programs) })
	t.Run("kills of the ledger", func(t *testing.T) { soakLedger(t, programs) })
}

// Three profiles click at once, six clicks each: together they stay within
// what one user may click at once (20), so that what a kill finds under way is
// on its way to the disk, not held back by the limit.
const (
	browsers  = 3
	inFlight  = 6
	killAfter = 30 * time.Millisecond // at most, from the first click of a round
)

// enoughKills is from when on chance must have found the time between receipt
// and COMMIT, a millisecond or less of each click.
const enoughKills = 100

// soakCompanion kills the companion between click and acknowledgement, again
// and again, and looks into its log after each kill: what it had acknowledged
// must be there. At the end the ledger must have each click once.
func soakCompanion(t *testing.T, programs string) {
	p := newParts(t, programs)
	p.startLedger()
	p.startCompanion()
	boxes := openOutboxes(p)

	n := rounds(t, usualKills)
	var uncommitted, received, unanswered, idle, resent int // kills, and clicks
	for round := range n {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		first := make(chan struct{}, browsers)
		for _, box := range boxes {
			group.Go(func() { box.click(ctx, true, first) })
		}
		select {
		case <-first:
		case <-time.After(patience):
			t.Fatalf("round %d: no browser got through\n%s", round, p.companion.Log)
		}
		pauseOr(ctx, rand.N(killAfter))
		p.companion.Kill()
		cancel()
		group.Wait()

		stored := storedClicks(t, p.state)
		lost, committed, read := 0, 0, 0
		for _, box := range boxes {
			boxLost := 0
			for id := range box.acked {
				if !stored[id] {
					t.Errorf("round %d: the acknowledged click %s is not in the log", round, id)
				}
			}
			for _, id := range box.sent {
				if stored[id] {
					committed++
				} else {
					boxLost++
				}
			}
			if box.allWasRead() {
				read += boxLost
			}
			lost += boxLost
			resent += len(box.sent)
		}
		if lost > 0 {
			uncommitted++
		}
		if read > 0 {
			received++
		}
		if committed > 0 {
			unanswered++
		}
		if lost+committed == 0 {
			idle++
		}
		p.startCompanion()
	}
	if n >= enoughKills && received == 0 {
		t.Error("no kill fell between receipt and COMMIT: this test proved too little")
	}
	acked := drainOutboxes(t, boxes)
	waitForSync(t, p)
	endBoth(t, p)
	rows := ledgerClicks(t, p.db)
	compare(t, acked, rows)
	t.Logf("%d kills of the companion: in %d clicks were sent and not committed, in %d of these the companion had read them (between receipt and COMMIT), in %d committed and not acknowledged, in %d nothing was under way; "+
		"%d clicks sent again; %d clicks acknowledged, %d rows in the ledger; %s", n, uncommitted, received, unanswered, idle, resent, len(acked), len(rows), p.audit())
}

// soakLedger kills the ledger while the companion sends to it, and has the
// books proved after each kill.
func soakLedger(t *testing.T, programs string) {
	p := newParts(t, programs)
	p.startLedger()
	p.startCompanion()
	boxes := openOutboxes(p)

	n := rounds(t, usualRounds)
	var committed, counted, made int
	for round := range n {
		boxes[0].make() // wakes the courier, which may be waiting since the kill before
		made += 1 + browsers*inFlight
		boxes[0].drain(t.Context())
		waitForSync(t, p)
		first := make(chan struct{}, browsers)
		var group sync.WaitGroup
		for _, box := range boxes {
			group.Go(func() { box.click(t.Context(), false, first) })
		}
		<-first
		pauseOr(t.Context(), rand.N(killAfter))
		p.ledger.Kill()
		group.Wait()
		p.audit()
		rows := len(ledgerClicks(t, p.db))
		if rows < counted {
			t.Errorf("round %d: the ledger has %d clicks, and had %d before", round, rows, counted)
		}
		if known := made - p.report().Accounts[0].Unsent; rows > known {
			committed++
		}
		counted = rows
		p.startLedger()
	}
	inRequest := strings.Count(p.companion.Log.String(), "EOF") + strings.Count(p.companion.Log.String(), "reset by peer")
	boxes[0].make() // wakes the courier
	acked := drainOutboxes(t, boxes)
	waitForSync(t, p)
	endBoth(t, p)
	rows := ledgerClicks(t, p.db)
	compare(t, acked, rows)
	t.Logf("%d kills of the ledger, the books proved after each: %d cut a request short, %d of them after the ledger's commit; %d clicks acknowledged, %d rows in the ledger; %s",
		n, inRequest, committed, len(acked), len(rows), p.audit())
}

// waitForSync waits until the ledger has answered everything.
func waitForSync(t *testing.T, p *parts) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		report := p.report()
		if len(report.Accounts) == 1 && report.Accounts[0].Unsent == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not everything was sent: %s\n%s", report.Text(), p.companion.Log)
		}
		pauseOr(t.Context(), 100*time.Millisecond)
	}
}

func endBoth(t *testing.T, p *parts) {
	t.Helper()
	for name, running := range map[string]*programtest.Process{"flattrd": p.companion, "flattr-ledger": p.ledger} {
		if err := running.Terminate(); err != nil {
			t.Errorf("%s after SIGTERM: %v", name, err)
		}
	}
}

// compare demands that the ledger has exactly the acknowledged clicks.
func compare(t *testing.T, acked map[string]bool, rows []string) {
	t.Helper()
	if len(acked) == 0 {
		t.Error("no click was acknowledged: this test proved nothing")
	}
	seen := map[string]bool{}
	for _, id := range rows {
		if seen[id] {
			t.Errorf("click %s is in the ledger twice", id)
		}
		seen[id] = true
		if !acked[id] {
			t.Errorf("click %s is in the ledger and was never acknowledged", id)
		}
	}
	for id := range acked {
		if !seen[id] {
			t.Errorf("the acknowledged click %s is not in the ledger", id)
		}
	}
}

// storedClicks reads the click log as the kill has left it, from a copy: the
// companion has to find its files untouched.
func storedClicks(t *testing.T, state string) map[string]bool {
	t.Helper()
	folder := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(state, "clicks.db"+suffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, "clicks.db"+suffix), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	stored := map[string]bool{}
	for _, id := range query(t, filepath.Join(folder, "clicks.db"), "SELECT id FROM event WHERE kind = 'click'") {
		if stored[id] {
			t.Errorf("click %s is in the log twice", id)
		}
		stored[id] = true
	}
	return stored
}

// ledgerClicks reads the ids of the accepted clicks in the ledger's log.
func ledgerClicks(t *testing.T, db string) []string {
	t.Helper()
	var ids []string
	for _, text := range query(t, db, "SELECT hex(id) FROM event WHERE kind = 'click' AND result = 'accepted'") {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		id, err := uuid.FromBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id.String())
	}
	return ids
}

func query(t *testing.T, path, text string) []string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
