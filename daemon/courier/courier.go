// Package courier carries pending clicks to the ledger, with back-off, exactly
// once by click id: what the ledger has not answered is sent again.
package courier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"

	"github.com/cenkalti/backoff/v5"
)

// Times between tries.
const (
	// Full jitter: each wait is random between 0 and a bound that doubles from
	// firstBound to lastBound, so that companions that lost the same ledger do
	// not all come back at once.
	firstBound = time.Second
	lastBound  = 15 * time.Minute
	// quickest is the least time between a failing try and one for the reader's
	// sake: a burst of clicks is one try.
	quickest = time.Second
	// longestHold bounds how long a ledger that asks to wait is left alone when
	// there is a new click or a new network. It may ask for up to a day, and
	// without either it gets it; but a day is not to be lost by a proxy's
	// mistake, and clicks have 72 hours to reach the ledger in their month.
	longestHold = 15 * time.Minute
	// refreshEvery is how often an idle courier asks for the months, and tries
	// clicks again that lacked means.
	refreshEvery = 15 * time.Minute
	// silence is how long a request may go unanswered when there is a new
	// network: then it has gone out by the old one, and is given up.
	silence = 5 * time.Second
	// skewStep is the least change of the clocks' difference worth telling.
	skewStep = time.Minute
)

// maxRounds bounds the requests of one sync: 100,000 events, a year offline
// of a heavy reader a hundred times over.
const maxRounds = 1000

// ErrSignIn says that the account has no token the ledger accepts.
var ErrSignIn = errors.New("the reader has to sign in again")

// Config is what a courier of one account needs.
type Config struct {
	Account int64
	Ledger  string // origin
	Log     *clicklog.Log
	// Token gives the access token to use. After the ledger has refused one it
	// is called with that one, to renew it if it can. ErrSignIn when there is none.
	Token func(ctx context.Context, refused string) (string, error)
	// Changed is told, after each exchange, of the events the ledger has
	// answered, and after each change of State with none.
	Changed func(ids []string)
	Now     func() time.Time
	Logger  *slog.Logger
}

// State says how the courier stands with the ledger.
type State struct {
	Problem  wire.Code // "", ledger_away, sign_in_again or degraded
	Sentence string
	Skew     time.Duration // the ledger's clock less ours
}

// Courier carries the events of one account. Run it in one goroutine.
type Courier struct {
	config Config
	wake   chan struct{}
	delays *backoff.ExponentialBackOff
	anew   atomic.Bool // back-off begins again
	stale  atomic.Bool // connections are of a network that may be gone
	doubt  atomic.Bool // something may have been taken back at the ledger

	mu     sync.Mutex
	state  State
	told   time.Duration      // the skew that was last told of
	asked  time.Time          // when the request under way began; zero: none is
	giveUp context.CancelFunc // ends it

	// Of the goroutine of Run alone:
	client   *api.Client
	token    string
	earliest time.Time // no request before, whatever wakes the courier
	reached  string    // the last event that was sent again, of a matching under way
}

// New makes the courier of an account.
func New(config Config) *Courier {
	delays := backoff.NewExponentialBackOff()
	// With a factor of 1 a wait is random between 0 and twice the interval.
	delays.RandomizationFactor, delays.Multiplier = 1, 2
	delays.InitialInterval, delays.MaxInterval = firstBound/2, lastBound/2
	return &Courier{config: config, wake: make(chan struct{}, 1), delays: delays}
}

// Wake asks for a sync now: the reader looks at the month, or has signed in
// again.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// Doubt asks for a sync now that matches the log with the ledger's: the reader may
// have taken something back there, and clicks made elsewhere meanwhile would hide
// it from the figures.
func (c *Courier) Doubt() {
	c.doubt.Store(true)
	c.Wake()
}

// NewClick asks for a sync now, and lets back-off begin again.
func (c *Courier) NewClick() {
	c.anew.Store(true)
	c.Wake()
}

// NewNetwork says that the machine has another network: connections of the old
// one are not used any more, a request it has left without an answer is given
// up, and what could not be sent is sent now. A courier that has nothing to
// send makes no request.
func (c *Courier) NewNetwork() {
	c.stale.Store(true)
	c.mu.Lock()
	idle := c.state.Problem == "" && c.giveUp == nil
	if c.giveUp != nil {
		time.AfterFunc(silence-c.config.Now().Sub(c.asked), c.giveUp) // harmless once it is answered
	}
	c.mu.Unlock()
	if idle {
		return
	}
	c.NewClick()
}

// State gives how the courier stands with the ledger.
func (c *Courier) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Run syncs at once, then whenever there is reason to, until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	for {
		wait := c.pause(ctx, c.sync(ctx))
		if !c.sleep(ctx, wait) {
			return
		}
		if c.anew.Swap(false) {
			c.delays.Reset()
		}
	}
}

// sleep waits for the given time or a wake, and in any case until earliest.
func (c *Courier) sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-c.wake:
	}
	hold := c.earliest.Sub(c.config.Now())
	if hold <= 0 {
		return true
	}
	timer.Reset(hold)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// failure is a sync that did not come to its end.
type failure struct {
	err        error
	retryAfter time.Duration // as the ledger asked
}

// pause says how long to wait after a sync, and sets the state it left.
func (c *Courier) pause(ctx context.Context, failed *failure) time.Duration {
	if failed == nil {
		c.delays.Reset()
		c.earliest = time.Time{}
		c.become("", "")
		return refreshEvery
	}
	if ctx.Err() != nil {
		return 0
	}
	now := c.config.Now()
	c.earliest = now.Add(min(max(quickest, failed.retryAfter), longestHold))
	c.config.Logger.Info("sync did not succeed", "account", c.config.Account, "error", cut(failed.err.Error(), maxSentenceRunes))
	var refusal *api.Error
	switch {
	case errors.Is(failed.err, ErrSignIn):
		c.become(wire.CodeSignInAgain, "The ledger does not know this browser's sign-in any more. Sign in again; the clicks wait.")
		return lastBound
	case errors.Is(failed.err, errLog):
		c.become(wire.CodeDegraded, "The companion cannot write its log. Free some disk space, then restart it: flattrd restart")
	case errors.As(failed.err, &refusal) && errors.Is(refusal, api.ErrRejected) && refusal.Problem.Sentence != "":
		c.become(wire.CodeLedgerAway, "The ledger takes no clicks now: "+cut(refusal.Problem.Sentence, maxSentenceRunes))
	case failed.retryAfter > 0:
		c.become(wire.CodeLedgerAway, "The ledger is busy and asks to wait. Clicks are sent then.")
	default:
		c.become(wire.CodeLedgerAway, "The ledger does not answer. Clicks wait and are sent later.")
	}
	// On top of what the ledger asks for: it may have asked many at once.
	return failed.retryAfter + c.delays.NextBackOff()
}

// become sets the state, and tells of it when it is another one.
func (c *Courier) become(problem wire.Code, sentence string) {
	c.mu.Lock()
	changed := c.state.Problem != problem || c.state.Sentence != sentence
	c.state.Problem, c.state.Sentence = problem, sentence
	c.mu.Unlock()
	if changed {
		c.config.Changed(nil)
	}
}

// learn takes the skew of the clocks from an answer's Date, which has whole
// seconds and was written somewhere between asking and now.
func (c *Courier) learn(meta api.Meta, asked time.Time) {
	if meta.Date.IsZero() {
		return
	}
	now := c.config.Now()
	middle := asked.Add(now.Sub(asked) / 2)
	c.mu.Lock()
	c.state.Skew = meta.Date.Add(time.Second / 2).Sub(middle)
	tell := (c.state.Skew - c.told).Abs() >= skewStep
	if tell {
		c.told = c.state.Skew
	}
	c.mu.Unlock()
	if tell {
		c.config.Changed(nil)
	}
}
