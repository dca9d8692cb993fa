package main

import (
	"fmt"

	"flattr/daemon/backup"
	"flattr/daemon/control"

	"github.com/spf13/cobra"
)

// A shell that completes a word asks the running companion, or the files. Where
// there is none there is nothing to offer, and no complaint: it would end up on
// the command line.

// completeDevices offers the user's paired browsers, by the names that
// `flattrd devices` shows.
func completeDevices(state *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var devices []control.Device
		if len(args) > 0 || control.Ask(cmd.Context(), folders(*state), control.Devices, &devices) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		offers := make([]cobra.Completion, len(devices))
		for i, device := range devices {
			account := device.Account
			if account == "" {
				account = "not signed in"
			}
			offers[i] = cobra.CompletionWithDesc(fmt.Sprintf("%.8s", device.ID), account)
		}
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeBackups offers the times of the backups, newest first, as
// `flattrd restore --list` prints them.
func completeBackups(state, from *string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const order = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		source := *from
		if source == "" {
			folder, err := keptState(*state)
			if err != nil {
				return nil, order
			}
			source = backup.Folder(folder)
		}
		copies, err := backup.List(source)
		if err != nil || len(args) > 0 {
			return nil, order
		}
		var offers []cobra.Completion
		for i, c := range copies {
			at := c.At.Format(timeForm)
			if i > 0 && copies[i-1].At.Format(timeForm) == at {
				continue // the other file of the same time
			}
			why := "daily, or by flattrd backup"
			if c.Before > 0 {
				why = fmt.Sprintf("before version %d", c.Before)
			}
			offers = append(offers, cobra.CompletionWithDesc(at, why))
		}
		return offers, order
	}
}

// completeWords offers the values of a closed set.
func completeWords(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// completeFolder has the shell offer folders.
func completeFolder(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeCommandLine adds what completion needs to know of each command: a
// folder after --state, --to and --from, a ledger's address or a port that only the
// reader knows, nothing after the last argument.
func completeCommandLine(root *cobra.Command) {
	offers := map[string]cobra.CompletionFunc{
		"state": completeFolder, "to": completeFolder, "from": completeFolder,
		"ledger": completeWords("https://"), "listen": completeWords("127.0.0.1:"),
		"print-manifest": completeWords("chrome", "chromium", "firefox"),
	}
	for _, cmd := range root.Commands() {
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && cmd.Name() != "man" {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for name, offer := range offers {
			if cmd.Flags().Lookup(name) != nil {
				// It fails only for a flag that is not there, or told twice.
				_ = cmd.RegisterFlagCompletionFunc(name, offer)
			}
		}
	}
}
