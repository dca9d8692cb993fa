package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// largestAuthors is how many authors a dry run names.
const largestAuthors = 10

// monthFlags are the flags of every command that works on a month.
type monthFlags struct{ month, now string }

func (f *monthFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.month, "month", "", "the `month`, like 2026-10")
	cmd.Flags().StringVar(&f.now, "now", "", "settle as if it were this `time` (default: the clock)")
}

// settlement is the work on the month that the flags name.
func (f *monthFlags) settlement(s *store.Store, errs io.Writer) (closing.Settlement, error) {
	month, err := flattr.ParseMonth(f.month)
	if err != nil {
		return closing.Settlement{}, fmt.Errorf("--month: %w", err)
	}
	now := time.Now()
	if f.now != "" {
		if now, err = time.Parse(time.RFC3339, f.now); err != nil {
			return closing.Settlement{}, fmt.Errorf("--now %q: write it like 2026-11-04T00:00:00Z", f.now)
		}
	}
	return closing.Settlement{Store: s, Month: month, Now: now, Say: sayTo(errs)}, nil
}

// settleCommand is `flattr-ledger settle`.
func settleCommand(db *string) *cobra.Command {
	var dry bool
	cmd := stepCommand(db, "settle", "Freeze, compute, post and close a month", closing.Settlement.Settle)
	step := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !dry {
			return step(cmd, args)
		}
		return rehearse(cmd, *db)
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print what would happen and how it differs from the month before; change nothing")
	return cmd
}

// rehearse prints what settling the month would do.
func rehearse(cmd *cobra.Command, db string) error {
	f := monthFlags{month: cmd.Flag("month").Value.String(), now: cmd.Flag("now").Value.String()}
	settlement, err := f.settlement(nil, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	return with(cmd.Context(), db, false, func(s *store.Store) error {
		settlement.Store = s
		preview, err := settlement.Rehearse(cmd.Context(), time.Now(), largestAuthors)
		if err != nil {
			return sayDone(cmd, err)
		}
		return writePreview(cmd.OutOrStdout(), preview)
	})
}

// stepCommand is a command that does a step of the settlement of a month. One
// that was done before is said and is no failure.
func stepCommand(db *string, use, short string, do func(closing.Settlement, context.Context) error) *cobra.Command {
	var flags monthFlags
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settlement, err := flags.settlement(nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return with(cmd.Context(), *db, false, func(s *store.Store) error {
				if err := s.Stamp(cmd.Context(), time.Now()); err != nil {
					return err
				}
				settlement.Store = s
				return sayDone(cmd, do(settlement, cmd.Context()))
			})
		},
	}
	flags.add(cmd)
	return cmd
}

// sayDone says that there was nothing to do, which is no failure.
func sayDone(cmd *cobra.Command, err error) error {
	if errors.Is(err, closing.ErrDone) {
		fmt.Fprintln(cmd.ErrOrStderr(), err)
		return nil
	}
	return err
}

// monthCommand is `flattr-ledger month`.
func monthCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "month",
		Short: "Look at months, and settle one step by step",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(
		showCommand(db),
		stepCommand(db, "freeze", "End a month for clicks and undos, 72 hours after its end", closing.Settlement.Freeze),
		stepCommand(db, "compute", "Divide the budgets of a frozen month", closing.Settlement.Compute),
		stepCommand(db, "post", "Book what was computed", closing.Settlement.Post),
		stepCommand(db, "close", "Close a posted month for good", closing.Settlement.Close),
	)
	return cmd
}

// showCommand is `flattr-ledger month show`.
func showCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "show [MONTH]", Short: "Show how far a month has come and what it amounts to, or a table of all months",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var months []flattr.Month
			if len(args) == 1 {
				month, err := flattr.ParseMonth(args[0])
				if err != nil {
					return err
				}
				months = []flattr.Month{month}
			}
			var overviews []store.Overview
			err := with(cmd.Context(), *db, false, func(s *store.Store) error {
				return s.View(cmd.Context(), func(tx *store.Tx) (err error) {
					overviews = nil
					if months == nil {
						if months, err = tx.Months(); err != nil {
							return err
						}
					}
					for _, month := range months {
						o, err := tx.Overview(month)
						if err != nil {
							return err
						}
						overviews = append(overviews, o)
					}
					return nil
				})
			})
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return writeMonth(cmd.OutOrStdout(), overviews[0])
			}
			return writeMonths(cmd.OutOrStdout(), overviews)
		},
	}
}

// percent writes basis points: 1000 is "10 %", 125 is "1.25 %".
func percent(bp int) string {
	text := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	for text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	if text[len(text)-1] == '.' {
		text = text[:len(text)-1]
	}
	return text + " %"
}

// writeMonth writes what a month amounts to, a line for each figure.
func writeMonth(to io.Writer, o store.Overview) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("month", "%s", o.Month)
	line("state", "%s", o.State)
	if o.State == flattr.Frozen && o.NextBucket > 0 {
		line("computed", "%d of %d buckets", o.NextBucket, flattr.Buckets)
	}
	if o.Settled {
		line("frozen", "%s", o.FrozenAt.Format(time.RFC3339))
	} else {
		line("can be frozen", "from %s", o.Month.FreezeAt().Format(time.RFC3339))
	}
	line("readers", "%d", o.Readers)
	line("clicks", "%d", o.Clicks)
	line("promises", "%d", o.Promises)
	if o.Settled {
		line("budget", "%s EUR", o.Budget)
	} else {
		line("held", "%s EUR", o.Budget)
	}
	if o.Divided() {
		line("authors", "%d", o.Authors)
		line("fee", "%s EUR", o.Fee)
		line("net", "%s EUR", o.Net)
	}
	line("policy fee", "%s", percent(o.Policy.FeeBP))
	term := "months"
	if o.Policy.PromiseMonths == 1 {
		term = "month"
	}
	line("policy promises", "%d %s", o.Policy.PromiseMonths, term)
	line("policy largest budget", "%s EUR", o.Policy.MaxBudget)
	line("policy grace", "%d hours", int(o.Policy.Grace/time.Hour))
	return w.Flush()
}

// unknown stands for what is not known before a month is computed.
const unknown = "-"

// writeMonths writes a table of months.
func writeMonths(to io.Writer, months []store.Overview) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "month\tstate\treaders\tclicks\tpromises\tbudget\tfee\tnet\tfee policy\t")
	for _, o := range months {
		fee, net := unknown, unknown
		if o.Divided() {
			fee, net = o.Fee.String(), o.Net.String()
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n",
			o.Month, o.State, o.Readers, o.Clicks, o.Promises, o.Budget, fee, net, percent(o.Policy.FeeBP))
	}
	return w.Flush()
}

// writePreview writes what a settlement would come to, beside the month before.
func writePreview(to io.Writer, p closing.Preview) error {
	now, before := p.Month, p.Before
	// The freeze is rehearsed for all months before, too: one that is open still
	// is one that nothing has touched.
	known := before.Divided() || before.State == flattr.Open
	fmt.Fprintf(to, "dry run: %s would be settled like this; nothing was changed\n", now.Month)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t%s\t%s\tdifference\t\n", now.Month, before.Month)
	count := func(name string, a, b int, known bool) {
		was, difference := unknown, unknown
		if known {
			was, difference = strconv.Itoa(b), fmt.Sprintf("%+d", a-b)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t\n", name, a, was, difference)
	}
	amount := func(name string, a, b money.Micro, known bool) {
		was, difference := unknown, unknown
		if known {
			was, difference = b.String(), (a - b).String()
			if a >= b {
				difference = "+" + difference
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", name, a, was, difference)
	}
	count("readers", now.Readers, before.Readers, true)
	count("clicks", now.Clicks, before.Clicks, true)
	count("promises", now.Promises, before.Promises, true)
	count("authors", now.Authors, before.Authors, known)
	amount("budget", now.Budget, before.Budget, true)
	amount("fee", now.Fee, before.Fee, known)
	amount("net", now.Net, before.Net, known)
	fmt.Fprintf(w, "fee policy\t%s\t%s\t\n", percent(now.Policy.FeeBP), percent(before.Policy.FeeBP))
	if err := w.Flush(); err != nil {
		return err
	}
	for i, a := range p.Largest {
		if i == 0 {
			fmt.Fprintln(to, "the largest of what authors would get:")
		}
		fmt.Fprintf(to, "  %s: %s EUR (clicks: %d; %s less a fee of %s)\n", a.Name, a.Net, a.Clicks, a.Gross, a.Fee)
	}
	return nil
}
