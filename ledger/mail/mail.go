// Package mail sends letters to members: through an SMTP server, or not at all.
//
// Letters wait in the store and are sent at least once, by one process at a time.
// What a letter says, and the secret of a link in it, is made when it is sent.
package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// How letters are timed.
const (
	// pollEvery is how often a ledger looks for letters: who waits for a link has
	// it as fast as they look into their mail.
	pollEvery = 2 * time.Second
	// sortEvery is how often months that were closed are looked for, and what is
	// too old is forgotten.
	sortEvery = time.Minute
	// leaseFor is how long a letter stays with a process that has died: several
	// times what sending it may take.
	leaseFor = 2 * time.Minute
	// asked is how many wishes for a link are looked at in one transaction.
	asked = 50
	// perTurn is how many letters are sent over one connection.
	perTurn = 100
)

// Times between tries, with full jitter. A letter is tried for most of a day, or
// until it is worth nothing (see store.LetterKind).
const (
	firstBound  = time.Minute
	lastBound   = 4 * time.Hour
	maxAttempts = 12
)

// Mailer sends letters that wait in the store, or leaves them there.
type Mailer interface {
	// Sends says whether letters are sent at all.
	Sends() bool
	// Run sends until ctx ends, and returns when nothing is under way any more.
	Run(ctx context.Context)
}

// Off is the Mailer of a ledger that sends no letters. What waits is forgotten
// when it is worth nothing any more.
type Off struct{}

// Sends says no.
func (Off) Sends() bool { return false }

// Run does nothing.
func (Off) Run(context.Context) {}

// Format is how amounts and times are written in a language, "en" or "de".
type Format struct {
	Euro   func(language string, amount money.Micro) string
	Month  func(language string, month flattr.Month) string
	Moment func(language string, at time.Time) string // in UTC
}

// Config is what letters need.
type Config struct {
	Store  *store.Store
	Server Server
	Public *url.URL // origin under which readers reach the ledger
	Format Format
	Now    func() time.Time
	Log    *slog.Logger
}

// Post is the Mailer that sends, through an SMTP server. Other processes may do
// so on the same ledger at the same time.
type Post struct {
	config   Config
	letters  *letters
	holder   string // of this process's leases
	sorted   time.Time
	rest     time.Time // the server is left alone until then
	failures int       // of the server, in a row
}

// NewPost makes a Post, and the key by which its letters are unsubscribed from.
func NewPost(ctx context.Context, config Config) (*Post, error) {
	key, err := UnsubscribeKey(ctx, config.Store)
	if err != nil {
		return nil, err
	}
	letters, err := newLetters(config, key)
	if err != nil {
		return nil, err
	}
	return &Post{config: config, letters: letters, holder: rand.Text()}, nil
}

// Sends says yes.
func (p *Post) Sends() bool { return true }

// Run sends letters until ctx ends. What is being sent then is sent to its end.
func (p *Post) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := p.Turn(ctx); err != nil && ctx.Err() == nil {
			p.config.Log.Warn("letters are not sent now", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Turn writes what is due and sends what waits.
func (p *Post) Turn(ctx context.Context) error {
	if now := p.config.Now(); now.Sub(p.sorted).Abs() >= sortEvery {
		if err := p.summarise(ctx, now); err != nil {
			return err
		}
		p.sorted = now
	}
	due, err := p.config.Store.LettersDue(ctx, p.config.Now())
	if err != nil || !due {
		return err
	}
	if _, err := p.config.Store.SortLetters(ctx, p.config.Now(), asked); err != nil {
		return err
	}
	if p.config.Now().Before(p.rest) {
		return nil
	}
	line := &line{server: p.config.Server}
	defer line.close()
	for range perTurn {
		more, err := p.next(ctx, line)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// summarise writes the summaries of months that were closed, and forgets what is
// too old.
func (p *Post) summarise(ctx context.Context, now time.Time) error {
	dropped, err := p.config.Store.SortLetters(ctx, now, asked)
	if err != nil {
		return err
	}
	if dropped > 0 {
		p.config.Log.Warn("letters were not sent in time", "dropped", dropped)
	}
	for more := true; more && ctx.Err() == nil; {
		if more, err = p.config.Store.WriteSummaries(ctx, now); err != nil {
			return err
		}
	}
	return nil
}

// next sends the next letter that is due and says whether to go on.
func (p *Post) next(ctx context.Context, line *line) (more bool, err error) {
	if ctx.Err() != nil {
		return false, nil
	}
	now := p.config.Now()
	letter, err := p.config.Store.TakeLetter(ctx, now, p.holder, now.Add(leaseFor))
	if flattr.CodeOf(err) == flattr.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// What has begun is not cut off when the ledger stops: the server may have the
	// letter already, and it must not be sent again.
	ctx = context.WithoutCancel(ctx)
	result, failed := p.send(ctx, line, letter)
	err = p.config.Store.EndLetter(ctx, p.config.Now(), p.holder, letter, result)
	if errors.Is(err, store.ErrLetterLost) {
		err = nil
	}
	if failed != nil && failed.server {
		p.failures++
		p.rest = p.config.Now().Add(wait(p.failures - 1))
		return false, err
	}
	p.failures = 0
	return true, err
}

// send makes one try and says what becomes of the letter.
func (p *Post) send(ctx context.Context, line *line, letter store.Letter) (store.LetterResult, *failure) {
	message, err := p.letters.compose(ctx, letter)
	if err != nil {
		return p.failed(letter, &failure{what: err.Error()})
	}
	if message == nil {
		return store.LetterResult{Done: true}, nil // there is nothing to say any more
	}
	if failed := line.send(ctx, message); failed != nil {
		return p.failed(letter, failed)
	}
	return store.LetterResult{Done: true}, nil
}

// failed says what becomes of a letter that was not sent. The log names neither
// member nor address.
func (p *Post) failed(letter store.Letter, f *failure) (store.LetterResult, *failure) {
	log := p.config.Log.With("letter", letter.ID.String(), "kind", string(letter.Kind), "attempt", letter.Attempts+1)
	switch {
	case f.address:
		log.Info("a letter was refused for its address", "error", f.what)
		return store.LetterResult{Refused: true}, f
	case f.final, letter.Attempts+1 >= maxAttempts:
		log.Warn("a letter is given up", "error", f.what)
		return store.LetterResult{Done: true}, f
	}
	log.Info("a letter was not sent", "error", f.what)
	return store.LetterResult{Next: p.config.Now().Add(wait(letter.Attempts))}, f
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

// failure says why a letter was not sent.
type failure struct {
	what    string // without an address
	server  bool   // nobody's letter would be sent now
	address bool   // the server takes no letter for this address, for good
	final   bool   // the server does not want this letter, for good
}

// Error is what, for the log.
func (f *failure) Error() string { return fmt.Sprintf("%.200s", f.what) }
