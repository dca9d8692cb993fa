package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
	"flattr/ledger/store"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// run is the program: it does what args say and writes errors to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	db := os.Getenv("FLATTR_LEDGER_DB")
	root := &cobra.Command{
		Use:           "flattr-ledger",
		Short:         "The central server of Flattr: clicks, settlement, books",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&db, "db", db, "the ledger's database: a `file`, or postgres://USER@HOST/DATABASE (or FLATTR_LEDGER_DB)")
	root.PersistentFlags().Lookup("db").DefValue = "" // what help prints: FLATTR_LEDGER_DB may hold a password
	root.AddCommand(
		serveCommand(&db, time.Now), inviteCommand(&db), memberCommand(&db),
		appCommand(&db), tokenCommand(&db),
		creditCommand(&db), returnCommand(&db), refundCommand(&db), reverseCommand(&db),
		loadCommand(&db), settleCommand(&db), monthCommand(&db), statementCommand(&db), revenueCommand(&db), auditCommand(&db), clockCommand(&db), claimCommand(&db), hookCommand(&db),
	)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "flattr-ledger: %v\n", err)
		if hint := hintFor(err); hint != "" {
			fmt.Fprintf(stderr, "hint: %s\n", hint)
		}
	}
	return err
}

// hintFor is the next step after an error, where there is one to name.
func hintFor(err error) string {
	switch {
	case errors.Is(err, store.ErrMissing):
		return "name it with --db FILE, --db postgres://… or FLATTR_LEDGER_DB; serve, load and invite new make a new one"
	case errors.Is(err, store.ErrAway):
		return "see that the PostgreSQL server runs, then run the same command again: it goes on where it stopped"
	case errors.Is(err, store.ErrDamaged):
		return "nothing was repaired; keep this database as it is, and go on with the last backup"
	case errors.Is(err, context.Canceled):
		return ""
	case store.Full(err):
		return "make room for the database, then run the same command again: what was finished before is kept"
	case store.Busy(err):
		return "another process is writing to the ledger; try again when it is done"
	case errors.Is(err, report.ErrDamaged):
		return "nothing was changed; keep this database as it is and compare it with a backup"
	}
	return ""
}

// with runs work on the ledger at where, which must be there unless it may be made.
func with(ctx context.Context, where string, make bool, work func(*store.Store) error) (err error) {
	open := store.OpenExisting
	if make {
		open = store.Open
	}
	s, err := open(ctx, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return work(s)
}

func inviteCommand(db *string) *cobra.Command {
	var count int
	var means, from string
	invite := &cobra.Command{Use: "invite", Short: "Invite codes of the operator"}
	mint := &cobra.Command{
		Use: "new", Short: "Make invite codes, one a line", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			carried, err := money.Parse(means)
			if err != nil {
				return fmt.Errorf("--means %s: %w", means, err)
			}
			return with(cmd.Context(), *db, true, func(s *store.Store) error {
				mint := s.MintInvites
				if from != "" {
					mint = func(ctx context.Context, now time.Time, count int, means money.Micro) ([]flattr.Invite, error) {
						return s.MintInvitesFor(ctx, now, from, count, means)
					}
				}
				invites, err := mint(cmd.Context(), time.Now(), count, carried)
				for _, inv := range invites {
					fmt.Fprintln(cmd.OutOrStdout(), inv.Code)
				}
				return err
			})
		},
	}
	mint.Flags().IntVar(&count, "count", 1, "how many")
	mint.Flags().StringVar(&means, "means", "0.00", "welcome means in EUR that each code carries, from the account gift")
	mint.Flags().StringVar(&from, "from", "", "the `member` who gives the codes away, and finds them with a letter on their own page (default: the operator)")
	invite.AddCommand(mint)
	return invite
}

// sayTo writes progress as lines.
func sayTo(to io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) { fmt.Fprintf(to, format+"\n", args...) }
}
