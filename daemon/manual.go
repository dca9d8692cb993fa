//go:build manual

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manualCommands writes a man page for each command, for those who make
// packages. It is built with the tag manual only: what it needs would make each
// start of the companion a tenth longer.
func manualCommands() []*cobra.Command {
	return []*cobra.Command{{
		Use: "man FOLDER", Short: "Write the man pages", Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("man wants one folder to write to")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
			if err != nil {
				return err
			}
			return writeManPages(cmd.Root(), args[0], date)
		},
	}}
}

// sourceDate is the date that packages of one source all have, else today's.
func sourceDate(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now().UTC(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usageError{errors.New("SOURCE_DATE_EPOCH must be a number of seconds since 1970")}
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// writeManPages writes the pages into a folder, readable by everybody.
func writeManPages(root *cobra.Command, folder string, date time.Time) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Manual: "Flattr", Source: "Flattr " + version, Date: &date}
	if err := doc.GenManTree(root, header, folder); err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "flattrd*.1"))
	if err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	for _, page := range pages {
		if err := os.Chmod(page, 0o644); err != nil {
			return fmt.Errorf("write man pages: %w", err)
		}
	}
	return nil
}
