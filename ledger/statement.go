package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"flattr/ledger/flattr"
	"flattr/ledger/report"
	"flattr/ledger/store"
)

// localOrigin is where a ledger listens that nobody told otherwise.
const localOrigin = "http://127.0.0.1:8080"

// statementCommand is `flattr-ledger statement`.
func statementCommand(db *string) *cobra.Command {
	var monthText, formatText, reader, author, public string
	var operator bool
	cmd := &cobra.Command{
		Use: "statement", Short: "Print the statement of a closed month: whole, of a reader, of an author, of the operator",
		Example: "  flattr-ledger statement --month 2026-10\n" +
			"  flattr-ledger statement --month 2026-10 --reader ann --format text\n" +
			"  flattr-ledger statement --month 2026-10 --author bob --format csv\n" +
			"  flattr-ledger statement --month 2026-10 --operator --format text",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			month, err := flattr.ParseMonth(monthText)
			if err != nil {
				return fmt.Errorf("--month: %w", err)
			}
			format, err := report.ParseFormat(formatText)
			if err != nil {
				return fmt.Errorf("--format: %w", err)
			}
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return with(ctx, *db, false, func(s *store.Store) error {
				switch {
				case cmd.Flags().Changed("reader"):
					return report.ReaderStatement(ctx, s, month, reader, format, out)
				case cmd.Flags().Changed("author"):
					return report.Revenue{Author: author, Month: month, Public: public}.Write(ctx, s, format, out)
				case operator:
					return report.OperatorStatement(ctx, s, month, format, out)
				}
				return report.Statement(ctx, s, month, format, out)
			})
		},
	}
	cmd.Flags().StringVar(&monthText, "month", "", "the `month`, like 2026-10")
	cmd.Flags().StringVar(&reader, "reader", "", "only what the reader of this `name` gave: each click and its share")
	cmd.Flags().StringVar(&author, "author", "", "only what the author of this `name` earned")
	cmd.Flags().BoolVar(&operator, "operator", false, "sums, fee, promises, unpaid revenue, and the books")
	cmd.Flags().StringVar(&formatText, "format", "ndjson", "ndjson (one JSON object a line), json, csv or text")
	publicFlag(cmd, &public)
	cmd.MarkFlagsMutuallyExclusive("reader", "author", "operator")
	return cmd
}

// publicFlag is the flag for the origin in links to things.
func publicFlag(cmd *cobra.Command, public *string) {
	cmd.Flags().StringVar(public, "public-url", localOrigin, "origin under which readers reach the ledger, for links to things")
}

// revenueCommand is `flattr-ledger revenue`.
func revenueCommand(db *string) *cobra.Command {
	var monthText, formatText, public string
	cmd := &cobra.Command{
		Use: "revenue NAME", Short: "Print what an author earned, one row per thing",
		Example: "  flattr-ledger revenue bob --month 2026-10 > flattr-revenue-202610.csv\n" +
			"  flattr-ledger revenue bob --format json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			revenue := report.Revenue{Author: args[0], Public: public}
			if monthText != "" {
				var err error
				if revenue.Month, err = flattr.ParseMonth(monthText); err != nil {
					return fmt.Errorf("--month: %w", err)
				}
			}
			format, err := report.ParseFormat(formatText)
			if err != nil {
				return fmt.Errorf("--format: %w", err)
			}
			return with(cmd.Context(), *db, false, func(s *store.Store) error {
				return revenue.Write(cmd.Context(), s, format, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().StringVar(&monthText, "month", "", "only this `month`, like 2026-10 (default: all closed months)")
	cmd.Flags().StringVar(&formatText, "format", "csv", "csv (the monthly revenue report), json, ndjson or text")
	publicFlag(cmd, &public)
	return cmd
}

// auditCommand is `flattr-ledger audit`.
func auditCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "audit", Short: "Prove the books, the log and every settled month", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(s *store.Store) error {
				return report.Audit(cmd.Context(), s, cmd.OutOrStdout(), sayTo(cmd.ErrOrStderr()))
			})
		},
	}
}
