package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"flattr/daemon/control"
	"flattr/daemon/nativehost"
	"flattr/daemon/wire"

	"github.com/spf13/cobra"
)

// stateFlag adds --state to a command that asks the running companion.
func stateFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("state", "", "folder of the companion's files (default: $FLATTR_STATE, your own companion, the machine's)")
}

// folders is where to look for the companion.
func folders(state string) []string {
	if state != "" {
		return []string{state}
	}
	return control.Folders(os.Getenv)
}

func askTicket(folders []string) wire.TicketAnswer {
	var ticket wire.TicketAnswer
	err := control.Ask(context.Background(), folders, control.Pair, &ticket)
	var problem *control.Problem
	switch {
	case errors.As(err, &problem):
		return wire.TicketAnswer{Error: problem.Code, Hint: problem.Sentence}
	case err != nil:
		return wire.TicketAnswer{Error: control.Internal, Hint: err.Error()}
	}
	return ticket
}

func pairCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "pair", Short: "Print a ticket to paste into the extension; it is good once and for two minutes", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var ticket wire.TicketAnswer
		if err := control.Ask(cmd.Context(), folders(*state), control.Pair, &ticket); err != nil {
			return err
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s:%d:%s\n", wire.PasteTicketLabel, ticket.Port, ticket.Ticket)
		return err
	}
	return cmd
}

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Say in five lines whether all is well; exit code 0 well, 1 something needs you, 3 not running", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var report control.Report
		if err := askRunning(cmd.Context(), *state, control.Status, &report); err != nil {
			var problem *control.Problem
			if *asJSON && errors.As(err, &problem) {
				return errors.Join(show(cmd.OutOrStdout(), true, problem, ""), err)
			}
			return err
		}
		if err := show(cmd.OutOrStdout(), *asJSON, report, report.Text()); err != nil {
			return err
		}
		if !report.Well() {
			return errUnwell
		}
		return nil
	}
	return cmd
}

func devicesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "devices", Short: "List your paired browsers", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var devices []control.Device
		if err := control.Ask(cmd.Context(), folders(*state), control.Devices, &devices); err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), *asJSON, devices, control.DevicesText(devices))
	}
	return cmd
}

// metricsCommand is for those who look after many machines.
func metricsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "metrics", Short: "Print what the companion counts, as Prometheus reads it; for root and the companion's own user", Hidden: true, Args: cobra.NoArgs}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var text string
		if err := control.Ask(cmd.Context(), folders(*state), control.Metrics, &text); err != nil {
			return err
		}
		_, err := io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

// profileCommand is for those who look for what takes memory, with go tool pprof.
func profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile NAME", Short: "Write a profile of the companion to standard output; for root and the companion's own user", Hidden: true,
		Args: cobra.ExactArgs(1), ValidArgs: []cobra.Completion{"goroutine", "heap", "allocs", "threadcreate"},
	}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var profile []byte
		request := control.Request{Command: control.Profile, Argument: args[0]}
		if err := control.AskAbout(cmd.Context(), folders(*state), request, &profile); err != nil {
			return err
		}
		_, err := cmd.OutOrStdout().Write(profile)
		return err
	}
	return cmd
}

func show(out io.Writer, asJSON bool, value any, text string) error {
	if !asJSON {
		_, err := io.WriteString(out, text)
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func nativeHostCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "native-host", Short: "Print the manifest by which a browser finds the companion", Hidden: true, Args: cobra.NoArgs}
	browser := cmd.Flags().String("print-manifest", "", "chrome, chromium (also Edge, Brave, Vivaldi) or firefox")
	executable := executableFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := absolute(*executable)
		if err != nil {
			return err
		}
		manifest, err := nativehost.Manifest(nativehost.Browser(*browser), path)
		if err != nil {
			return usageError{err}
		}
		_, err = cmd.OutOrStdout().Write(manifest)
		return err
	}
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "flattrd %s\n", version)
		return err
	}}
}

func executableFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("executable", "", "path of flattrd to name (default: this one)")
}

// absolute gives the path to name: the one asked for, or this program's.
func absolute(executable string) (string, error) {
	if executable == "" {
		return os.Executable()
	}
	return filepath.Abs(executable)
}
