package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/flattr"
	"flattr/ledger/hook"
	"flattr/ledger/store"
)

// partnerAppCommand is `flattr-ledger app partner ID`.
func partnerAppCommand(db *string) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use: "partner ID", Short: "Let an application say which of its authors a member is",
		Long: `Let an application say which of its authors a member is.

Its pages name their owners as partner:NAMESPACE:ID. With a token that a member
gave it, it tells the ledger by POST /rest/v2/user/verify which of them the member
is; pages that name this owner are the member's from then on. A namespace has one
application: naming another one replaces it.`,
		Example: "  flattr-ledger app partner 0123456789abcdef0123456789abcdef --namespace player --db ledger.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := hook.CheckNamespace(namespace); err != nil {
				return err
			}
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				if err := st.AddPartner(cmd.Context(), time.Now(), namespace, args[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s answers for %s%s:ID\n", args[0], flattr.PartnerPrefix, namespace)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the `name` in partner:NAME:ID")
	if err := cmd.MarkFlagRequired("namespace"); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}
