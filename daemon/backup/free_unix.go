//go:build unix

package backup

import "syscall"

// Free is the room left for the companion on the disk of a folder, in bytes.
func Free(folder string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, err
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), nil
}
