package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flattr/daemon/osservice"
)

func TestTheNextStepDependsOnTheServiceManager(t *testing.T) {
	for _, c := range []struct {
		machine, own osservice.State
		step         string
	}{
		{osservice.Unknown, osservice.Unknown, "flattrd start"},
		{osservice.Stopped, osservice.Absent, "flattrd start"},
		{osservice.Absent, osservice.Absent, "flattrd install --user"},
		{osservice.Absent, osservice.Stopped, "flattrd start --user"},
		{osservice.Running, osservice.Absent, "journalctl -u flattrd"},
		{osservice.Absent, osservice.Running, "journalctl --user -u flattrd"},
	} {
		if got := notRunning(c.machine, c.own); !strings.HasSuffix(got, c.step) {
			t.Errorf("notRunning(%v, %v) = %q, want the step %q", c.machine, c.own, got, c.step)
		}
	}
}

func TestALogIsPutAsideBeforeItGrowsLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flattrd.log")
	line := append(bytes.Repeat([]byte("x"), maxLogBytes/4), '\n')
	for range 2 { // the second time it goes on where the first has ended
		log, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := log.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Fatalf("files = %v, %v, want the log and the one put aside", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Size() > maxLogBytes || info.Size() == 0 {
			t.Errorf("%s has %d bytes (%v), want at most %d", entry.Name(), info.Size(), err, maxLogBytes)
		}
	}
}

// Only pages that hold nothing of the process' own are given back: to lose
// relocated data would be its end.
func TestOnlyPagesOfTheFileItselfAreGivenBack(t *testing.T) {
	const smaps = `55d000-55e000 r--p 00000000 fe:00 77 /usr/bin/flattrd
Anonymous:             0 kB
55e000-55f000 r-xp 00001000 fe:00 77 /usr/bin/flattrd
Rss:                 400 kB
Anonymous:             0 kB
55f000-560000 r--p 00002000 fe:00 77 /usr/bin/flattrd
Anonymous:            64 kB
560000-561000 rw-p 00003000 fe:00 77 /usr/bin/flattrd
Anonymous:             0 kB
7f0000-7f1000 r-xp 00000000 fe:00 78 /usr/lib/libc.so.6
Anonymous:             0 kB
7f1000-7f2000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`
	got := untouched(bufio.NewScanner(strings.NewReader(smaps)), "/usr/bin/flattrd")
	want := []mapping{{0x55d000, 0x55e000}, {0x55e000, 0x55f000}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("untouched = %x, want %x", got, want)
	}
	giveBack() // of this process: the test goes on
}
