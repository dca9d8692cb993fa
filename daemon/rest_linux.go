package main

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// giveBack returns memory that only the start has needed: the heap's free
// pages, and pages of the program itself, which the system reads again, from
// its own cache, when they are used. A companion rests most of its life.
func giveBack() {
	debug.FreeOSMemory()
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer maps.Close() // it was only read
	for _, m := range untouched(bufio.NewScanner(maps), path) {
		// Of these pages nothing can be lost; that they stay is no failure.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// untouched finds the mappings of the file at path that cannot be written and
// hold no page of the process' own, such as relocated data.
func untouched(smaps *bufio.Scanner, path string) []mapping {
	var all []mapping
	var last *mapping
	for smaps.Scan() {
		fields := strings.Fields(smaps.Text())
		switch {
		case len(fields) == 6 && strings.Contains(fields[0], "-"):
			last = nil
			if from, to, ok := addresses(fields[0]); ok && fields[5] == path && !strings.Contains(fields[1], "w") {
				last = &mapping{from, to}
			}
		case last != nil && len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0":
			all = append(all, *last)
		}
	}
	return all
}

// addresses reads a range such as 55e7-55f0.
func addresses(text string) (from, to uintptr, ok bool) {
	low, high, _ := strings.Cut(text, "-")
	a, err := strconv.ParseUint(low, 16, 64)
	b, err2 := strconv.ParseUint(high, 16, 64)
	return uintptr(a), uintptr(b), err == nil && err2 == nil && a < b
}
