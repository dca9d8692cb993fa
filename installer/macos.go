package main

import (
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

//go:embed macos
var macOSTexts embed.FS

// writeMacOS writes what a Mac needs to build the package: it cannot be built
// on another system, since SQLite wants Apple's headers.
func writeMacOS(r release) ([]string, error) {
	pieces, err := r.pieces(target{os: "darwin"})
	if err != nil {
		return nil, err
	}
	plist, err := r.ask("install", "--print-plist", "--executable", macOSDaemon)
	if err != nil {
		return nil, err
	}
	pieces = append(pieces, piece{text: plist, mode: 0o644, macOS: "/Library/LaunchAgents/flattrd.plist"})
	top := fmt.Sprintf("flattr-%s-macos-not-built", r.version)
	var entries []entry
	for _, p := range pieces {
		if p.macOS == "" {
			continue
		}
		text, err := p.read()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p.macOS, err)
		}
		entries = append(entries, entry{path.Join(top, "root", p.macOS), text, p.mode})
	}
	for _, file := range []struct {
		name, place string
		mode        os.FileMode
	}{{"README", "README", 0o644}, {"build-pkg.sh", "build-pkg.sh", 0o755}, {"postinstall", "scripts/postinstall", 0o755}} {
		text, err := macOSTexts.ReadFile("macos/" + file.name)
		if err != nil {
			return nil, err
		}
		filled, err := fill(string(text), struct{ Version string }{r.version})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{path.Join(top, file.place), filled, file.mode})
	}
	name := filepath.Join(r.out, top+".tar.gz")
	return []string{name}, writeTar(name, entries, r.built)
}
