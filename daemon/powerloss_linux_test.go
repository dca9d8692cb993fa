package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/clicklog"
)

// What the model of the disk knows; others must not touch the state.
const traced = "openat,close,write,pwrite64,pwritev,writev,ftruncate,truncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,sync_file_range,msync," +
	"rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat"

// traceCompanion has the companion recorded from its next start on.
func (p *parts) traceCompanion(program, trace string) {
	p.t.Helper()
	// -D makes the tracer the grandchild: the program keeps its process id.
	script := fmt.Sprintf("#!/bin/sh\nexec strace -D -f --seccomp-bpf -o %s -s 1048576 -xx -ttt -T -e trace=%s %s \"$@\"\n", trace, traced, program)
	path := filepath.Join(p.folder, "flattrd")
	if err := os.Remove(path); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		p.t.Fatal(err)
	}
}

// recorded waits for the end of a trace.
func recorded(t *testing.T, trace string) []call {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		calls, ended, err := readTrace(trace)
		if err == nil && ended {
			return calls
		}
		if time.Now().After(end) {
			t.Fatalf("the trace does not end: %v", err)
		}
		pauseOr(t.Context(), 20*time.Millisecond)
	}
}

// canTrace skips where programs cannot be recorded.
func canTrace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: what the companion writes cannot be recorded")
	}
	if out, err := exec.Command("strace", "-f", "--seccomp-bpf", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v: %s", err, out)
	}
}

// TestNoLossOfPowerTakesAnAcknowledgedClick records what the real companion
// writes, and rebuilds its files as a loss of power after each sync would
// leave them. Every click that was acknowledged before the next sync has to be
// there, whatever happened to the writes in between.
func TestNoLossOfPowerTakesAnAcknowledgedClick(t *testing.T) {
	canTrace(t)
	programs := buildParts(t)
	p := newParts(t, programs)
	program := filepath.Join(programs, "flattrd")
	var traces []string
	start := func() {
		traces = append(traces, filepath.Join(p.folder, fmt.Sprintf("trace-%d", len(traces))))
		p.traceCompanion(program, traces[len(traces)-1])
		p.startCompanion()
		p.plain(program)
	}
	p.startLedger()
	start()
	boxes := openOutboxes(p)
	clicks := powerLossClicks / 3
	for round := range 3 {
		for _, box := range boxes {
			for range clicks / len(boxes) {
				box.make()
			}
			box.drain(t.Context())
		}
		// Once it ends in its own time, once it is killed: the write-ahead log
		// is folded into the file, or is there at the next start.
		if round == 0 {
			if err := p.companion.Terminate(); err != nil {
				t.Fatal(err)
			}
		} else {
			p.companion.Kill()
		}
		recorded(t, traces[len(traces)-1])
		if round < 2 {
			start()
		}
	}
	checkEveryLoss(t, p, traces, boxes)
}

// plain puts the program itself in its place again, for the commands.
func (p *parts) plain(program string) {
	p.t.Helper()
	path := filepath.Join(p.folder, "flattrd")
	if err := os.Remove(path); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(program, path); err != nil {
		p.t.Fatal(err)
	}
}

// checkEveryLoss plays the traces and looks into the files after each sync.
func checkEveryLoss(t *testing.T, p *parts, traces []string, boxes []*outbox) {
	t.Helper()
	d, rng := newDisk(p.state), rand.New(rand.NewPCG(5, 8))
	var calls []call
	starts := map[int]bool{} // where a process begins, without descriptors
	for _, trace := range traces {
		starts[len(calls)] = true
		calls = append(calls, recorded(t, trace)...)
	}
	var syncs []int
	for i, c := range calls {
		if c.name == "fsync" || c.name == "fdatasync" {
			syncs = append(syncs, i)
		}
	}
	next, points, unsynced, promised := 0, 0, 0, 0
	for i, c := range calls {
		if starts[i] {
			clear(d.open)
		}
		synced, err := d.play(c)
		if err != nil {
			t.Fatal(err)
		}
		for next < len(syncs) && syncs[next] <= i {
			next++
		}
		if !synced {
			continue
		}
		until := time.Now()
		if next < len(syncs) {
			until = calls[syncs[next]].at
		}
		due := map[string]bool{}
		for _, box := range boxes {
			for id, when := range box.when {
				if when.Before(until) {
					due[id] = true
				}
			}
		}
		points, promised = points+1, max(promised, len(due))
		for _, file := range d.names {
			unsynced += len(file.pending)
		}
		for _, how := range []ending{allKept, allDropped, torn} {
			checkLoss(t, d, how, rng, due, i)
		}
		if t.Failed() {
			return
		}
	}
	if points == 0 || unsynced == 0 || promised != len(boxes)*(powerLossClicks/3/len(boxes))*3 {
		t.Errorf("%d syncs, %d writes not synced, %d clicks: this test proved too little", points, unsynced, promised)
	}
	t.Logf("%d losses of power after each of %d syncs with unsynced writes kept, dropped and torn (%d such writes); %d clicks acknowledged, each found after every sync before and since",
		3*points, points, unsynced, promised)
}

func checkLoss(t *testing.T, d *disk, how ending, rng *rand.Rand, due map[string]bool, at int) {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "flattr") // these files need no disk of their own
	if err != nil {
		folder, err = os.MkdirTemp("", "flattr")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := d.lose(how, rng, folder); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "clicks.db")
	log, err := clicklog.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("call %d, unsynced writes %s: %v", at, how, err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, id := range query(t, path, "SELECT id FROM event WHERE kind = 'click'") {
		found[id] = true
	}
	for id := range due {
		if !found[id] {
			t.Errorf("call %d, unsynced writes %s: the acknowledged click %s is lost", at, how, id)
		}
	}
	if err := clicklog.Check(t.Context(), path, true); err != nil {
		t.Errorf("call %d, unsynced writes %s: %v", at, how, err)
	}
}
