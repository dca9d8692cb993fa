//go:build unix

package companion

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openIn tries to open a companion with its files and its socket in these folders.
func openIn(t *testing.T, state, sockets string) error {
	t.Helper()
	c, err := Open(t.Context(), Config{
		State: state, Sockets: sockets, Ledger: "https://ledger.example", Now: time.Now, Random: func([]byte) {}, Log: silent,
	})
	if err == nil {
		c.close()
	}
	return err
}

func TestAFolderThatOthersCanWriteToIsNoState(t *testing.T) {
	for _, mode := range []os.FileMode{0o770, 0o707, 0o777, 0o777 | os.ModeSticky} {
		own, open := t.TempDir(), filepath.Join(t.TempDir(), "open")
		if err := os.Mkdir(open, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, set := range []error{os.Chmod(own, 0o755), os.Chmod(open, mode)} {
			if set != nil {
				t.Fatal(set)
			}
		}
		for _, folders := range [][2]string{{open, own}, {own, open}} {
			err := openIn(t, folders[0], folders[1])
			if err == nil || !strings.Contains(err.Error(), "others can write to "+open) || !strings.Contains(err.Error(), "chmod go-w "+open) {
				t.Errorf("files in %s, socket in %s with mode %v: %v, want a sentence that names the next step", folders[0], folders[1], mode, err)
			}
		}
		if left, err := os.ReadDir(open); err != nil || len(left) > 0 {
			t.Errorf("what was refused has been written to: %v, %v", left, err)
		}
	}
}

func TestAFolderOfAnotherUserIsNoState(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	state := t.TempDir()
	if err := os.Chown(state, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := openIn(t, state, t.TempDir()); err == nil || !strings.Contains(err.Error(), "belongs to another user of this machine") {
		t.Errorf("Open = %v, want a sentence", err)
	}
}
