package main

import (
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/claim"
	"flattr/ledger/flattr"
	"flattr/ledger/hook"
	"flattr/ledger/store"
)

// hookCommand is `flattr-ledger hook`. db points to the value of --db, which is
// known when the command runs.
func hookCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hook",
		Short: "Tell partners of clicks that nobody has claimed yet",
		Long: `Tell partners of clicks on things whose author is not known yet: by a form that
is posted to an address of theirs, so that they can tell the author.

A form has _event=pendingclickcreate, thing_id, thing_owner_id (whose the thing is
said to be), thing_clicks_total, flattrer_username (empty unless the reader's
profile is public) and claim_url. The header Flattr-Delivery has an id, the same
when a delivery is repeated. Flattr-Signature is t=SECONDS,v1=HEX with the
HMAC-SHA256, under the hook's secret, of SECONDS, a dot and the body.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(addHookCommand(db), listHooksCommand(db), removeHookCommand(db), retryHookCommand(db))
	return cmd
}

// addHookCommand is `flattr-ledger hook add NAME`.
func addHookCommand(db *string) *cobra.Command {
	var h flattr.Hook
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Register a partner's address and print the secret that signs",
		Example: "  flattr-ledger hook add ring --url https://ring.example/flattr --site https://ring.example/ --db ledger.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			h.Name = args[0]
			if err := hook.CheckURL(h.URL); err != nil {
				return err
			}
			if err := hook.CheckNamespace(h.Namespace); err != nil {
				return err
			}
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				secret, err := st.AddHook(cmd.Context(), time.Now(), h)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "This secret is shown once; the partner needs it to tell that a delivery is ours:")
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&h.URL, "url", "", "the `address` that deliveries are posted to")
	cmd.Flags().StringVar(&h.SiteURL, "site", "", "the `URL` of whose things the partner is told; one that ends in / covers all below it")
	cmd.Flags().StringVar(&h.Namespace, "namespace", "", "the `name` of whose owners, partner:NAME:ID, the partner is told")
	return cmd
}

// listHooksCommand is `flattr-ledger hook list`.
func listHooksCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the hooks, and how their deliveries go", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				hooks, err := st.Hooks(cmd.Context())
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, h := range hooks {
					fmt.Fprintf(out, "%s\t%s\t%s\t%d waiting, %d given up, %d dropped\t%s\n",
						h.Name, h.URL, toldOf(h.Hook), h.Waiting, h.GivenUp, h.Dropped, stateOf(h))
				}
				return out.Flush()
			})
		},
	}
}

// toldOf says of what a hook is told.
func toldOf(h flattr.Hook) string {
	var of []string
	if h.SiteURL != "" {
		of = append(of, h.SiteURL)
	}
	if h.Namespace != "" {
		of = append(of, flattr.PartnerPrefix+h.Namespace+":…")
	}
	return strings.Join(of, " and ")
}

// stateOf says how a hook is.
func stateOf(h flattr.HookStanding) string {
	switch {
	case h.Stopped:
		return "stopped: the partner answered that it is gone"
	case h.Failures > 0:
		return fmt.Sprintf("failed %d times in a row, is tried again at %s: %s", h.Failures, h.NextTry.Format(time.RFC3339), h.Said)
	case h.Said != "":
		return "runs; the last failure: " + h.Said
	}
	return "runs"
}

// removeHookCommand is `flattr-ledger hook remove NAME`.
func removeHookCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a hook and all that it was still to be told", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				err := st.RemoveHook(cmd.Context(), args[0])
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is removed\n", args[0])
				}
				return err
			})
		},
	}
}

// retryHookCommand is `flattr-ledger hook retry NAME`.
func retryHookCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "retry NAME", Short: "Try everything that a hook is still to be told now, also what was given up", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				waiting, err := st.RetryHook(cmd.Context(), time.Now(), args[0])
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d deliveries to %s are tried by the ledgers that serve\n", waiting, args[0])
				}
				return err
			})
		},
	}
}

// deliverer tells partners.
func (opt serveOptions) deliverer(st *store.Store, public *url.URL) *hook.Deliverer {
	return hook.New(hook.Config{
		Store: st, Client: hook.NewClient(claim.Control(opt.networks)), Now: opt.now, Log: opt.log,
		ClaimURL: func(thing string) string {
			page := public.JoinPath(pathClaims)
			page.RawQuery = url.Values{"url": {thing}}.Encode()
			return page.String()
		},
	})
}

// pathClaims is the page on which an author claims a thing.
const pathClaims = "claims"
