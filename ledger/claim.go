package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/claim"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// maxListedClaims bounds a list on a terminal.
const maxListedClaims = 10_000

// siteOptions are how sites are asked who owns them, beside the networks that
// may be dialled.
type siteOptions struct {
	ports      sitePorts
	nameserver string
}

// flags lets them be named on the command line.
func (o *siteOptions) flags(cmd *cobra.Command) {
	cmd.Flags().Var(&o.ports, "site-port", "`port` at which sites are asked who owns them; may be repeated (default 80 and 443)")
	cmd.Flags().StringVar(&o.nameserver, "nameserver", "", "`host:port` of the name server that is asked for sites (default: the system's)")
}

// sitePorts are ports as they are named on the command line, one or several
// with commas between, each time in addition.
type sitePorts []uint16

func (p *sitePorts) String() string { return "" }

func (p *sitePorts) Type() string { return "port" }

// Set adds ports.
func (p *sitePorts) Set(text string) error {
	for _, one := range strings.Split(text, ",") {
		port, err := strconv.ParseUint(one, 10, 16)
		if err != nil || port == 0 {
			return fmt.Errorf("%.20q is no port: name one from 1 to 65535", one)
		}
		*p = append(*p, uint16(port))
	}
	return nil
}

// keeper asks sites as the options say.
func (opt serveOptions) keeper(st *store.Store, public *url.URL) *claim.Keeper {
	return claim.New(claim.Config{
		Store: st, Now: opt.now, Log: opt.log, Public: public,
		Networks: opt.networks, Ports: opt.sites.ports, Nameserver: opt.sites.nameserver,
	})
}

// claimCommand is `flattr-ledger claim`. db points to the value of --db, which is
// known when the command runs.
func claimCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "claim",
		Short: "See who says that a site is theirs, and decide where two do",
		Long: `See who says that a site is theirs, and decide where two do.

Members claim sites on the page /claims, and the ledger asks the site: the head of
the page, /.well-known/flattr.txt and the TXT records of _flattr.HOST name the owner
by six characters, or say none. Where two members stand against each other nothing
is guessed; both see it, and the operator decides.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(listClaimsCommand(db), decideClaimCommand(db), recheckClaimCommand(db))
	return cmd
}

// listClaimsCommand is `flattr-ledger claim list`.
func listClaimsCommand(db *string) *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use: "list", Short: "List claims: state, member, URL, proof or fault, who else is named", Args: cobra.NoArgs,
		Example: "  flattr-ledger claim list --state conflict --db ledger.db",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				all, err := st.AllClaims(cmd.Context(), maxListedClaims)
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, c := range all {
					if only == "" || only == string(c.State) {
						printClaim(out, c)
					}
				}
				return out.Flush()
			})
		},
	}
	cmd.Flags().StringVar(&only, "state", "", "only claims in this `state`: waiting, verified, lost, lapsed, conflict, refused, opted_out")
	return cmd
}

// printClaim writes a claim as one line.
func printClaim(out io.Writer, c flattr.Claim) {
	why := string(c.Proof)
	if why == "" {
		why = string(c.Fault)
	}
	rival := c.RivalName
	if rival != "" {
		rival = "against " + rival
	}
	fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", c.State, c.Name, c.URL, why, rival)
}

// decideClaimCommand is `flattr-ledger claim decide URL NAME`.
func decideClaimCommand(db *string) *cobra.Command {
	return &cobra.Command{
		Use: "decide URL NAME", Short: "Decide that a site belongs to a member who has claimed it",
		Long: `Decide that a site belongs to a member who has claimed it. Whoever had it until
then owns it no more; what was earned in months that are frozen stays. What the
site brings the new owner is not paid out for seven days.`,
		Example: "  flattr-ledger claim decide https://blog.example/ ann --db ledger.db",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				c, err := st.DecideClaim(cmd.Context(), time.Now(), args[0], args[1])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s belongs to %s\n", c.URL, c.Name)
				return err
			})
		},
	}
}

// recheckClaimCommand is `flattr-ledger claim recheck URL NAME`.
func recheckClaimCommand(db *string) *cobra.Command {
	var networks []string
	var sites siteOptions
	cmd := &cobra.Command{
		Use: "recheck URL NAME", Short: "Ask a site now whether it names a member who has claimed it", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			allowed, err := prefixes(networks)
			if err != nil {
				return err
			}
			return with(cmd.Context(), *db, false, func(st *store.Store) error {
				member, err := st.Named(cmd.Context(), args[1])
				if err != nil {
					return err
				}
				c, err := st.ClaimOf(cmd.Context(), member, args[0])
				if err != nil {
					return err
				}
				opt := serveOptions{networks: allowed, sites: sites, now: time.Now, log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
				if c, err = opt.keeper(st, nil).Check(cmd.Context(), c); err != nil {
					return err
				}
				printClaim(cmd.OutOrStdout(), c)
				return nil
			})
		},
	}
	cmd.Flags().StringArrayVar(&networks, "allow-network", nil, "network, as 10.1.0.0/16, that the ledger may dial beside the public internet; may be repeated")
	sites.flags(cmd)
	return cmd
}
