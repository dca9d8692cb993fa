package database

import (
	"errors"
	"syscall"
)

// ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of winerror.h.
const (
	diskFull       = syscall.Errno(112)
	handleDiskFull = syscall.Errno(39)
)

// isNoSpace tells whether the system has no room for more on the disk.
func isNoSpace(err error) bool { return errors.Is(err, diskFull) || errors.Is(err, handleDiskFull) }
