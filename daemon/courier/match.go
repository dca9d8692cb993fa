package courier

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"flattr/daemon/clicklog"
	"flattr/ledger/api"
)

// A ledger that was restored from a backup has forgotten what it had answered
// since, and does not know it. Companions remember: what counts in the running
// month or the one before is sent again, with the same ids. For a ledger that
// knows it this changes nothing; one that has forgotten it counts it, once.
//
// That is done when the ledger's figures are lower than what it said itself
// before; and, as others may have clicked meanwhile for the same member, once a
// day without a reason.
const (
	matchEvery = 24 * time.Hour // well within the 72 hours of grace
	// matchInDoubt is how long after a matching the next one is while the reader is
	// at the ledger's pages: each sends the clicks of two months again.
	matchInDoubt = time.Minute
	monthForm    = "2006-01"
)

// compare looks whether the months hold less than what the ledger said last and
// has answered since, and remembers the doubt before the new figures take the
// place of the old ones.
func (c *Courier) compare(ctx context.Context, events []clicklog.Event, answers []clicklog.Answer, months api.Months) *failure {
	before, err := c.config.Log.Summary(ctx, c.config.Account)
	if err == nil && !before.Synced.IsZero() && fewer(before, events, answers, months) {
		c.reached = ""
		c.config.Logger.Info("the ledger has fewer clicks than it said: sending them again", "account", c.config.Account)
		err = c.config.Log.KeepMatched(ctx, c.config.Account, time.Time{})
	}
	if err != nil {
		return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	return nil
}

// fewer may err to the careful side: a click taken back or claimed elsewhere
// lowers the figures too.
func fewer(before clicklog.Summary, events []clicklog.Event, answers []clicklog.Answer, months api.Months) bool {
	had := map[string]int{}
	for _, m := range before.Months {
		had[m.Month] = m.Clicks + m.Promises
	}
	kinds := map[string]clicklog.Kind{}
	for _, event := range events {
		kinds[event.ID] = event.Kind
	}
	undone := 0
	for _, a := range answers {
		counts := a.Outcome == string(api.OutcomeAccepted) || a.Outcome == string(api.OutcomeLate)
		switch {
		case kinds[a.ID] == clicklog.Undo:
			undone++
		case counts:
			had[a.Month]++
		}
	}
	for _, m := range months.Months {
		if m.Clicks+m.Promises < had[m.Month]-undone {
			return true
		}
	}
	return false
}

// matchIfDue matches the log with the ledger's if that was not done for a day,
// or not since there was doubt.
func (c *Courier) matchIfDue(ctx context.Context, months api.Months, began time.Time) *failure {
	matched, err := c.config.Log.Matched(ctx, c.config.Account)
	if err != nil {
		return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	// A clock that was set back is no reason to wait.
	if since := c.config.Now().Sub(matched); since >= 0 && since < matchEvery {
		return nil
	}
	return c.match(ctx, months, began)
}

// takeDoubt remembers that the reader may have taken something back at the ledger,
// unless the log was matched a moment ago: then it does so later.
func (c *Courier) takeDoubt(ctx context.Context) *failure {
	if !c.doubt.Load() {
		return nil
	}
	matched, err := c.config.Log.Matched(ctx, c.config.Account)
	if since := c.config.Now().Sub(matched); err == nil && since >= 0 && since < matchInDoubt {
		return nil
	}
	c.doubt.Store(err != nil)
	if err == nil && !matched.IsZero() { // else a matching is due, or under way
		c.reached = ""
		err = c.config.Log.KeepMatched(ctx, c.config.Account, time.Time{})
	}
	if err != nil {
		return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	return nil
}

// match sends again what the ledger should have, but for what it has answered
// since the sync began. What fails goes on where it was cut off.
func (c *Courier) match(ctx context.Context, months api.Months, began time.Time) *failure {
	counting := countingMonths(months)
	for range maxRounds {
		events, err := c.config.Log.Counted(ctx, c.config.Account, counting, c.reached, began, c.config.Now(), api.MaxBatch)
		if err == nil && len(events) == 0 {
			c.reached = ""
			err = c.config.Log.KeepMatched(ctx, c.config.Account, c.config.Now())
		}
		if err != nil {
			return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
		}
		if len(events) == 0 {
			return nil
		}
		sent, failed := c.remind(ctx, events)
		if failed != nil {
			return failed
		}
		c.reached = events[sent-1].ID
		c.delays.Reset()
	}
	return nil
}

// remind sends a batch of what the ledger has answered before, says how many it
// took, and tells of what has become of them only where that is something else.
func (c *Courier) remind(ctx context.Context, events []clicklog.Event) (int, *failure) {
	results, sent, failed := c.send(ctx, events)
	if failed != nil {
		if _, unreadable := failed.unreadable(); !unreadable {
			return 0, failed
		}
		if sent > 1 {
			return c.remind(ctx, events[:sent/2])
		}
		return sent, nil // it was taken once; what it is now is not to be worse
	}
	answers, _ := readAnswers(results)
	ids := make([]string, len(answers))
	for i, a := range answers {
		ids[i] = a.ID
	}
	before, err := c.config.Log.Touched(ctx, c.config.Account, ids)
	if err != nil {
		return 0, &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	if failed := c.store(ctx, answers, results.Months); failed != nil {
		return 0, failed
	}
	after, err := c.config.Log.Touched(ctx, c.config.Account, ids)
	if err != nil {
		return 0, &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	c.config.Changed(changed(before, after))
	return sent, nil
}

// changed are the ids of clicks of which something else is known now.
func changed(before, after []clicklog.Row) []string {
	known := map[string]clicklog.Row{}
	for _, row := range before {
		known[row.Event.ID] = row
	}
	var ids []string
	for _, row := range after {
		if !reflect.DeepEqual(row, known[row.Event.ID]) {
			ids = append(ids, row.Event.ID)
		}
	}
	return ids
}

// countingMonths are the ledger's running month and the one before.
func countingMonths(months api.Months) []string {
	if len(months.Months) == 0 {
		return nil
	}
	running, err := time.Parse(monthForm, months.Months[0].Month)
	if err != nil {
		return nil
	}
	return []string{running.Format(monthForm), running.AddDate(0, -1, 0).Format(monthForm)}
}
