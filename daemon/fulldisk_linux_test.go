package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flattr/daemon/companion"
	"flattr/daemon/database"
	"flattr/daemon/wire"
	"flattr/programtest"

	"github.com/google/uuid"
)

// TestAFullDiskLosesNoAcknowledgedClick runs the real companion on a disk of
// its own until there is no room, and makes room again.
func TestAFullDiskLosesNoAcknowledgedClick(t *testing.T) {
	programs := buildParts(t)
	p := newParts(t, programs)
	if err := os.Mkdir(p.state, 0o700); err != nil {
		t.Fatal(err)
	}
	programtest.SmallDisk(t, p.state, "1m")
	t.Cleanup(func() {
		if p.companion != nil {
			p.companion.Kill()
		}
	})
	p.startLedger()
	p.startCompanion()
	device := p.pair()
	p.signIn(p.signUp("ann"), device, "ann")
	client := p.connect(device)
	defer client.Close()

	ballast := filepath.Join(p.state, "ballast")
	fillDisk(t, ballast)
	acked := map[string]bool{}
	// flattr sends a new click and tells whether it was stored.
	flattr := func(n int) (wire.Nack, bool) {
		t.Helper()
		click := wire.Flattr{
			Type: wire.TypeFlattr, ID: uuid.Must(uuid.NewV7()).String(), At: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			Thing: wire.Thing{URL: fmt.Sprintf("https://a.example/%d/%s", n, strings.Repeat("x", 1500))},
		}
		var nack wire.Nack
		if err := client.Ask(click.ID, click, &nack); err != nil {
			t.Fatal(err)
		}
		if nack.Type == wire.TypeAck {
			acked[click.ID] = true
			return nack, true
		}
		return nack, false
	}
	n := 0
	nack, stored := flattr(n)
	for stored && n < 1000 {
		n++
		nack, stored = flattr(n)
	}
	if stored || nack.Code != wire.CodeDegraded || !nack.Retry || nack.Sentence == "" {
		t.Fatalf("a click on a full disk = %+v, want degraded, to be kept in the browser", nack)
	}
	report := p.report()
	if len(report.Problems) == 0 || report.Problems[0].Code != wire.CodeDegraded || !strings.Contains(report.Problems[0].Sentence, "disk is full") {
		t.Errorf("status on a full disk = %+v, want that the disk is full", report.Problems)
	}
	if log := p.companion.Log.String(); strings.Contains(log, "a.example") {
		t.Errorf("the log names a page that was flattred:\n%s", log)
	}

	// With room again it goes on by itself.
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if nack, stored := flattr(n + 1); !stored {
		t.Errorf("a click after room was made = %+v, want an ack", nack)
	}
	if problems := p.report().Problems; len(problems) != 0 {
		t.Errorf("status after room was made = %+v, want none", problems)
	}
	found := storedClicks(t, p.state)
	for id := range acked {
		if !found[id] {
			t.Errorf("the acknowledged click %s is not in the log", id)
		}
	}
	waitForSync(t, p)
	endBoth(t, p)
	compare(t, acked, ledgerClicks(t, p.db))
	t.Logf("%d clicks acknowledged, the disk full after %d", len(acked), n)
}

// fillDisk leaves a little room on the disk.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	const room = 160 << 10
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &fs); err != nil {
		t.Fatal(err)
	}
	free := int(fs.Bavail) * int(fs.Bsize)
	if err := os.WriteFile(path, make([]byte, max(0, free-room)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAStartOnAFullDiskWaitsForRoom starts a companion where nothing can be
// written any more, and makes room.
func TestAStartOnAFullDiskWaitsForRoom(t *testing.T) {
	state := t.TempDir()
	programtest.SmallDisk(t, state, "1m")
	log := &programtest.Output{}
	config := companion.Config{
		State: state, Sockets: t.TempDir(), Port: programtest.FreePort(t), Ledger: "https://ledger.example",
		Now: time.Now, Random: func(b []byte) { rand.Read(b) }, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	ballast := filepath.Join(state, "ballast")
	for _, path := range []string{config.Sockets, state} {
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); !database.Full(err) {
		t.Fatalf("fill the disk: %v, want it full", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	said := &programtest.Output{}
	go func() { done <- run(ctx, config, said) }()
	log.Await(t, "the disk is full; free some space in "+state, patience)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	said.Await(t, "listening on 127.0.0.1:", patience)
	stop()
	if err := <-done; err != nil {
		t.Errorf("run = %v", err)
	}
}
