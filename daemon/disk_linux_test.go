package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// disk is what a recorded program has written, and what of it has reached the
// disk: a model of files as POSIX promises them. Data is on the disk when its
// file was synced, a name when its folder was.
type disk struct {
	root  string
	names map[string]*inode // as programs see them
	kept  map[string]*inode // as they are on the disk
	open  map[string]*handle
}

type inode struct {
	data    []byte
	kept    []byte  // on the disk
	pending []write // since the last sync, in order
}

// write is a change of a file; without data it cuts the file at at.
type write struct {
	at   int64
	data []byte
}

type handle struct {
	path   string
	file   *inode // nil: a folder
	offset int64  // of write without a place
}

func newDisk(root string) *disk {
	return &disk{root: root, names: map[string]*inode{}, kept: map[string]*inode{}, open: map[string]*handle{}}
}

func (w write) apply(data []byte) []byte {
	if w.data == nil {
		if w.at <= int64(len(data)) {
			return data[:w.at]
		}
		return append(data, make([]byte, w.at-int64(len(data)))...)
	}
	if end := w.at + int64(len(w.data)); end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[w.at:], w.data)
	return data
}

func (f *inode) change(w write) {
	f.data = w.apply(f.data)
	f.pending = append(f.pending, w)
}

// play carries out a call, and tells whether it was a sync of something below
// the root.
func (d *disk) play(c call) (synced bool, err error) {
	number := func(i int) int64 {
		n, parseErr := strconv.ParseInt(c.args[i], 0, 64)
		if parseErr != nil {
			err = fmt.Errorf("%s: %w", c.name, parseErr)
		}
		return n
	}
	switch c.name {
	case "openat":
		d.openAt(c)
	case "close":
		delete(d.open, c.args[0])
	case "pwrite64":
		if h := d.open[c.args[0]]; h != nil {
			h.file.change(write{number(3), []byte(c.args[1])[:c.result]})
		}
	case "write":
		if h := d.open[c.args[0]]; h != nil {
			h.file.change(write{h.offset, []byte(c.args[1])[:c.result]})
			h.offset += c.result
		}
	case "ftruncate":
		if h := d.open[c.args[0]]; h != nil {
			h.file.change(write{at: number(1)})
		}
	case "fsync", "fdatasync":
		h := d.open[c.args[0]]
		if h != nil {
			d.sync(h)
		}
		return h != nil, err
	case "rename", "renameat", "renameat2":
		from, to := c.args[0], c.args[1]
		if c.name != "rename" {
			from, to = c.args[1], c.args[3]
		}
		if file := d.names[from]; file != nil {
			delete(d.names, from)
			d.names[to] = file
		}
	case "unlink":
		delete(d.names, c.args[0])
	case "unlinkat":
		delete(d.names, c.args[1])
	case "mkdir", "mkdirat":
	default:
		return false, fmt.Errorf("the model does not know %s", c.name)
	}
	return false, err
}

func (d *disk) openAt(c call) {
	descriptor, path := strconv.FormatInt(c.result, 10), c.args[1]
	delete(d.open, descriptor)
	if path != d.root && !strings.HasPrefix(path, d.root+"/") {
		return
	}
	h := &handle{path: path, file: d.names[path]}
	switch creates := strings.Contains(c.args[2], "O_CREAT"); {
	case h.file == nil && creates:
		h.file = &inode{}
		d.names[path] = h.file
	case h.file != nil && strings.Contains(c.args[2], "O_TRUNC"):
		h.file.change(write{})
	}
	d.open[descriptor] = h
}

func (d *disk) sync(h *handle) {
	if h.file != nil {
		h.file.kept, h.file.pending = append([]byte(nil), h.file.data...), nil
		return
	}
	maps.DeleteFunc(d.kept, func(path string, _ *inode) bool { return filepath.Dir(path) == h.path })
	for path, file := range d.names {
		if filepath.Dir(path) == h.path {
			d.kept[path] = file
		}
	}
}

// ending is what a loss of power leaves of what was not synced.
type ending string

const (
	allKept    ending = "kept"
	allDropped ending = "dropped"
	torn       ending = "torn" // each sector of each write by chance, names as well
)

const sector = 512

// lose writes the files as a loss of power would leave them.
func (d *disk) lose(how ending, rng *rand.Rand, into string) error {
	names := d.names
	switch how {
	case allDropped:
		names = d.kept
	case torn:
		names = maps.Clone(d.kept)
		for path := range d.kept {
			if d.names[path] == nil && rng.IntN(2) == 0 {
				delete(names, path)
			}
		}
		for path, file := range d.names {
			if d.kept[path] != file && rng.IntN(2) == 0 {
				names[path] = file
			}
		}
	}
	for path, file := range names {
		target := filepath.Join(into, strings.TrimPrefix(path, d.root))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(target, file.after(how, rng), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// after is what a loss of power leaves of a file's data.
func (f *inode) after(how ending, rng *rand.Rand) []byte {
	if how == allKept {
		return f.data
	}
	data := append([]byte(nil), f.kept...)
	if how == allDropped {
		return data
	}
	for _, w := range f.pending {
		if w.data == nil {
			if rng.IntN(2) == 0 {
				data = w.apply(data)
			}
			continue
		}
		for at := 0; at < len(w.data); at += sector {
			if rng.IntN(2) == 0 {
				data = write{w.at + int64(at), w.data[at:min(at+sector, len(w.data))]}.apply(data)
			}
		}
	}
	return data
}
