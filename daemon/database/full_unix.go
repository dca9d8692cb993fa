//go:build unix

package database

import (
	"errors"
	"syscall"
)

// isNoSpace tells whether the system has no room for more on the disk, or
// none for this user.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
