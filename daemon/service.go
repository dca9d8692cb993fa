package main

import (
	"fmt"
	"io"

	"flattr/daemon/osservice"

	"github.com/spf13/cobra"
)

// serviceCommands are those that speak to the operating system's service
// manager.
func serviceCommands() []*cobra.Command {
	return []*cobra.Command{
		installCommand(),
		serviceCommand("uninstall", "Stop the companion and remove it from the services; its files are kept", osservice.Service.Uninstall),
		serviceCommand("start", "Start the installed companion", osservice.Service.Start),
		serviceCommand("stop", "Stop the companion", osservice.Service.Stop),
		serviceCommand("restart", "Stop and start the companion", osservice.Service.Restart),
	}
}

func serviceCommand(use, short string, act func(osservice.Service) error) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	user := cmd.Flags().Bool("user", false, "your own companion instead of the machine's")
	cmd.RunE = func(*cobra.Command, []string) error {
		path, err := absolute("")
		if err != nil {
			return err
		}
		s, err := osservice.New(osservice.Options{Executable: path, User: *user})
		if err != nil {
			return err
		}
		return act(s)
	}
	return cmd
}

func installCommand() *cobra.Command {
	var options osservice.Options
	var print bool
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
			if print {
				unit, err := osservice.Unit(options)
				if err != nil {
					return err
				}
				_, err = io.WriteString(cmd.OutOrStdout(), unit)
				return err
			}
			s, err := osservice.New(options)
			if err != nil {
				return err
			}
			if err := s.Install(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "Installed. Start it with: flattrd start")
			return err
		},
	}
	cmd.Flags().BoolVar(&options.User, "user", false, "for yourself alone, started at log-in")
	cmd.Flags().BoolVar(&print, "print-unit", false, "print the systemd unit and change nothing")
	cmd.Flags().StringVar(&executable, "executable", "", "path of flattrd to name (default: this one)")
	cmd.Flags().StringVar(&ledger, "ledger", "", "address of the ledger to sign in at by default")
	cmd.Flags().StringVar(&listen, "listen", "", "127.0.0.1:PORT to listen on")
	return cmd
}
