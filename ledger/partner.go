package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/claim"
	"flattr/ledger/flattr"
	"flattr/ledger/hook"
	"flattr/ledger/store"
)

// Bounds of what is named or listed on a terminal.
const (
	maxPartnerHosts     = 100
	maxListedIdentities = 10_000
)

// partnerAppCommand is `flattr-ledger app partner ID`.
func partnerAppCommand(db *string) *cobra.Command {
	var namespace string
	var typed []string
	cmd := &cobra.Command{
		Use: "partner ID", Short: "Let an application say which of its authors a member is",
		Long: `Let an application say which of its authors a member is.

Its pages name their owners as partner:NAMESPACE:ID. With a token that a member
gave it, it tells the ledger by POST /rest/v2/user/verify which of them the member
is; pages of its hosts that name this owner are the member's from then on. What
pages elsewhere say of a partner's owners counts for nothing. A namespace has one
application: naming it again replaces the application and the hosts.`,
		Example: "  flattr-ledger app partner 0123456789abcdef0123456789abcdef --namespace player --host player.example --db ledger.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if namespace == "" {
				return errors.New("a namespace has a name: use --namespace")
			}
			if err := hook.CheckNamespace(namespace); err != nil {
				return err
			}
			if len(typed) > maxPartnerHosts {
				return fmt.Errorf("a partner has at most %d hosts: name one above them", maxPartnerHosts)
			}
			hosts := make([]string, len(typed))
			for i, host := range typed {
				var err error
				if hosts[i], err = claim.Host(host); err != nil {
					return err
				}
			}
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				if err := st.AddPartner(cmd.Context(), time.Now(), namespace, args[0], hosts); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s answers for %s%s:ID on pages of %s\n", args[0], flattr.PartnerPrefix, namespace, strings.Join(hosts, ", "))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&namespace, "namespace", "", "the `name` in partner:NAME:ID")
	cmd.Flags().StringArrayVar(&typed, "host", nil, "`host`, with those below it, on whose pages it counts; may be repeated")
	for _, flag := range []string{"namespace", "host"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}

// listIdentitiesCommand is `flattr-ledger app identities`.
func listIdentitiesCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "identities", Short: "List which members partners say their authors are, and of whom they said it too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				all, err := st.Identities(cmd.Context(), maxListedIdentities)
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, i := range all {
					others := ""
					if len(i.Others) > 0 {
						others = "also said of " + strings.Join(i.Others, ", ")
					}
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", i.Identity, i.Name, i.Since.Format(time.DateOnly), others)
				}
				return out.Flush()
			})
		},
	}
}

// decideIdentityCommand is `flattr-ledger app identify IDENTITY NAME`.
func decideIdentityCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "identify IDENTITY NAME", Short: "Decide which member an author of a partner is",
		Long: `Decide which member an author of a partner is, of those of whom the partner has
said it. Pages that name this author are looked at anew, and belong to nobody until
then; what was earned in months that are frozen stays.`,
		Example: "  flattr-ledger app identify partner:player:42 ann --db ledger.db",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				if err := st.DecideIdentity(cmd.Context(), time.Now(), args[0], args[1]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", args[0], args[1])
				return err
			})
		},
	}
}
