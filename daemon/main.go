package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"flattr/daemon/companion"
	"flattr/daemon/control"
	"flattr/daemon/database"
	"flattr/daemon/nativehost"
	"flattr/daemon/osservice"
	"flattr/daemon/wire"

	"github.com/spf13/cobra"
)

// version is set by the linker when a release is built.
var version = "dev"

// Exit codes; 3 is what service managers expect of a program that is not running.
const (
	exitProblem    = 1
	exitUsage      = 2
	exitNotRunning = 3
)

// errUnwell ends status when something needs the reader; it is said already.
var errUnwell = errors.New("something needs you")

// heapLimit, in bytes, is what the companion may hold before it looks for
// garbage. By share of the heap Go would look every two minutes, however idle
// the companion is, and wake all its threads for that; what a start or a look
// through the files has left is given back by giveBack.
const heapLimit = 32 << 20

func main() {
	restrictFiles()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heapLimit)
	if nativehost.Called(os.Args[1:]) {
		if err := nativehost.Run(os.Args[1:], os.Stdin, os.Stdout, func() wire.TicketAnswer { return askTicket(control.Folders(os.Getenv)) }); err != nil {
			fmt.Fprintf(os.Stderr, "flattrd: %v\n", err)
			os.Exit(exitProblem)
		}
		return
	}
	os.Exit(execute(rootCommand(), os.Stderr))
}

func execute(root *cobra.Command, stderr io.Writer) int {
	err := root.Execute()
	var problem *control.Problem
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUnwell):
		return exitProblem
	case errors.As(err, &problem) && problem.Code == control.NotRunning:
		fmt.Fprintf(stderr, "flattrd: %v\n", err)
		return exitNotRunning
	case errors.As(err, new(usageError)):
		fmt.Fprintf(stderr, "flattrd: %v\nSee: flattrd --help\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "flattrd: %v\n", err)
		return exitProblem
	}
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

// about is what --help and the manual say first.
const about = `Flattr lets you thank authors on the web with one click. The Flattr companion
runs on your machine: your browser's extension hands it your clicks, it keeps
them safe and carries them to the ledger, which shares out your monthly budget.

Begin with: flattrd status

Exit codes: 0 well, 1 something needs you, 2 the command line makes no sense,
3 the companion is not running.

Environment: FLATTR_STATE names the folder of the companion's files, FLATTR_LEDGER
the ledger to sign in at by default.`

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "flattrd", Short: "The Flattr companion: keeps your clicks and carries them to the ledger", Long: about,
		SilenceErrors: true, SilenceUsage: true, Version: version,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("no command %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(runCommand(), pairCommand(), statusCommand(), devicesCommand(), nativeHostCommand(), versionCommand())
	root.AddCommand(accountsCommand(), revokeCommand())
	root.AddCommand(backupCommand(), restoreCommand(), doctorCommand(), exportCommand())
	root.AddCommand(metricsCommand(), profileCommand())
	root.AddCommand(manualCommands()...)
	root.AddCommand(serviceCommands()...)
	completeCommandLine(root)
	return root
}

func runCommand() *cobra.Command {
	var state, listen, ledger, logTo string
	var verbose bool
	cmd := &cobra.Command{
		Use: "run", Short: "Run the companion in the foreground, until Ctrl-C or SIGTERM", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			port, err := listenPort(listen)
			if err != nil {
				return err
			}
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			if state == "" {
				state = os.Getenv("FLATTR_STATE")
			}
			if ledger == "" {
				ledger = defaultLedger(os.Getenv)
			}
			place, err := findPlaces(state, os.Getenv)
			if err != nil {
				return err
			}
			out := cmd.ErrOrStderr()
			if logTo == "" && osservice.CalledByManager() {
				logTo = filepath.Join(place.state, "flattrd.log") // what such a service writes to stderr is lost
			}
			if logTo != "" {
				if out, err = openLog(logTo); err != nil {
					return err
				}
			}
			config := companion.Config{
				State: place.state, Sockets: place.sockets, Port: port, Ledger: ledger, Version: version,
				ExtensionIDs: nativehost.ChromiumIDs, Now: time.Now, Random: func(b []byte) { rand.Read(b) },
				Log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})),
			}
			return osservice.Run(func(ctx context.Context) error { return run(ctx, config, cmd.OutOrStdout()) })
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "folder of the companion's files (default: $FLATTR_STATE, else your own)")
	cmd.Flags().StringVar(&listen, "listen", "", "127.0.0.1:PORT to listen on (default: the port used last, else the first free one from 17890)")
	cmd.Flags().StringVar(&ledger, "ledger", "", "address of the ledger to sign in at by default (default: $FLATTR_LEDGER, else one tried out on this machine)")
	cmd.Flags().StringVar(&logTo, "log", "", "file to log to, put aside at 1 MiB (default: standard error, which systemd hands to its journal)")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "log each refused connection too")
	return cmd
}

// maxRepairs bounds how often a companion is opened again because a database
// was found damaged: on a disk that fails, the service manager goes on, slowly.
const maxRepairs = 3

// restAfter is when a companion gives memory back: once the start is over, and
// once it has looked through its files.
var restAfter = []time.Duration{2 * time.Second, 75 * time.Second}

// restAfterVisit is when it does so once no browser has come or gone any more.
const restAfterVisit = 10 * time.Second

// lookForRoom is how often a companion that finds the disk full at its start
// tries again: a service manager would give it up after a minute.
const lookForRoom = 5 * time.Second

// run opens the companion, says where it listens, and serves until ctx ends. A
// companion that found a database damaged is opened again, which repairs it; one
// that finds the disk full waits for room.
func run(ctx context.Context, config companion.Config, out io.Writer) error {
	visit := time.AfterFunc(restAfterVisit, giveBack)
	defer visit.Stop()
	config.Visited = func() { visit.Reset(restAfterVisit) }
	for repairs := 0; ; repairs++ {
		c, err := companion.Open(ctx, config)
		for ; database.Full(err); c, err = companion.Open(ctx, config) {
			config.Log.Error("not started yet", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(lookForRoom):
			}
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "flattrd: listening on 127.0.0.1:%d\n", c.Port())
		for _, pause := range restAfter {
			defer time.AfterFunc(pause, giveBack).Stop()
		}
		if err := c.Run(ctx); !errors.Is(err, companion.ErrDamaged) || repairs == maxRepairs {
			return err
		}
	}
}

// listenPort reads --listen; only loopback is served.
func listenPort(listen string) (int, error) {
	if listen == "" {
		return 0, nil
	}
	host, text, err := net.SplitHostPort(listen)
	if err == nil && host != "127.0.0.1" {
		return 0, usageError{fmt.Errorf("--listen %s: the companion listens on 127.0.0.1 only", listen)}
	}
	port, err2 := strconv.ParseUint(text, 10, 16)
	if err != nil || err2 != nil || port == 0 {
		return 0, usageError{fmt.Errorf("--listen %s: want 127.0.0.1:PORT", listen)}
	}
	return int(port), nil
}
