package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"flattr/ledger/store"
	"flattr/ledger/web"
)

// maxPasswordLine bounds what is read as a password; the pages take less.
const maxPasswordLine = 1024

// memberCommand is `flattr-ledger member`. db points to the value of --db,
// which is known when the command runs.
func memberCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "member",
		Short: "Look after single members",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(passwordCommand(db))
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
				return st.SetPassword(cmd.Context(), args[0], hash)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in with the new password.\n", args[0])
			return err
		},
	}
}

// readPassword reads one line, without its end.
func readPassword(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxPasswordLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password: give it as one line on standard input")
	}
	return line, nil
}
