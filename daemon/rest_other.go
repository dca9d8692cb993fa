//go:build !linux

package main

import "runtime/debug"

// giveBack returns memory that only the start has needed.
func giveBack() { debug.FreeOSMemory() }
