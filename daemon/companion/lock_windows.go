package companion

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this process alone. The system gives it back when
// the process ends, however it ends.
func lock(file *os.File) error {
	const whole = ^uint32(0)
	return windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, whole, whole, new(windows.Overlapped))
}
