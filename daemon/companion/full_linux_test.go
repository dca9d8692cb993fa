package companion

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flattr/programtest"
)

// A companion that is started on a full disk says what to do, and takes no
// database for damaged.
func TestAStartOnAFullDiskSaysSo(t *testing.T) {
	t.Run("no room", func(t *testing.T) { startFull(t, "64k") })
	t.Run("no room for one more file", func(t *testing.T) { startFull(t, "64k,nr_inodes=2") })
}

func startFull(t *testing.T, size string) {
	state := t.TempDir()
	programtest.SmallDisk(t, state, size)
	if err := os.WriteFile(filepath.Join(state, "ballast"), make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Config{
		State: state, Sockets: t.TempDir(), Ledger: "https://ledger.example", Now: time.Now, Random: func([]byte) {}, Log: silent,
	})
	if err == nil {
		c.close()
		t.Fatal("Open on a full disk gave no error")
	}
	if !strings.Contains(err.Error(), "the disk is full; free some space") {
		t.Errorf("Open = %q, want that the disk is full and what to do", err)
	}
	if marks, err := filepath.Glob(filepath.Join(state, "*.repair")); err != nil || len(marks) > 0 {
		t.Errorf("marked as damaged: %v, %v", marks, err)
	}
}
