package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/daemon/wire"
)

// TestADamagedLogIsRepairedWhileTheCompanionRuns changes letters in the file of
// the real companion, as a failing disk would. It listens before it looks, finds
// the damage, repairs it in the same process, and the ledger gets every click
// that was acknowledged, as it was made.
func TestADamagedLogIsRepairedWhileTheCompanionRuns(t *testing.T) {
	p := newParts(t, buildParts(t))
	p.startLedger()
	p.startCompanion()
	box := openOutboxes(p)[0]
	clicks := func(n int) {
		t.Helper()
		for range n {
			box.make()
		}
		box.drain(t.Context())
	}
	p.ledger.Kill() // clicks wait from here on
	clicks(5)
	p.tool("flattrd", "backup", "--state", p.state)
	clicks(5)
	if err := p.companion.Terminate(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.state, "clicks.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.ReplaceAll(file, []byte("https://a.example/2\""), []byte("https://b.example/2\""))
	if bytes.Equal(changed, file) {
		t.Fatal("the click to change is not in the file")
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	// What a kill leaves behind has the files looked at.
	if err := os.WriteFile(filepath.Join(p.state, "running"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.startCompanion()
	for end := time.Now().Add(patience); ; pauseOr(t.Context(), 50*time.Millisecond) {
		report, running := p.tryReport()
		if running && len(report.Problems) == 1 && report.Problems[0].Code == wire.CodeRestored && strings.Contains(report.Problems[0].Sentence, "5 clicks and undos were recovered") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("status never told of the repair: %+v\n%s", report, p.companion.Log)
		}
	}
	p.startLedger()
	clicks(1)
	waitForSync(t, p)
	endBoth(t, p)
	compare(t, box.acked, ledgerClicks(t, p.db))
	for _, url := range query(t, p.db, "SELECT url FROM thing") {
		if strings.Contains(url, "b.example/2") {
			t.Errorf("the ledger has %s, which nobody flattred", url)
		}
	}
}
