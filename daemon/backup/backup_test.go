package backup_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flattr/daemon/backup"
	"flattr/daemon/database"
)

func sum(secret []byte) [32]byte { return sha256.Sum256(secret) }

func list(t *testing.T, state string) []backup.Copy {
	t.Helper()
	copies, err := backup.List(backup.Folder(state))
	if err != nil {
		t.Fatal(err)
	}
	return copies
}

func TestCopiesAreForTheirOwnerOnlyAndBounded(t *testing.T) {
	state := clicked(t)
	for day := range 10 {
		if _, err := backup.Make(t.Context(), now.Add(time.Duration(day)*24*time.Hour), state, backup.Folder(state), backup.Clicks); err != nil {
			t.Fatal(err)
		}
	}
	copies := list(t, state)
	if len(copies) != backup.Kept || !copies[0].At.Equal(now.Add(9*24*time.Hour)) {
		t.Errorf("copies = %+v, want the newest %d", copies, backup.Kept)
	}
	for path, want := range map[string]os.FileMode{backup.Folder(state): 0o700, copies[0].Path: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(backup.Folder(state), "*.part*"))
	if err != nil || len(left) > 0 {
		t.Errorf("half copies are left: %v, %v", left, err)
	}
}

// A copy that is not good takes no other's place.
func TestNoGoodCopyIsDroppedForABadOne(t *testing.T) {
	state := clicked(t)
	for day := range backup.Kept {
		if _, err := backup.Make(t.Context(), now.Add(time.Duration(day)*24*time.Hour), state, backup.Folder(state), backup.Clicks); err != nil {
			t.Fatal(err)
		}
	}
	before := list(t, state)
	path := filepath.Join(state, "clicks.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole[leaf(whole)+bytes.Index(whole[leaf(whole):], []byte("a.example/17\""))] = 'b' // which SQLite does not notice
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Make(t.Context(), now.Add(99*24*time.Hour), state, backup.Folder(state), backup.Clicks); !database.Damaged(err) {
		t.Errorf("Make of a damaged file = %v, want database.Damaged", err)
	}
	after := list(t, state)
	if len(after) != len(before) || after[0] != before[0] || after[len(after)-1] != before[len(before)-1] {
		t.Errorf("copies after a failed one = %+v, want %+v", after, before)
	}
}

func TestACopyIsDueOnceADayAndAfterAChangeOnly(t *testing.T) {
	state := t.TempDir()
	log := open(t, state)
	defer log.Close()
	due := func(at time.Time) bool {
		t.Helper()
		is, err := backup.Due(at, state, backup.Clicks, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	start := time.Now()
	if !due(start) {
		t.Error("the first copy is not due")
	}
	if _, err := backup.Make(t.Context(), start.Add(time.Second), state, backup.Folder(state), backup.Clicks); err != nil {
		t.Fatal(err)
	}
	if due(start.Add(23*time.Hour)) || due(start.Add(25*time.Hour)) {
		t.Error("a copy is due though nothing has changed")
	}
	changed := start.Add(time.Hour)
	if err := os.Chtimes(filepath.Join(state, "clicks.db-wal"), changed, changed); err != nil {
		t.Fatal(err)
	}
	if due(start.Add(23*time.Hour)) || !due(start.Add(25*time.Hour)) {
		t.Error("after a change a copy is due a day after the last one, not earlier")
	}
	if !due(start.Add(-48 * time.Hour)) {
		t.Error("a clock that was set back ends backups")
	}
}

func TestMarkOfNothingIsNoRepair(t *testing.T) {
	state := t.TempDir()
	if needed, err := backup.Needed(now, state, backup.Clicks); needed || err != nil {
		t.Errorf("Needed in an empty folder = %v, %v, want no", needed, err)
	}
	if _, err := backup.Repair(t.Context(), state, backup.Clicks); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Repair without a mark = %v, want an error", err)
	}
}
