package main

import (
	"fmt"

	"flattr/daemon/control"

	"github.com/spf13/cobra"
)

func accountsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "accounts", Short: "List the members you act for, and how many browsers do", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var accounts control.AccountList
		if err := control.Ask(cmd.Context(), folders(*state), control.Accounts, &accounts); err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), *asJSON, accounts, accounts.Text())
	}
	return cmd
}

func revokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke DEVICE", Short: "End the pairing of a browser, by its name in `flattrd devices`",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("revoke wants one device, as `flattrd devices` names it")}
			}
			return nil
		},
	}
	state := stateFlag(cmd)
	cmd.ValidArgsFunction = completeDevices(state)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var device control.Device
		request := control.Request{Command: control.Revoke, Argument: args[0]}
		if err := control.AskAbout(cmd.Context(), folders(*state), request, &device); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "Revoked %.8s. That browser can do nothing any more; its clicks that you made stay. Pair it again with: flattrd pair\n", device.ID)
		return err
	}
	return cmd
}
