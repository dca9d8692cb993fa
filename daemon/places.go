package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"flattr/daemon/osservice"
)

// places are the folders of a running companion.
type places struct {
	state   string // files
	sockets string // Unix socket for commands
}

// findPlaces chooses the folders: those systemd has made, the one named by
// --state or FLATTR_STATE, or the user's own.
func findPlaces(state string, getenv func(string) string) (places, error) {
	if state != "" {
		path, err := filepath.Abs(state)
		return places{path, path}, err
	}
	// systemd gives a list separated by colons; ours has one entry.
	given, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":")
	sockets, _, _ := strings.Cut(getenv("RUNTIME_DIRECTORY"), ":")
	if given != "" && sockets != "" {
		return places{given, sockets}, nil
	}
	if runtime.GOOS == "windows" {
		base := getenv("LOCALAPPDATA")
		if osservice.CalledByManager() {
			base = getenv("ProgramData") // the machine's companion
		}
		path := filepath.Join(base, "Flattr")
		return places{path, path}, nil
	}
	base := getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return places{}, fmt.Errorf("find a folder for the state: %w; name one with --state", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	own := places{state: filepath.Join(base, "flattr")}
	own.sockets = own.state
	if runtime := getenv("XDG_RUNTIME_DIR"); runtime != "" {
		own.sockets = filepath.Join(runtime, "flattr")
	}
	return own, nil
}

// defaultLedger is the ledger of FLATTR_LEDGER, or that of a ledger tried out
// on this machine.
func defaultLedger(getenv func(string) string) string {
	if ledger := getenv("FLATTR_LEDGER"); ledger != "" {
		return ledger
	}
	return "http://127.0.0.1:8080"
}
