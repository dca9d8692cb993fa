package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"flattr/daemon/control"
	"flattr/daemon/osservice"

	"github.com/spf13/cobra"
)

// serviceCommands are those that speak to the operating system's service
// manager.
func serviceCommands() []*cobra.Command {
	return []*cobra.Command{
		installCommand(),
		uninstallCommand(),
		serviceCommand("start", "Start the installed companion", osservice.Service.Start),
		serviceCommand("stop", "Stop the companion", osservice.Service.Stop),
		serviceCommand("restart", "Stop and start the companion", osservice.Service.Restart),
	}
}

func serviceCommand(use, short string, act func(osservice.Service) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	user := cmd.Flags().Bool("user", false, "your own companion instead of the machine's")
	cmd.RunE = func(*cobra.Command, []string) error {
		s, err := osservice.New(osservice.Options{User: *user})
		if err != nil {
			return err
		}
		return act(s)
	}
	return cmd
}

func installCommand() *cobra.Command {
	var options osservice.Options
	var printUnit, printPlist, again bool
	var executable, ledger, listen string
	cmd := &cobra.Command{
		Use: "install", Short: "Install the companion as a service that starts with the machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if options.Executable, err = absolute(executable); err != nil {
				return err
			}
			for _, flag := range []struct{ name, value string }{{"--ledger", ledger}, {"--listen", listen}} {
				if flag.value != "" {
					options.Arguments = append(options.Arguments, flag.name, flag.value)
				}
			}
			if printUnit || printPlist {
				write := osservice.Unit
				if printPlist {
					write = osservice.Plist
				}
				text, err := write(options)
				if err != nil {
					return err
				}
				_, err = io.WriteString(cmd.OutOrStdout(), text)
				return err
			}
			if runtime.GOOS == "darwin" { // launchd keeps no log
				home, err := os.UserHomeDir()
				if err != nil {
					return fmt.Errorf("find a folder for the log: %w", err)
				}
				options.Arguments = append(options.Arguments, "--log", filepath.Join(home, "Library", "Logs", "flattrd.log"))
			}
			if err := install(options, again); err != nil {
				return err
			}
			next := "flattrd start"
			if options.User {
				next += " --user"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Installed. Start it with: %s\n", next)
			return err
		},
	}
	cmd.Flags().BoolVar(&options.User, "user", false, "for yourself alone, started at log-in")
	cmd.Flags().BoolVar(&again, "again", false, "put the unit of this version in the place of the one that is there, whose options stay")
	cmd.Flags().BoolVar(&printUnit, "print-unit", false, "print the systemd unit and change nothing")
	cmd.Flags().BoolVar(&printPlist, "print-plist", false, "print the property list for launchd of macOS and change nothing")
	cmd.Flags().StringVar(&executable, "executable", "", "path of flattrd to name (default: this one)")
	cmd.Flags().StringVar(&ledger, "ledger", "", "address of the ledger to sign in at by default")
	cmd.Flags().StringVar(&listen, "listen", "", "127.0.0.1:PORT to listen on")
	cmd.MarkFlagsMutuallyExclusive("print-unit", "print-plist", "again")
	cmd.MarkFlagsMutuallyExclusive("again", "ledger")
	cmd.MarkFlagsMutuallyExclusive("again", "listen")
	return cmd
}

// install makes the companion a service; again takes over the options of the
// one that is installed.
func install(options osservice.Options, again bool) error {
	var err error
	if again {
		if options.Kept, err = osservice.Kept(options.User); err != nil {
			return err
		}
	}
	s, err := osservice.New(options)
	if err != nil {
		return err
	}
	if again {
		return s.Replace()
	}
	return s.Install()
}

// askRunning asks the companion. Where none answers, the service manager is
// asked, too, so that the sentence names the right next step.
func askRunning(ctx context.Context, state string, command control.Command, into any) error {
	err := control.Ask(ctx, folders(state), command, into)
	var problem *control.Problem
	if state != "" || os.Getenv("FLATTR_STATE") != "" || !errors.As(err, &problem) || problem.Code != control.NotRunning {
		return err
	}
	return &control.Problem{Code: control.NotRunning, Sentence: notRunning(managerState(false), managerState(true))}
}

// managerState is what the service manager of the machine, or of the user,
// says of the companion.
func managerState(user bool) osservice.State {
	s, err := osservice.New(osservice.Options{User: user})
	if err != nil {
		return osservice.Unknown
	}
	return s.State()
}

// notRunning says what to do when no companion answers.
func notRunning(machine, own osservice.State) string {
	switch {
	case own == osservice.Running:
		return "The companion does not answer, though your service manager calls it running. Its log says why: journalctl --user -u flattrd"
	case machine == osservice.Running:
		return "The companion does not answer, though the service manager calls it running. Its log says why: journalctl -u flattrd"
	case own == osservice.Stopped:
		return "The companion is not running. Start it with: flattrd start --user"
	case machine == osservice.Absent:
		return "The companion is not running, and not installed as a service. Install it with: sudo flattrd install; or, for yourself alone: flattrd install --user"
	default:
		return "The companion is not running. Start it with: flattrd start"
	}
}
