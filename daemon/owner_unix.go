//go:build unix

package main

import (
	"errors"
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
			err = handOverOne(root, path, owner)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // gone meanwhile
			return fmt.Errorf("give the files to the companion: %w", err)
		}
		return nil
	})
}

// handOverOne leaves alone what has a second name: it may be a file of root's
// that the owner of the state has linked there.
func handOverOne(root *os.Root, path string, owner *syscall.Stat_t) error {
	info, err := root.Lstat(path)
	if err != nil {
		return err
	}
	if now, ok := info.Sys().(*syscall.Stat_t); ok && now.Nlink > 1 && !info.IsDir() {
		return nil
	}
	return root.Lchown(path, int(owner.Uid), int(owner.Gid))
}
