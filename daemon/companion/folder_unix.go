//go:build unix

package companion

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// makeFolder makes a folder that the companion's user alone can enter. One that
// is there must be that user's, and for nobody else to write: whoever can put
// files there gives the companion other keys and clicks.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			return fmt.Errorf("%s is no folder; move it away, or name another folder with --state", path)
		}
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("whose folder %s is cannot be told: %w", path, errors.ErrUnsupported)
	}
	if int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user of this machine; run the companion as that user, or name another folder with --state", path)
	}
	if info.Mode().Perm()&othersWrite != 0 {
		return fmt.Errorf("others can write to %s; if you know what is in it, take that from them with: chmod go-w %s; else name another folder with --state", path, path)
	}
	return nil
}

// othersWrite are the rights of the group and of everybody to write; a folder
// where all may only add files, like /tmp, is none for a companion either.
const othersWrite fs.FileMode = 0o022
