package main

import (
	"encoding/json"
	"fmt"

	"flattr/daemon/control"

	"github.com/spf13/cobra"
)

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "Print all your clicks, one JSON object a line, newest first", Args: cobra.NoArgs,
		Long: "Prints every click of yours that the companion has, of all your accounts, one JSON object a line, newest first.\n" +
			"The members of an object are those of a click in the extension's protocol, and the account's name and ledger.",
		Example: "  flattrd export > clicks.ndjson",
	}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := json.NewEncoder(cmd.OutOrStdout())
		out.SetEscapeHTML(false)
		for cursor := ""; ; {
			var page control.ExportPage
			request := control.Request{Command: control.Export, Argument: cursor}
			if err := control.AskAbout(cmd.Context(), folders(*state), request, &page); err != nil {
				return err
			}
			for _, click := range page.Clicks {
				if err := out.Encode(click); err != nil {
					return fmt.Errorf("export: %w", err)
				}
			}
			if cursor = page.Next; cursor == "" {
				return nil
			}
		}
	}
	return cmd
}
