package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What root makes in a companion's folder becomes the companion's; what the
// companion has linked there of root's does not.
func TestRootHandsOverItsOwnFilesOnly(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root hands files over")
	}
	const companion = 1234
	top := t.TempDir()
	state, outside := filepath.Join(top, "state"), filepath.Join(top, "outside")
	err := errors.Join(
		os.MkdirAll(filepath.Join(state, "backups"), 0o700), os.MkdirAll(outside, 0o755), os.Chown(state, companion, companion),
		os.WriteFile(filepath.Join(state, "backups", "made"), nil, 0o600), os.WriteFile(filepath.Join(outside, "secret"), nil, 0o600),
		os.WriteFile(filepath.Join(outside, "linked"), nil, 0o600),
		os.Link(filepath.Join(outside, "linked"), filepath.Join(state, "hard")), os.Symlink(outside, filepath.Join(state, "soft")),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := handOver(state); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]uint32{
		filepath.Join(state, "backups"): companion, filepath.Join(state, "backups", "made"): companion,
		outside: 0, filepath.Join(outside, "secret"): 0, filepath.Join(outside, "linked"): 0,
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
}
