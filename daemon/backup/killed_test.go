package backup_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/backup"
)

// killedState names, to this program run again, the state to restore.
const killedState = "FLATTR_KILLED_STATE"

// A restore that is killed anywhere, again and again, costs no click: neither
// one that succeeds nor one that has to be undone.
func TestAKilledRestoreLosesNoClick(t *testing.T) {
	if state := os.Getenv(killedState); state != "" {
		_, err := backup.Replace(t.Context(), now, state, backup.Clicks, list(t, state)[0])
		t.Log(err)
		return
	}
	template := clicked(t)
	unfit := clicked(t)
	spoil(t, list(t, unfit)[0].Path, "PRAGMA user_version = 9999")
	broken := 0
	for round := range 24 {
		state := t.TempDir()
		if err := os.CopyFS(state, os.DirFS([]string{template, unfit}[round%2])); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			broken += killed(t, state, time.Duration(rand.IntN(60))*time.Millisecond)
		}
		if needed, err := backup.Needed(now, state, backup.Clicks); err != nil {
			t.Fatal(err)
		} else if needed {
			if _, err := backup.Repair(t.Context(), state, backup.Clicks); err != nil && round%2 == 0 {
				t.Fatal(err)
			}
		}
		if all := held(t, state); len(all) != backedUp+later {
			t.Fatalf("round %d: %d clicks, want all %d", round, len(all), backedUp+later)
		}
	}
	if broken == 0 {
		t.Error("no restore was killed in the middle: this test proved nothing")
	}
	t.Logf("%d restores were killed in the middle", broken)
}

// killed runs a restore, kills it after a while that begins when its mark is
// there, and tells whether it was in the middle.
func killed(t *testing.T, state string, after time.Duration) int {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestAKilledRestoreLosesNoClick$")
	child.Env = append(os.Environ(), killedState+"="+state)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	marker := filepath.Join(state, "clicks.db.repair")
	begun := time.NewTicker(200 * time.Microsecond)
	defer begun.Stop()
	for {
		select {
		case <-ended:
			return 0
		case <-begun.C:
		}
		if _, err := os.Stat(marker); err == nil {
			break
		}
	}
	select {
	case <-ended:
	case <-time.After(after):
		if err := child.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		<-ended
	}
	if _, err := os.Stat(marker); err == nil {
		return 1
	}
	return 0
}
