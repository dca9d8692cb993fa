package courier

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

var errAway = errors.New("away")

// still is a courier whose clock stands still.
func still() (*Courier, time.Time) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return New(Config{Now: func() time.Time { return now }, Changed: func([]string) {}, Logger: slog.New(slog.DiscardHandler)}), now
}

func TestBackOffHasFullJitterFromASecondToAQuarterOfAnHour(t *testing.T) {
	const couriers, tries = 400, 14
	waits := make([][]time.Duration, tries)
	for range couriers {
		c, _ := still()
		for try := range tries {
			waits[try] = append(waits[try], c.pause(t.Context(), &failure{err: errAway}))
		}
	}
	bound := time.Second
	for try := range tries {
		var least, most, sum time.Duration = time.Hour, 0, 0
		for _, wait := range waits[try] {
			least, most, sum = min(least, wait), max(most, wait), sum+wait
		}
		mean := sum / couriers
		if most > bound || most < bound*9/10 || least > bound/10 || mean < bound*4/10 || mean > bound*6/10 {
			t.Errorf("try %d: waits from %v to %v, %v in the mean; want them spread evenly from 0 to %v", try, least, most, mean, bound)
		}
		bound = min(2*bound, 15*time.Minute)
	}
}

func TestALedgerThatAsksToWaitIsLeftAloneButForAClickAQuarterOfAnHour(t *testing.T) {
	for _, asked := range []time.Duration{5 * time.Second, time.Hour, 24 * time.Hour} {
		c, now := still()
		wait := c.pause(t.Context(), &failure{err: errAway, retryAfter: asked})
		if wait < asked || wait > asked+time.Second {
			t.Errorf("Retry-After %v: the next try after %v, want it and at most a second of jitter", asked, wait)
		}
		if hold, want := c.earliest.Sub(now), min(asked, 15*time.Minute); hold != want {
			t.Errorf("Retry-After %v: a new click is held for %v, want %v", asked, hold, want)
		}
	}
	many := map[time.Duration]bool{}
	for range 20 {
		c, _ := still()
		many[c.pause(t.Context(), &failure{err: errAway, retryAfter: time.Minute})] = true
	}
	if len(many) < 10 {
		t.Errorf("20 couriers that were asked to wait come back at %d different times", len(many))
	}
}
