// Package hook tells partners of clicks on things that nobody has claimed yet:
// web hooks, delivered at least once, signed, and by one process at a time.
package hook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// How deliveries are timed.
const (
	// pollEvery is how often a ledger looks for what is due: a partner hears of a
	// click about as fast as the author reads a mail.
	pollEvery = time.Second
	// trimEvery is how often what is too old or too much is forgotten.
	trimEvery = time.Minute
	// leaseFor is how long a hook stays with a process that has died: several
	// times what one delivery may take.
	leaseFor = time.Minute
	// answerTimeout is what one delivery may take, its answer included.
	answerTimeout = 10 * time.Second
	// atOnce is to how many hooks one process delivers at the same time: a slow
	// partner must not hold the others up, and many must not fill the machine.
	atOnce = 4
	// perTurn is how many deliveries a hook gets before it is looked at anew.
	perTurn = 50
)

// Times between tries, with full jitter: each wait is random between 0 and a
// bound that doubles from firstBound to lastBound, so that ledgers that lost the
// same partner do not all come back at once. A delivery is tried for most of a
// day, then waits for the operator.
const (
	firstBound  = 10 * time.Second
	lastBound   = 4 * time.Hour
	maxAttempts = 20
)

// Config is what deliveries need.
type Config struct {
	Store *store.Store
	// ClaimURL is the page on which the owner of a thing can claim it.
	ClaimURL func(thing string) string
	// Client posts the deliveries; see NewClient.
	Client *http.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// Deliverer makes deliveries of all hooks. Other processes may do so on the same
// ledger at the same time.
type Deliverer struct {
	config Config
	holder string // of this process's leases
}

// New makes a deliverer.
func New(config Config) *Deliverer { return &Deliverer{config: config, holder: rand.Text()} }

// Run delivers until ctx ends, and returns when nothing is under way any more:
// what was being delivered then is delivered to its end.
func (d *Deliverer) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var trimmed time.Time
	for {
		if now := d.config.Now(); now.Sub(trimmed).Abs() >= trimEvery {
			trimmed = now
			d.trim(ctx, now)
		}
		if err := d.Deliver(ctx); err != nil && ctx.Err() == nil {
			d.config.Log.Warn("web hooks are not delivered now", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// trim forgets what is too old or too much.
func (d *Deliverer) trim(ctx context.Context, now time.Time) {
	dropped, err := d.config.Store.TrimHooks(ctx, now)
	switch {
	case err != nil && ctx.Err() == nil:
		d.config.Log.Warn("what web hooks were to be told is not trimmed now", "error", err)
	case dropped > 0:
		d.config.Log.Warn("web hooks were away for too long", "dropped", dropped)
	}
}

// Deliver gives each hook that is due a turn.
func (d *Deliverer) Deliver(ctx context.Context) error {
	due, err := d.config.Store.DueHooks(ctx, d.config.Now())
	if err != nil {
		return err
	}
	var turns sync.WaitGroup
	free := make(chan struct{}, atOnce)
	errs := make([]error, len(due))
	for i, id := range due {
		free <- struct{}{}
		turns.Go(func() {
			defer func() { <-free }()
			errs[i] = d.turn(ctx, id)
		})
	}
	turns.Wait()
	return errors.Join(errs...)
}

// lease is the lease of a hook from now on.
func (d *Deliverer) lease(id flattr.HookID) store.HookLease {
	return store.HookLease{Hook: id, Holder: d.holder, Until: d.config.Now().Add(leaseFor)}
}

// turn delivers what a hook is to be told now, unless another process does.
func (d *Deliverer) turn(ctx context.Context, id flattr.HookID) (err error) {
	if ctx.Err() != nil {
		return nil
	}
	mine, err := d.config.Store.TakeHook(ctx, d.config.Now(), d.lease(id))
	if err != nil || !mine {
		return err
	}
	defer func() { // also where ctx is over: else the hook would wait for the lease to end
		err = errors.Join(err, d.config.Store.LeaveHook(context.WithoutCancel(ctx), d.lease(id)))
	}()
	work, err := d.config.Store.HookWork(ctx, d.config.Now(), id, perTurn)
	if flattr.CodeOf(err) == flattr.NotFound {
		return nil // removed or stopped meanwhile
	}
	if err != nil {
		return err
	}
	for _, click := range work.Stale {
		result := store.HookResult{Click: click, Done: true, Failures: work.Failures}
		if err := d.end(ctx, id, result); err != nil {
			return lost(err)
		}
	}
	for _, delivery := range work.Deliveries {
		if ctx.Err() != nil {
			return nil
		}
		result := d.try(ctx, id, work, delivery)
		if err := d.end(ctx, id, result); err != nil {
			return lost(err)
		}
		if !result.Rest.IsZero() || result.Gone {
			return nil
		}
		work.Failures = 0
	}
	return nil
}

// end writes down what became of a try, also where ctx is over by now: what the
// partner has must not be sent again.
func (d *Deliverer) end(ctx context.Context, id flattr.HookID, result store.HookResult) error {
	return d.config.Store.EndDelivery(context.WithoutCancel(ctx), d.config.Now(), d.lease(id), result)
}

// lost is no failure where another process has taken over.
func lost(err error) error {
	if errors.Is(err, store.ErrLeaseLost) {
		return nil
	}
	return err
}

// try makes one delivery and says what becomes of it.
func (d *Deliverer) try(ctx context.Context, id flattr.HookID, work store.HookWork, delivery flattr.HookDelivery) store.HookResult {
	// A delivery that has begun is not cut off when the ledger stops.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	failed := d.post(call, id, work, delivery)
	now := d.config.Now()
	result := store.HookResult{Click: delivery.Click, Done: failed == nil}
	if failed == nil {
		return result
	}
	result.Said = failed.Error()
	d.config.Log.Info("a web hook was not delivered", "hook", int64(id), "attempt", delivery.Attempts+1, "error", result.Said)
	if delivery.Attempts+1 < maxAttempts {
		result.Next = now.Add(max(wait(delivery.Attempts), failed.retryAfter))
	}
	switch {
	case failed.gone:
		result.Gone, result.Failures = true, work.Failures+1
	case failed.server:
		result.Failures = work.Failures + 1
		result.Rest = now.Add(max(wait(work.Failures), failed.retryAfter))
	}
	return result
}

// wait is how long to wait after so many failures before this one.
func wait(before int) time.Duration {
	delays := backoff.NewExponentialBackOff()
	// With a factor of 1 a wait is random between 0 and twice the interval.
	delays.RandomizationFactor, delays.Multiplier = 1, 2
	delays.InitialInterval, delays.MaxInterval = firstBound/2, lastBound/2
	for range min(before, maxAttempts) {
		delays.NextBackOff()
	}
	return delays.NextBackOff()
}

// failure says why a delivery was not taken.
type failure struct {
	err        error
	server     bool          // what is wrong is not this delivery: others wait too
	gone       bool          // the partner wants no more
	retryAfter time.Duration // as the partner asked
}

// Error is one line without anything of the delivery.
func (f *failure) Error() string { return fmt.Sprintf("%.200s", f.err) }
