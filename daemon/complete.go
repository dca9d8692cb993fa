package main

import (
	"fmt"

	"flattr/daemon/control"

	"github.com/spf13/cobra"
)

// A shell that completes a word asks the running companion. Without one there
// is nothing to offer, and no complaint: it would end up on the command line.

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

// completeWords offers the values of a closed set.
func completeWords(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// completeFolder has the shell offer folders.
func completeFolder(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeCommandLine adds what completion needs to know of each command: a
// folder after --state and --to, a ledger's address or a port that only the
// reader knows, nothing after the last argument.
func completeCommandLine(root *cobra.Command) {
	offers := map[string]cobra.CompletionFunc{
		"state": completeFolder, "to": completeFolder,
		"ledger": completeWords("https://"), "listen": completeWords("127.0.0.1:"),
		"print-manifest": completeWords("chrome", "chromium", "firefox"),
	}
	for _, cmd := range root.Commands() {
		if cmd.ValidArgsFunction == nil && len(cmd.ValidArgs) == 0 && cmd.Name() != "man" && cmd.Name() != "restore" {
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
