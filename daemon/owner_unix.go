//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// handOver gives what root has made in a state to the one whose state it is:
// the companion runs as another user and has to write and drop these files.
func handOver(state string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	// What the owner puts there meanwhile leads root nowhere else.
	root, err := os.OpenRoot(state)
	if err != nil {
		return fmt.Errorf("give the files to the companion: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("give the files to the companion: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = root.Lchown(path, int(owner.Uid), int(owner.Gid))
		}
		if err != nil {
			return fmt.Errorf("give the files to the companion: %w", err)
		}
		return nil
	})
}
