package programtest

import (
	"os"
	"syscall"
	"testing"
)

// SmallDisk puts a disk of its own over a folder until the test ends, with room
// for a size such as 64k. Without root the test is skipped.
func SmallDisk(t *testing.T, folder, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size+",mode=700"); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}
