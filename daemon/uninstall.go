package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"flattr/daemon/companion"
	"flattr/daemon/control"
	"flattr/daemon/osservice"

	"github.com/spf13/cobra"
)

func uninstallCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "uninstall", Short: "Stop the companion and remove it from the services; its files are kept", Args: cobra.NoArgs,
		Long: "Stops the companion and removes it from the services. Its files are kept, unless --purge is given:\n" +
			"then the clicks, the pairings and the backups beside them are deleted, once nothing runs on them any more.",
	}
	user := cmd.Flags().Bool("user", false, "your own companion instead of the machine's")
	all := cmd.Flags().Bool("purge", false, "delete its files, too: clicks, pairings and backups")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := osservice.New(osservice.Options{User: *user})
		if err != nil {
			return err
		}
		if !*all {
			return s.Uninstall()
		}
		if s.Installed() {
			if err := s.Uninstall(); err != nil {
				return err
			}
		}
		states, err := purgeable(*user, os.Getenv)
		if err != nil {
			return err
		}
		for _, state := range states {
			deleted, err := purge(state)
			if err != nil {
				return err
			}
			if deleted {
				fmt.Fprintf(cmd.OutOrStdout(), "Deleted: %s\n", state)
			}
		}
		return nil
	}
	return cmd
}

// purgeable are the folders where a companion that was installed has its files.
// A folder that was chosen by --state or FLATTR_STATE is its owner's affair.
func purgeable(user bool, getenv func(string) string) ([]string, error) {
	switch {
	case user:
		place, err := findPlaces("", getenv)
		return []string{place.state}, err
	case runtime.GOOS == "windows":
		return []string{filepath.Join(getenv("ProgramData"), "Flattr")}, nil
	}
	// Under systemd the first is a link to the second.
	return []string{machineState, "/var/lib/private/flattrd"}, nil
}

// purge deletes a state and tells whether there was one. While a companion runs
// on it, it is left alone.
func purge(state string) (deleted bool, err error) {
	folder, err := filepath.EvalSymlinks(state)
	if errors.Is(err, fs.ErrNotExist) {
		return false, gone(os.Remove(state)) // a link to nowhere
	}
	var held *os.File
	if err == nil {
		held, err = companion.Hold(folder)
	}
	if errors.Is(err, fs.ErrPermission) {
		return false, &control.Problem{Code: "not_allowed", Sentence: fmt.Sprintf("The files in %s belong to the machine's companion. Repeat the command as root, with sudo; or, for your own companion, with --user", state)}
	}
	if err != nil {
		return false, err
	}
	defer held.Close()
	if runtime.GOOS == "windows" {
		held.Close() // it deletes no file that is open
	}
	if err := errors.Join(os.RemoveAll(folder), gone(os.Remove(state))); err != nil {
		return false, fmt.Errorf("delete the files: %w", err)
	}
	return true, nil
}

// gone is err, unless it says that what was to be deleted is not there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
