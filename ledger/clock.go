package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/rest"
	"flattr/ledger/store"
)

// stampEvery is how often a serving ledger writes down the time: a clock that
// was set back by more is noticed.
const stampEvery = time.Minute

// clock keeps a serving ledger from work while the wall clock is behind the
// last time that was written down.
type clock struct {
	store  *store.Store
	public *url.URL
	now    func() time.Time
	log    *slog.Logger
	back   atomic.Pointer[flattr.Error] // set while the clock is behind
}

// stamp writes the time down. It fails with clock_back, or where the database
// does.
func (c *clock) stamp(ctx context.Context) error {
	if err := c.store.Stamp(ctx, c.now()); err != nil {
		return fmt.Errorf("look at the clock: %w", err)
	}
	return nil
}

// run writes the time down until ctx ends. While the clock is behind, requests
// are refused; they are taken again when it is not.
func (c *clock) run(ctx context.Context) {
	tick := time.NewTicker(stampEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// look is one round of run.
func (c *clock) look(ctx context.Context) {
	err := c.stamp(ctx)
	if err != nil && ctx.Err() == nil {
		c.log.Error("the clock", "error", err)
	}
	switch {
	case err == nil:
		c.back.Store(nil)
	case flattr.CodeOf(err) == flattr.ClockBack:
		c.back.Store(flattr.Refuse(flattr.ClockBack, "The clock of the ledger was set back. Its operator has to set it right; then send the same again."))
	}
	// Else the database could not be asked: what was known holds.
}

// guard refuses requests while the clock is behind.
func (c *clock) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused := c.back.Load()
		if refused == nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", strconv.Itoa(int(stampEvery.Seconds())))
		if rest.Unavailable(w, r, c.public, refused.Sentence) {
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(api.Problem{Code: string(refused.Code), Sentence: refused.Sentence}) // who asked may be gone
	})
}

// clockCommand is `flattr-ledger clock`.
func clockCommand(db *string) *cobra.Command {
	cmd := &cobra.Command{Use: "clock", Short: "Look after the time that the ledger remembers", Args: cobra.NoArgs}
	cmd.AddCommand(&cobra.Command{
		Use: "forget", Short: "Forget the last time at which the ledger was at work", Args: cobra.NoArgs,
		Long: `Forget the last time at which the ledger was at work.

Serve and settle write down the time, and refuse to work when the clock is
behind it: with a clock that was set back, what comes later would stand before
what was there. Only where the clock had been ahead, and the time that was
written down is the wrong one, it must be forgotten.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return with(cmd.Context(), *db, false, func(s *store.Store) error { return s.ForgetStamp(cmd.Context()) })
		},
	})
	return cmd
}
