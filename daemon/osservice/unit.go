package osservice

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// Where packages put the unit, and where it is put by hand.
const (
	packagedUnit = "/usr/lib/systemd/system/" + Name + ".service"
	machineUnit  = "/etc/systemd/system/" + Name + ".service"
	userUnit     = ".config/systemd/user/" + Name + ".service" // below the home
	script       = "/etc/init.d/" + Name                       // of managers that know no units
)

// unitMode has everybody read the unit, as they read all others, however
// private the files are that flattrd makes besides.
const unitMode = 0o644

// unitPath is where Install puts the unit; "" where the manager is not systemd.
func unitPath(user bool) (string, error) {
	switch {
	case runtime.GOOS != "linux" || service.Platform() != "linux-systemd":
		return "", nil
	case !user:
		return machineUnit, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find your unit: %w", err)
	}
	return filepath.Join(home, userUnit), nil
}

// Installed tells whether there is a service to take away, whether its manager
// can be reached or not.
func (s Service) Installed() bool {
	if runtime.GOOS != "linux" {
		return s.State() != Absent
	}
	path, err := unitPath(s.user)
	switch {
	case err != nil || s.packaged():
		return true
	case path == "" && s.user: // other managers have no services of users
		return false
	case path == "":
		path = script
	}
	_, err = os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// publish lets everybody read the unit, if there is one.
func (s Service) publish() error {
	path, err := unitPath(s.user)
	if err != nil || path == "" {
		return err
	}
	if err := os.Chmod(path, unitMode); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// execStart is the command of a unit of ours; what comes after "run" are options.
var execStart = regexp.MustCompile(`(?m)^ExecStart=(?:"(?:[^"\\\n]|\\.)*"|[^\s"]+)[ \t]+run(?:[ \t]+(.*))?$`)

// Kept gives the options that the installed unit starts the companion with, as
// they are written there; "" without a unit.
func Kept(user bool) (string, error) {
	path, err := unitPath(user)
	if err != nil {
		return "", err
	}
	if path == "" {
		return "", errors.New("read the unit: this machine's service manager is not systemd; uninstall the service, and install it with the options it shall have")
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the unit: %w", err)
	}
	found := execStart.FindStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "))
	if found == nil {
		return "", fmt.Errorf("read the unit: %s does not say ExecStart=flattrd run; move it away, and install anew", path)
	}
	return strings.TrimSpace(found[1]), nil
}

// Replace is Install where a unit may be there already. That one stays if the
// new one cannot be put in its place.
func (s Service) Replace() (err error) {
	path, err := unitPath(s.user)
	if err != nil {
		return err
	}
	before := path + ".before"
	switch err := os.Rename(path, before); {
	case path == "" || errors.Is(err, fs.ErrNotExist):
		return s.Install()
	case err != nil:
		return s.teach("install", err)
	}
	if err := s.service.Install(); err != nil {
		return s.teach("install", errors.Join(err, os.Rename(before, path)))
	}
	return s.teach("install", errors.Join(s.publish(), os.Remove(before)))
}
