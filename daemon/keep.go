package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flattr/daemon/backup"
	"flattr/daemon/companion"
	"flattr/daemon/control"
	"flattr/daemon/database"

	"github.com/spf13/cobra"
)

// machineState is the state of the machine's companion, as its unit names it.
const machineState = "/var/lib/flattrd"

// keptState finds the folder of the files: the one named, the reader's own, or
// the machine's.
func keptState(named string) (string, error) {
	if named == "" {
		named = os.Getenv("FLATTR_STATE")
	}
	place, err := findPlaces(named, os.Getenv)
	if err != nil {
		return "", err
	}
	folders := []string{place.state}
	if named == "" {
		folders = append(folders, machineState)
	}
	for _, folder := range folders {
		_, err := os.ReadDir(folder)
		if errors.Is(err, fs.ErrPermission) {
			return "", &control.Problem{Code: "not_allowed", Sentence: fmt.Sprintf("The files in %s belong to the machine's companion. Repeat the command as root, with sudo", folder)}
		}
		if err == nil {
			return folder, nil
		}
	}
	return "", &control.Problem{Code: "no_state", Sentence: fmt.Sprintf("There are no files of a companion in %s. Start it once with: flattrd start; or name the folder with --state", strings.Join(folders, " or "))}
}

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup", Short: "Copy clicks and accounts now; the companion may be running", Args: cobra.NoArgs,
		Long: "Copies clicks and accounts into the folder backups beside the files, or into the folder named by --to.\n" +
			fmt.Sprintf("There the newest %d copies of each are kept and older ones deleted; move away what shall stay.\n", backup.Kept) +
			"The companion makes such copies by itself, daily and before it changes a file's layout.\n" +
			"A copy holds the keys of your browsers and the ledger's token: keep it as you keep the files themselves.",
	}
	state := cmd.Flags().String("state", "", "folder of the companion's files (default: $FLATTR_STATE, your own companion, the machine's)")
	to := cmd.Flags().String("to", "", "folder to copy into (default: backups, beside the files)")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		folder, err := keptState(*state)
		if err != nil {
			return err
		}
		target := *to
		if target == "" {
			target = backup.Folder(folder)
		}
		now := time.Now()
		made := []backup.Copy{}
		var text strings.Builder
		for _, file := range backup.Files {
			c, err := backup.Make(cmd.Context(), now, folder, target, file)
			if err != nil {
				return err
			}
			made = append(made, c)
			fmt.Fprintf(&text, "%s\n", c.Path)
		}
		if *to == "" {
			if err := handOver(folder); err != nil {
				return err
			}
		}
		fmt.Fprintf(&text, "The newest %d copies of each are kept in %s, older ones are deleted.\n", backup.Kept, target)
		return show(cmd.OutOrStdout(), *asJSON, made, text.String())
	}
	return cmd
}

func restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore [TIME]", Short: "Put a backup in the place of the files; the companion must not be running", Args: cobra.MaximumNArgs(1),
		Long: "Puts the newest backup that is good, or that of the TIME given (as --list prints it), in the place of the files.\n" +
			"The files that were there are moved aside. Clicks made since the backup are taken over from them, as far as they can be read.",
		Example: "  flattrd restore --list\n  flattrd stop && flattrd restore && flattrd start",
	}
	state := cmd.Flags().String("state", "", "folder of the companion's files (default: $FLATTR_STATE, your own companion, the machine's)")
	from := cmd.Flags().String("from", "", "folder of the backups (default: backups, beside the files)")
	cmd.ValidArgsFunction = completeBackups(state, from)
	list := cmd.Flags().Bool("list", false, "list the backups and change nothing")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		folder, err := keptState(*state)
		if err != nil {
			return err
		}
		source := *from
		if source == "" {
			source = backup.Folder(folder)
		}
		if source, err = filepath.Abs(source); err != nil {
			return err
		}
		copies, err := backup.List(source)
		if err != nil {
			return err
		}
		if *list {
			return show(cmd.OutOrStdout(), *asJSON, append([]backup.Copy{}, copies...), copiesText(copies))
		}
		backup.Sort(time.Now(), copies)
		chosen, err := choose(copies, args)
		if err != nil {
			return err
		}
		notes, err := restore(cmd.Context(), folder, chosen)
		if err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), *asJSON, notes, restoredText(notes))
	}
	return cmd
}

// timeForm is how times of backups are printed and read.
const timeForm = "2006-01-02T15:04:05Z"

func copiesText(copies []backup.Copy) string {
	if len(copies) == 0 {
		return "There are no backups yet. Make one with: flattrd backup\n"
	}
	var text strings.Builder
	for _, c := range copies {
		why := ""
		if c.Before > 0 {
			why = fmt.Sprintf("  (before version %d)", c.Before)
		}
		fmt.Fprintf(&text, "%s  %s%s\n", c.At.Format(timeForm), filepath.Base(c.Path), why)
	}
	return text.String()
}

// choose gives the copies to restore, one of a database: the newest, or those
// of the time given.
func choose(copies []backup.Copy, args []string) ([]backup.Copy, error) {
	var chosen []backup.Copy
	for _, c := range copies {
		wanted := len(args) == 0 && c.Before == 0 || len(args) > 0 && c.At.Format(timeForm) == args[0]
		if wanted && !slices.ContainsFunc(chosen, func(other backup.Copy) bool { return other.File == c.File }) {
			chosen = append(chosen, c)
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case len(args) > 0:
		return nil, &control.Problem{Code: "no_backup", Sentence: fmt.Sprintf("There is no backup of %s. See which there are with: flattrd restore --list", args[0])}
	default:
		return nil, &control.Problem{Code: "no_backup", Sentence: "There is no backup to restore. Make one with: flattrd backup; or name the folder of one with --from"}
	}
}

// restore replaces the files while no companion runs on them.
func restore(ctx context.Context, state string, chosen []backup.Copy) (notes []backup.Note, err error) {
	held, err := companion.Hold(state)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	defer func() { err = errors.Join(err, handOver(state)) }() // a restore that failed has made files, too
	for _, file := range backup.Files {
		for _, c := range chosen {
			if c.File != file.Name {
				continue
			}
			note, err := backup.Replace(ctx, time.Now(), state, file, c)
			if database.Full(err) {
				return nil, fmt.Errorf("the disk is full; free some space and repeat the command: %w", err)
			}
			if err != nil {
				return nil, fmt.Errorf("%w; choose another with: flattrd restore --list", err)
			}
			notes = append(notes, note)
		}
	}
	return notes, nil
}

func restoredText(notes []backup.Note) string {
	var text strings.Builder
	for _, note := range notes {
		fmt.Fprintf(&text, "%s: restored as of %s; what was there is in %s", note.File, note.Backup.Format(timeForm), note.Aside)
		if note.Taken > 0 {
			fmt.Fprintf(&text, "; %d clicks and undos made since were taken over", note.Taken)
		}
		text.WriteString("\n")
	}
	return text.String() + "Start the companion with: flattrd start\n"
}
