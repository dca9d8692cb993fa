package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// target is a system for which programs are built.
type target struct {
	os, arch string
	compiler string // of the C in SQLite
	linking  string // how that is linked in
}

// The systems. On Linux one program that needs no library of the system runs
// on every distribution, also on those whose C library is not Debian's.
var (
	linuxAMD64   = target{"linux", "amd64", "gcc", "-static-pie -Wl,-z,pack-relative-relocs"}
	linuxARM64   = target{"linux", "arm64", "aarch64-linux-gnu-gcc", "-static-pie"}
	windowsAMD64 = target{"windows", "amd64", "x86_64-w64-mingw32-gcc", "-static"}
)

func (t target) name() string { return t.os + "-" + t.arch }

// buildTags leave out what needs libraries of the system at run time: its
// resolver, its list of users, and loading code into SQLite.
const buildTags = "netgo,osusergo,sqlite_omit_load_extension"

// writesManual is the companion with the command that writes its manual.
const writesManual = "flattrd-manual"

// built tells which programs were built by this run, so that several writers
// build each once.
var built = map[string]bool{}

// program builds one of our programs for the target, and gives its path. The
// Go command knows what changed.
func (r release) program(t target, name string) (string, error) {
	path := filepath.Join(r.programs, t.name(), name)
	if t.os == "windows" {
		path += ".exe"
	}
	folder := map[string]string{"flattrd": "flattr/daemon", writesManual: "flattr/daemon", "flattr-ledger": "flattr/ledger"}[name]
	tags := buildTags
	if name == writesManual {
		tags += ",manual"
	}
	if built[path] {
		return path, nil
	}
	compiler := t.compiler
	if t.os == runtime.GOOS && t.arch == runtime.GOARCH {
		compiler = "gcc"
	}
	if _, err := exec.LookPath(compiler); err != nil {
		return "", fmt.Errorf("build %s for %s: %s is missing; install what .ci/install packages names", name, t.name(), compiler)
	}
	// Where the tree lies, what git says of it and what the shell asks for must
	// not be seen in the program.
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-buildmode=pie", "-tags", tags,
		"-ldflags", "-s -w -X main.version="+r.version+` -linkmode external -extldflags "`+t.linking+` -Wl,--build-id=none"`,
		"-o", path, folder)
	command.Env = append(os.Environ(), "GOOS="+t.os, "GOARCH="+t.arch, "CGO_ENABLED=1", "CC="+compiler, "GOFLAGS=")
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("build %s for %s: %w\n%s", name, t.name(), err, said.Bytes())
	}
	built[path] = true
	return path, nil
}

// here is the target on which the installer runs; its flattrd prints texts.
func here() (target, error) {
	for _, t := range []target{linuxAMD64, linuxARM64} {
		if t.os == runtime.GOOS && t.arch == runtime.GOARCH {
			return t, nil
		}
	}
	return target{}, fmt.Errorf("packages are built on Linux, amd64 or arm64, not on %s-%s", runtime.GOOS, runtime.GOARCH)
}

// ask runs flattrd and returns what it prints.
func (r release) ask(args ...string) ([]byte, error) { return r.askProgram("flattrd", args...) }

func (r release) askProgram(name string, args ...string) ([]byte, error) {
	t, err := here()
	if err != nil {
		return nil, err
	}
	program, err := r.program(t, name)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.built.Unix()))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("ask %s %s: %w: %s", name, args, err, stderr.Bytes())
	}
	return text, nil
}
