package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/flattr"
	"flattr/ledger/oauth"
	"flattr/ledger/store"
)

// appCommand is `flattr-ledger app`. db points to the value of --db, which is
// known when the command runs.
func appCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "app", Short: "Applications that may ask members for consent", Args: cobra.NoArgs,
	}
	cmd.AddCommand(newAppCommand(db), listAppsCommand(db), revokeAppCommand(db), partnerAppCommand(db), listIdentitiesCommand(db), decideIdentityCommand(db))
	return cmd
}

// newAppCommand is `flattr-ledger app new`.
func newAppCommand(db *string) *cobra.Command {
	var name, callback, member string
	var implicit bool
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Register an application and print its id and secret",
		Long: `Register an application and print its id and secret. The secret is printed this
once and not kept. The callback is where members are sent back to, compared to
the byte; for http://127.0.0.1 and http://[::1] every port is taken. A program's
own scheme needs no dot here, unlike on the pages, since old programs have none.`,
		Example: `  flattr-ledger app new --name "Podcast player" --callback https://player.example/callback --db ledger.db`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				var by flattr.MemberID
				if member != "" {
					m, err := st.MemberByName(cmd.Context(), member)
					if err != nil {
						return err
					}
					by = m.ID
				}
				server, err := oauth.New(cmd.Context(), st, time.Now)
				if err != nil {
					return err
				}
				app, secret, err := server.Register(cmd.Context(), by, name, callback, implicit)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "id: %s\nsecret: %s\n", app.ID, secret)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the `name` that members read")
	cmd.Flags().StringVar(&callback, "callback", "", "the `address` to which members are sent back")
	cmd.Flags().StringVar(&member, "member", "", "the member who answers for it (default: the operator)")
	cmd.Flags().BoolVar(&implicit, "implicit", false, "let it be answered with a token directly (response_type=token), for old clients without a server")
	for _, flag := range []string{"name", "callback"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // there is no such flag
		}
	}
	return cmd
}

// listAppsCommand is `flattr-ledger app list`.
func listAppsCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List applications, the latest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				apps, err := st.Apps(cmd.Context())
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, app := range apps {
					by, state := app.By, "in force"
					if app.Member == 0 {
						by = "the operator"
					}
					if app.Implicit {
						state += ", implicit"
					}
					if app.Revoked {
						state = "revoked"
					}
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\tby %s\t%s\n", app.ID, app.Created.Format(time.DateOnly), state, app.Name, by, app.Callback)
				}
				return out.Flush()
			})
		},
	}
}

// revokeAppCommand is `flattr-ledger app revoke ID`.
func revokeAppCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End an application for good, with every token it was given", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				if err := st.RevokeApp(cmd.Context(), time.Now(), args[0], 0); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is revoked: its tokens are refused from now on.\n", args[0])
				return err
			})
		},
	}
}

// tokenCommand is `flattr-ledger token`.
func tokenCommand(db *string) *cobra.Command {
	var member, scope string
	cmd := &cobra.Command{Use: "token", Short: "Tokens for scripts of the operator", Args: cobra.NoArgs}
	mint := &cobra.Command{
		Use:   "new",
		Short: "Print a token with which a script acts for a member",
		Long: `Print a token with which a script acts for a member, who is not asked. It is
printed this once and not kept; the member sees it among the applications that
have access, and can revoke it there.`,
		Example: `  flattr-ledger token new --member ann --scope "flattr thing" --db ledger.db`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				m, err := st.MemberByName(cmd.Context(), member)
				if err != nil {
					return err
				}
				server, err := oauth.New(cmd.Context(), st, time.Now)
				if err != nil {
					return err
				}
				token, err := server.IssueToken(cmd.Context(), m.ID, scope)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
				return err
			})
		},
	}
	mint.Flags().StringVar(&member, "member", "", "the `name` of the member")
	mint.Flags().StringVar(&scope, "scope", "", "what it may do: some of flattr thing email extendedread (default: read only)")
	if err := mint.MarkFlagRequired("member"); err != nil {
		panic(err) // there is no such flag
	}
	cmd.AddCommand(mint)
	return cmd
}
