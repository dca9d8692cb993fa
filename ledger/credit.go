package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/book"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// creditCommand is `flattr-ledger credit NAME AMOUNT`.
func creditCommand(db *string) *cobra.Command {
	return moneyCommand(db, &cobra.Command{
		Use: "credit NAME AMOUNT", Short: "Book a top-up of a member's means",
		Long: `Book a top-up of a member's means. What the member owes after a returned top-up
is repaid from it first.`,
		Example: "  flattr-ledger credit ann 5.00 --ref BANK-1 --db ledger.db",
	}, func(cmd *cobra.Command, s *store.Store, name string, amount money.Micro, ref string) error {
		top, booked, err := s.Credit(cmd.Context(), time.Now(), name, amount, ref)
		switch {
		case err != nil:
		case booked:
			fmt.Fprintf(cmd.OutOrStdout(), "%s has %s EUR more\n", top.Name, top.Amount)
		default:
			fmt.Fprintf(cmd.OutOrStdout(), "%s was booked before, %s EUR for %s on %s; nothing was changed\n",
				ref, top.Amount, top.Name, top.At.Format(time.DateOnly))
		}
		return err
	})
}

// returnCommand is `flattr-ledger return NAME AMOUNT`.
func returnCommand(db *string) *cobra.Command {
	return moneyCommand(db, &cobra.Command{
		Use: "return NAME AMOUNT", Short: "Book a top-up that the bank took back",
		Long: `Book a top-up that the bank took back. --ref is the reference of the top-up. What
the means no longer cover is owed: the member flattrs again when it is repaid,
which top-ups do first. What is held for a month stays held.`,
		Example: "  flattr-ledger return ann 5.00 --ref BANK-1 --db ledger.db",
	}, func(cmd *cobra.Command, s *store.Store, name string, amount money.Micro, ref string) error {
		owed, booked, err := s.Return(cmd.Context(), time.Now(), name, ref, amount)
		switch {
		case err != nil:
			return err
		case booked:
			fmt.Fprintf(cmd.OutOrStdout(), "%s EUR went back", amount)
		default:
			fmt.Fprintf(cmd.OutOrStdout(), "%s went back before; nothing was changed", ref)
		}
		if owed > 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "; %s owes %s EUR", name, owed)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout())
		return err
	})
}

// refundCommand is `flattr-ledger refund NAME AMOUNT`.
func refundCommand(db *string) *cobra.Command {
	return moneyCommand(db, &cobra.Command{
		Use: "refund NAME AMOUNT", Short: "Book means that were paid back to their member",
		Example: "  flattr-ledger refund ann 3.00 --ref BACK-1 --db ledger.db",
	}, func(cmd *cobra.Command, s *store.Store, name string, amount money.Micro, ref string) error {
		booked, err := s.Refund(cmd.Context(), time.Now(), name, amount, ref)
		switch {
		case err != nil:
		case booked:
			fmt.Fprintf(cmd.OutOrStdout(), "%s EUR were paid back to %s\n", amount, name)
		default:
			fmt.Fprintf(cmd.OutOrStdout(), "%s was booked before; nothing was changed\n", ref)
		}
		return err
	})
}

// moneyCommand lets a command take a name, an amount and a reference, by which
// it is booked once.
func moneyCommand(db *string, cmd *cobra.Command, work func(*cobra.Command, *store.Store, string, money.Micro, string) error) *cobra.Command {
	var ref string
	cmd.Args = cobra.ExactArgs(2)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		amount, err := money.Parse(args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
		return with(cmd.Context(), *db, false, func(s *store.Store) error { return work(cmd, s, args[0], amount, ref) })
	}
	cmd.Flags().StringVar(&ref, "ref", "", "the bank's `reference`: each is booked once")
	if err := cmd.MarkFlagRequired("ref"); err != nil {
		panic(err) // the flag is defined above
	}
	cmd.SetFlagErrorFunc(belowZero)
	return cmd
}

// belowZero answers an amount below zero, which reads like a flag, with what is
// wrong with it.
func belowZero(_ *cobra.Command, err error) error {
	var unknown interface{ GetSpecifiedShortnames() string }
	if errors.As(err, &unknown) {
		if text := unknown.GetSpecifiedShortnames(); text != "" && strings.Trim(text, "0123456789.") == "" {
			return fmt.Errorf("-%s: %w, and no sign", text, money.ErrAmount)
		}
	}
	return err
}

// reverseCommand is `flattr-ledger reverse TRANSFER-ID`.
func reverseCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "reverse TRANSFER-ID", Short: "Book a transfer the other way, once",
		Long: `Book a transfer the other way: a top-up, what a member was loaded or welcomed with,
a refund, or what an author earned. What was earned goes to the account gift; the
month stays as it was, and where the revenue falls below zero, later months set
it off. "flattr-ledger member show NAME" lists transfers with their ids.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := book.ParseTransferID(args[0])
			if err != nil {
				return err
			}
			return with(cmd.Context(), *db, false, func(s *store.Store) error {
				r, err := s.Reverse(cmd.Context(), time.Now(), id)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s of %s EUR (%s) is reversed by %s\n", r.Code, r.Amount, r.Name, r.ID)
				return err
			})
		},
	}
}
