package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/api"
	"flattr/ledger/store"
	"flattr/ledger/web"
)

// maxLine bounds what is read as a password or a name; the pages take less.
const maxLine = 1024

// memberCommand is `flattr-ledger member`. db points to the value of --db,
// which is known when the command runs.
func memberCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "member",
		Short: "Look after single members",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(passwordCommand(db), resetCommand(db), standingCommand(db), giftCommand(db), deleteCommand(db))
	return cmd
}

// passwordCommand is `flattr-ledger member password NAME`.
func passwordCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use:   "password NAME",
		Short: "Set the password with which a member signs in",
		Long: `Set the password with which a member signs in, read as one line from standard
input. Members that were loaded have none until then; it also helps one who
has forgotten theirs.`,
		Example: "  flattr-ledger member password ann --db ledger.db <password.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd.InOrStdin())
			if err != nil {
				return err
			}
			hash, err := web.HashPassword(password)
			if err != nil {
				return err
			}
			err = with(cmd.Context(), *db, false, func(st *store.Store) error {
				return st.SetPassword(cmd.Context(), time.Now(), args[0], hash)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in with the new password.\n", args[0])
			return err
		},
	}
}

// resetCommand is `flattr-ledger member reset NAME`.
func resetCommand(db *string) *cobra.Command {
	var public string
	cmd := &cobra.Command{
		Use:   "reset NAME",
		Short: "Print a link by which a member sets a new password",
		Long: `Print a link by which a member sets a new password themselves. It works once, for
30 minutes. Hand it to nobody but the member: whoever has it has the account.`,
		Example: "  flattr-ledger member reset ann --public-url https://ledger.example --db ledger.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			origin, err := api.Origin(public)
			if err != nil {
				return fmt.Errorf("--public-url: %w", err)
			}
			var token string
			err = with(cmd.Context(), *db, false, func(st *store.Store) error {
				m, err := st.MemberByName(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				now := time.Now()
				token, err = st.MakeLink(cmd.Context(), now, store.Link{Kind: store.LinkReset, Member: m.ID, Expires: now.Add(store.ResetFor)})
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "This link sets a new password for %s. It works once, for %.0f minutes:\n", args[0], store.ResetFor.Minutes())
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s/signin/reset?token=%s\n", origin, token)
			return err
		},
	}
	cmd.Flags().StringVar(&public, "public-url", "http://127.0.0.1:8080", "origin under which readers reach the ledger, as serve is told it")
	return cmd
}

// readPassword reads one line, without its end.
func readPassword(in io.Reader) (string, error) {
	line, err := readLine(in)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	if line == "" {
		return "", errors.New("no password: give it as one line on standard input")
	}
	return line, nil
}

// readLine reads one line, without its end.
func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// shownTransfers is how many transfers are shown of a member; older ones are in
// the statements.
const shownTransfers = 50

// standingCommand is `flattr-ledger member show NAME`.
func standingCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show how a member stands, and the last transfers with their ids",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				m, has, moves, err := st.Movements(cmd.Context(), args[0], shownTransfers)
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintf(out, "%s: means %s EUR, held %s EUR, revenue %s EUR, owes %s EUR\n", m.Name, has.Means, has.Held, has.Revenue, has.Owed)
				for _, t := range moves {
					fmt.Fprintf(out, "%s\t%s\t%s\t%s EUR\t%s -> %s\n", t.At.Format(time.DateTime), t.ID, t.Code, t.Amount, t.From, t.To)
				}
				return out.Flush()
			})
		},
	}
}

// giftCommand is `flattr-ledger member gift FROM TO`.
func giftCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use:   "gift FROM TO",
		Short: "Give a member's means and revenue to another member",
		Long: `Give all means that are not held and all revenue of a member to the means of
another, as one who leaves may wish. Revenue of a site that has changed its owner
is held back for a week.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				g, err := st.Present(cmd.Context(), time.Now(), args[0], args[1], 0)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has %s EUR more: %s EUR of means and %s EUR of revenue of %s\n",
					args[1], g.Means+g.Revenue, g.Means, g.Revenue, args[0])
				return err
			})
		},
	}
}

// deleteCommand is `flattr-ledger member delete NAME`.
func deleteCommand(db *string) *cobra.Command {
	var confirm string
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a member for good",
		Long: `Delete a member for good: clicks of open months are undone, subscriptions end,
tokens and sessions are revoked, things have no owner any more, and name, password
and language are erased. What was booked stays, under a name like deleted-1A2B3C4D.

It is refused while there are means or revenue or something is owed: pay the means
back (refund), or give all to another member (member gift). It is also refused
while a month is over and not settled: settle it first.`,
		Example: "  flattr-ledger member delete ann --confirm ann --db ledger.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("confirm") {
				fmt.Fprintf(cmd.ErrOrStderr(), "This cannot be undone. Type the name once more to delete %s: ", args[0])
				line, err := readLine(cmd.InOrStdin())
				if err != nil {
					return fmt.Errorf("read name: %w", err)
				}
				confirm = line
			}
			if confirm != args[0] {
				return fmt.Errorf("%.60q is not %.60q: nobody was deleted; name the member twice", confirm, args[0])
			}
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				became, err := st.Delete(cmd.Context(), time.Now(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is deleted and stays in the books as %s\n", args[0], became)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&confirm, "confirm", "", "the `name` once more; without it, it is read from standard input")
	return cmd
}
