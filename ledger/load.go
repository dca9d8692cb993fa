package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/world"
)

// loadCommand is `flattr-ledger load`.
func loadCommand(db *string) *cobra.Command {
	var keepGoing bool
	cmd := &cobra.Command{
		Use: "load FILE", Short: "Load members, things, clicks and money, one JSON object a line (- for stdin)",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			from := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("load: %w", err)
				}
				defer f.Close() // it was only read
				from = f
			}
			return with(cmd.Context(), *db, true, func(s *store.Store) error {
				errs := cmd.ErrOrStderr()
				l := world.Loader{
					Store: s, KeepGoing: keepGoing, Say: sayTo(errs),
					Refused: func(line int, code flattr.Code) { fmt.Fprintf(errs, "line %d: %s\n", line, code) },
					Bad:     func(line int, err error) { fmt.Fprintf(errs, "line %d: %v\n", line, err) },
				}
				tally, err := l.Load(cmd.Context(), from)
				if err == nil || keepGoing {
					writeTally(cmd.OutOrStdout(), tally)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&keepGoing, "keep-going", false, "keep the good lines of a file with bad ones")
	return cmd
}

// writeTally says what was loaded: "loaded 20 click, 2 member; refused 1".
func writeTally(to io.Writer, tally world.Tally) {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(tally.Loaded)) {
		parts = append(parts, fmt.Sprintf("%d %s", tally.Loaded[kind], kind))
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	fmt.Fprintf(to, "loaded %s; refused %d\n", strings.Join(parts, ", "), tally.Refused)
}
