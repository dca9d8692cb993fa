package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// writeTarball writes the archive for every Linux: files/ is laid below the
// prefix by install.sh, which makes what holds a path, the manifests and the
// unit, by asking the flattrd that it has installed.
func writeTarball(r release, t target) ([]string, error) {
	pieces, err := r.pieces(t)
	if err != nil {
		return nil, err
	}
	top := fmt.Sprintf("flattr-%s-%s", r.version, t.name())
	var entries []entry
	for _, p := range pieces {
		if p.prefix == "" {
			continue
		}
		text, err := p.read()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p.prefix, err)
		}
		entries = append(entries, entry{path.Join(top, "files", p.prefix), text, p.mode})
	}
	for _, name := range []string{"install.sh", "README"} {
		text, err := fill(string(mustRead("linux/tar/"+name)), struct{ Version string }{r.version})
		if err != nil {
			return nil, err
		}
		mode := os.FileMode(0o644)
		if name == "install.sh" {
			mode = 0o755
		}
		entries = append(entries, entry{path.Join(top, name), text, mode})
	}
	var table strings.Builder // read by install.sh: kind, folder of the machine, folder below the home
	for _, b := range browsers {
		fmt.Fprintln(&table, b.reads, b.linux, b.linuxUser)
	}
	entries = append(entries,
		entry{path.Join(top, "browsers"), []byte(table.String()), 0o644},
		entry{path.Join(top, "flattrd.initd"), mustRead("linux/flattrd.initd"), 0o644},
	)
	name := filepath.Join(r.out, top+".tar.gz")
	return []string{name}, writeTar(name, entries, r.built)
}

// writeLedger writes the ledger for those who run one: a program and a licence.
func writeLedger(r release, t target) ([]string, error) {
	program, err := r.program(t, "flattr-ledger")
	if err != nil {
		return nil, err
	}
	top := fmt.Sprintf("flattr-ledger-%s-%s", r.version, t.name())
	var entries []entry
	for _, file := range []struct {
		source, name string
		mode         os.FileMode
	}{{program, "flattr-ledger", 0o755}, {"LICENSE", "LICENSE", 0o644}} {
		text, err := os.ReadFile(file.source)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.name, err)
		}
		entries = append(entries, entry{path.Join(top, file.name), text, file.mode})
	}
	name := filepath.Join(r.out, top+".tar.gz")
	return []string{name}, writeTar(name, entries, r.built)
}
