//go:build unix

package control

import (
	"os"
	"syscall"
)

// trustedFolder gives the owner of the socket's folder. A folder that others
// can write, or that is a link, is not trusted: anybody could listen there.
func trustedFolder(folder string) (owner uint32, err error) {
	info, err := os.Lstat(folder)
	if err != nil {
		return 0, notRunning()
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return 0, notTrusted(folder)
	}
	return status.Uid, nil
}
