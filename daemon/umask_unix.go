//go:build unix

package main

import "syscall"

// restrictFiles lets only the companion's own user read the files it makes.
func restrictFiles() { syscall.Umask(0o077) }
