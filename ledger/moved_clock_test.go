package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// clockVariable makes the test binary `flattr-ledger serve` whose clock starts at
// the time it names, and goes on from there: tests in a browser come to a month's
// end without waiting for it.
const clockVariable = "FLATTR_TEST_CLOCK"

// serveMoved serves with the arguments of `serve`, as the program does but for the clock.
func serveMoved(at string) int {
	start, err := time.Parse(time.RFC3339, at)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", clockVariable, err)
		return 2
	}
	ahead := time.Until(start)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var db string
	root := &cobra.Command{Use: "flattr-ledger", SilenceUsage: true}
	root.PersistentFlags().StringVar(&db, "db", "", "the ledger's database")
	root.AddCommand(serveCommand(&db, func() time.Time { return time.Now().Add(ahead) }))
	if err := root.ExecuteContext(ctx); err != nil {
		return 1
	}
	return 0
}
