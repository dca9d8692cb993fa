package main

import (
	"bytes"
	"compress/gzip"
	_ "embed" // texts of the packages
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// piece is one file of what is installed, and where it lies. A place that is
// empty does not have it.
type piece struct {
	source string // a file to copy, or
	text   []byte // what is in it
	mode   os.FileMode
	config bool // may be changed by the owner of the machine

	linux   string // path on the machine
	prefix  string // path below the prefix of the tar.gz: /usr/local or ~/.local
	macOS   string // path on the machine
	windows string // path below %ProgramFiles%\Flattr
}

//go:embed welcome.html
var welcome []byte

// Where the companion lies: the manifests name it.
const (
	linuxDaemon = "/usr/bin/flattrd"
	macOSDaemon = "/usr/local/bin/flattrd"
)

// linuxWelcome is what a reader opens after the installation.
const linuxWelcome = "/usr/share/flattr/welcome.html"

const linuxLicence = "/usr/share/licenses/flattr/LICENSE"

// pieces are all files of the companion for a target: the one description of
// what is installed. What only one kind of package has is added by its writer.
func (r release) pieces(t target) ([]piece, error) {
	all := []piece{
		{text: welcome, mode: 0o644, linux: linuxWelcome, prefix: "share/flattr/welcome.html", macOS: "/usr/local/share/flattr/welcome.html", windows: "welcome.html"},
		{source: "LICENSE", mode: 0o644, linux: linuxLicence, prefix: "share/flattr/LICENSE", macOS: "/usr/local/share/flattr/LICENSE", windows: "LICENSE.txt"},
	}
	program := piece{mode: 0o755, linux: linuxDaemon, prefix: "bin/flattrd", macOS: macOSDaemon, windows: "flattrd.exe"}
	if t.os != "darwin" {
		var err error
		if program.source, err = r.program(t, "flattrd"); err != nil {
			return nil, err
		}
		all = append(all, program)
	}
	for _, more := range []func(release) ([]piece, error){manifests, completions, manual, extension} {
		some, err := more(r)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// manifests are what browsers read to find the companion. The tar.gz writes
// them where it is installed, since they hold the path.
func manifests(r release) ([]piece, error) {
	var all []piece
	for _, kind := range []string{"chromium", "firefox"} {
		// A path relative to the manifest is what Windows alone allows.
		text, err := r.ask("native-host", "--print-manifest", kind, "--executable", "/flattrd.exe")
		if err != nil {
			return nil, err
		}
		relative := bytes.Replace(text, []byte(`"/flattrd.exe"`), []byte(`"flattrd.exe"`), 1)
		if bytes.Equal(relative, text) {
			return nil, errors.New("the manifest of flattrd names its program in another form than was known")
		}
		all = append(all, piece{text: relative, mode: 0o644, windows: kind + ".json"})
	}
	for _, b := range browsers {
		linux, err := r.ask("native-host", "--print-manifest", b.reads, "--executable", linuxDaemon)
		if err != nil {
			return nil, err
		}
		macOS, err := r.ask("native-host", "--print-manifest", b.reads, "--executable", macOSDaemon)
		if err != nil {
			return nil, err
		}
		all = append(all,
			piece{text: linux, mode: 0o644, config: strings.HasPrefix(b.linux, "/etc/"), linux: path.Join(b.linux, manifestName)},
			piece{text: macOS, mode: 0o644, macOS: path.Join(b.macOS, manifestName)})
	}
	return all, nil
}

// completions are what the shells read.
func completions(r release) ([]piece, error) {
	var all []piece
	for _, shell := range []struct{ name, place string }{
		{"bash", "share/bash-completion/completions/flattrd"},
		{"zsh", "share/zsh/site-functions/_flattrd"},
		{"fish", "share/fish/vendor_completions.d/flattrd.fish"},
	} {
		text, err := r.ask("completion", shell.name)
		if err != nil {
			return nil, err
		}
		all = append(all, piece{text: text, mode: 0o644, linux: "/usr/" + shell.place, prefix: shell.place, macOS: "/usr/local/" + shell.place})
	}
	text, err := r.ask("completion", "powershell")
	if err != nil {
		return nil, err
	}
	return append(all, piece{text: text, mode: 0o644, windows: "flattrd-completion.ps1"}), nil
}

// manual is the pages that flattrd writes.
func manual(r release) ([]piece, error) {
	scratch, err := os.MkdirTemp("", "flattr-man-")
	if err != nil {
		return nil, fmt.Errorf("make folder for the manual: %w", err)
	}
	defer os.RemoveAll(scratch)
	if _, err := r.askProgram(writesManual, "man", scratch); err != nil {
		return nil, err
	}
	pages, err := filepath.Glob(filepath.Join(scratch, "*.1"))
	if err != nil || len(pages) == 0 {
		return nil, errors.Join(errors.New("flattrd wrote no page of its manual"), err)
	}
	var all []piece
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, fmt.Errorf("read the manual: %w", err)
		}
		place := "share/man/man1/" + filepath.Base(page) + ".gz"
		all = append(all, piece{text: gzipped(text), mode: 0o644, linux: "/usr/" + place, prefix: place, macOS: "/usr/local/" + place})
	}
	return all, nil
}

// extension is the browser extension, to be loaded from the folder as long as
// the stores do not have it.
func extension(r release) ([]piece, error) {
	folder := filepath.Join(r.extension, "chrome") // Firefox gets the same bytes
	var all []piece
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		place := "share/flattr/extension/" + filepath.ToSlash(name)
		all = append(all, piece{
			source: file, mode: 0o644, linux: "/usr/" + place, prefix: place, macOS: "/usr/local/" + place,
			windows: "extension/" + filepath.ToSlash(name),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the extension: %w; build it with make build", err)
	}
	return all, nil
}

// read gives what is in the piece.
func (p piece) read() ([]byte, error) {
	if p.source == "" {
		return p.text, nil
	}
	return os.ReadFile(p.source)
}

// gzipped compresses as Debian wants it: best, without name and time.
func gzipped(text []byte) []byte {
	var buffer bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&buffer, gzip.BestCompression) // the level is a valid one
	writer.Write(text)                                              // a buffer takes everything
	writer.Close()
	return buffer.Bytes()
}
