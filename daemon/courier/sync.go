package courier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

// errLog says that the click log failed, not the ledger.
var errLog = errors.New("the click log failed")

// sync sends everything that is pending, tries again what may be taken now,
// matches the log with the ledger's where there is reason to, and keeps the
// ledger's answers. nil when nothing is left to send.
func (c *Courier) sync(ctx context.Context) *failure {
	began := c.config.Now()
	months, failed := c.pending(ctx)
	if failed == nil && months == nil {
		months, failed = c.months(ctx)
	}
	if failed == nil && canHold(*months) {
		failed = c.again(ctx)
	}
	if failed != nil {
		return failed
	}
	if failed := c.takeDoubt(ctx); failed != nil {
		return failed
	}
	// Last, so that it holds up nothing that is new.
	return c.matchIfDue(ctx, *months, began)
}

// again sends what the ledger has refused for now. It ends when it is refused
// again.
func (c *Courier) again(ctx context.Context) *failure {
	first := ""
	for range maxRounds {
		events, err := c.config.Log.Retryable(ctx, c.config.Account, api.MaxBatch)
		if err != nil {
			return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
		}
		if len(events) == 0 || events[0].ID == first {
			return nil
		}
		first = events[0].ID
		if _, failed := c.deliver(ctx, events); failed != nil {
			return failed
		}
	}
	return nil
}

// canHold tells whether the member's means cover the budget of the running
// month, or it is held already: then a click that was refused for lack of
// means can be taken.
func canHold(months api.Months) bool {
	if len(months.Months) == 0 {
		return false
	}
	running := months.Months[0]
	return running.HeldMicro > 0 || months.MeansMicro >= running.BudgetMicro
}

// pending sends what the ledger has not answered, batch after batch. The
// months are nil when there was nothing to send.
func (c *Courier) pending(ctx context.Context) (*api.Months, *failure) {
	var last *api.Months
	for range maxRounds {
		events, err := c.config.Log.Pending(ctx, c.config.Account, api.MaxBatch)
		if err != nil {
			return nil, &failure{err: fmt.Errorf("%w: %w", errLog, err)}
		}
		if len(events) == 0 {
			return last, nil
		}
		months, failed := c.deliver(ctx, events)
		if failed != nil {
			return nil, failed
		}
		last = months
	}
	return last, nil
}

// deliver sends a batch from the front of events and keeps the answers. A
// batch that the ledger cannot read as a whole is halved, so that one bad
// event does not hold up the others.
func (c *Courier) deliver(ctx context.Context, events []clicklog.Event) (*api.Months, *failure) {
	results, sent, failed := c.send(ctx, events)
	if failed == nil {
		return c.keepResults(ctx, events, results)
	}
	problem, unreadable := failed.unreadable()
	switch {
	case !unreadable:
		return nil, failed
	case sent > 1:
		return c.deliver(ctx, events[:sent/2])
	default:
		return c.refused(ctx, events[0].ID, problem)
	}
}

// send sends a batch from the front of events and says how many it took.
func (c *Courier) send(ctx context.Context, events []clicklog.Event) (api.Results, int, *failure) {
	out := make([]api.Event, len(events))
	for i, event := range events {
		out[i] = encode(event)
	}
	batch, err := api.Cut(out)
	if err != nil {
		return api.Results{}, 0, &failure{err: err}
	}
	var results api.Results
	failed := c.request(ctx, func(ctx context.Context, client *api.Client) (meta api.Meta, err error) {
		results, meta, err = client.Send(ctx, batch)
		return meta, err
	})
	return results, len(batch.Events), failed
}

// keepResults keeps what the ledger said of a batch. What it said in words of a
// later version is asked again later; the rest is not held up by that.
func (c *Courier) keepResults(ctx context.Context, events []clicklog.Event, results api.Results) (*api.Months, *failure) {
	answers, unknown := readAnswers(results)
	if len(answers) == 0 && unknown != nil {
		return nil, &failure{err: unknown}
	}
	if failed := c.compare(ctx, events, answers, results.Months); failed != nil {
		return nil, failed
	}
	months, failed := c.keep(ctx, answers, results.Months)
	if failed != nil {
		return nil, failed
	}
	if slices.ContainsFunc(answers, func(a clicklog.Answer) bool { return !a.Retry }) {
		c.delays.Reset() // it went on, however slowly
	}
	if unknown != nil {
		return nil, &failure{err: unknown}
	}
	return months, nil
}

// readAnswers reads the results that this version knows, and says of one that
// it does not.
func readAnswers(results api.Results) (answers []clicklog.Answer, unknown error) {
	for _, result := range results.Results {
		a, err := answer(result)
		if err != nil {
			unknown = err
			continue
		}
		answers = append(answers, a)
	}
	return answers, unknown
}

// unreadable tells whether the ledger refused a request because of what is in it.
func (f *failure) unreadable() (api.Problem, bool) {
	var problem *api.Error
	if !errors.As(f.err, &problem) || !errors.Is(problem, api.ErrRejected) {
		return api.Problem{}, false
	}
	return problem.Problem, problem.Status == http.StatusBadRequest || problem.Status == http.StatusRequestEntityTooLarge
}

// refused keeps an event that the ledger cannot read as refused, for the reader to see.
func (c *Courier) refused(ctx context.Context, id string, problem api.Problem) (*api.Months, *failure) {
	months, failed := c.months(ctx)
	if failed != nil {
		return nil, failed
	}
	refused := clicklog.Answer{ID: id, Outcome: string(api.OutcomeRefused), Code: cut(problem.Code, maxCodeRunes), Sentence: cut(problem.Sentence, maxSentenceRunes)}
	return c.keep(ctx, []clicklog.Answer{refused}, *months)
}

// months asks for the member's open months and keeps them.
func (c *Courier) months(ctx context.Context) (*api.Months, *failure) {
	var months api.Months
	failed := c.request(ctx, func(ctx context.Context, client *api.Client) (meta api.Meta, err error) {
		months, meta, err = client.Months(ctx)
		return meta, err
	})
	if failed != nil {
		return nil, failed
	}
	if failed := c.compare(ctx, nil, nil, months); failed != nil {
		return nil, failed
	}
	return c.keep(ctx, nil, months)
}

// keep stores answers and summary, then tells of them.
func (c *Courier) keep(ctx context.Context, answers []clicklog.Answer, months api.Months) (*api.Months, *failure) {
	if failed := c.store(ctx, answers, months); failed != nil {
		return nil, failed
	}
	ids := make([]string, len(answers))
	for i, a := range answers {
		ids[i] = a.ID
	}
	c.config.Changed(ids)
	return &months, nil
}

// store makes answers and summary durable, in one step.
func (c *Courier) store(ctx context.Context, answers []clicklog.Answer, months api.Months) *failure {
	open := months.Months[:min(len(months.Months), maxMonths)]
	summary := clicklog.Summary{MeansMicro: months.MeansMicro, Synced: c.config.Now(), Months: make([]wire.MonthSummary, len(open))}
	for i, m := range open {
		summary.Months[i] = wire.MonthSummary{
			Month: m.Month, State: m.State, BudgetMicro: m.BudgetMicro,
			Clicks: m.Clicks, Promises: m.Promises, ShareMicro: m.ShareMicro,
		}
	}
	if err := c.config.Log.Answered(ctx, c.config.Account, answers, summary); err != nil {
		return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	return nil
}

// request makes one request with the present token, and once more with a
// renewed one if the ledger does not know it any more.
func (c *Courier) request(ctx context.Context, do func(context.Context, *api.Client) (api.Meta, error)) *failure {
	refused := ""
	for {
		token, err := c.config.Token(ctx, refused)
		if err != nil {
			return &failure{err: err}
		}
		if c.client == nil || token != c.token {
			if c.client, err = api.NewClient(c.config.Ledger, token); err != nil {
				return &failure{err: err}
			}
			c.token = token
		}
		meta, err := c.exchange(ctx, do)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, api.ErrUnauthorized) && refused == "":
			refused = token
		case errors.Is(err, api.ErrUnauthorized):
			return &failure{err: ErrSignIn}
		default:
			if meta.Date.IsZero() { // no answer: the connection may be one that nobody holds any more
				c.client.CloseIdle()
				c.client = nil
			}
			return &failure{err: err, retryAfter: meta.RetryAfter}
		}
	}
}

// exchange makes one request, which NewNetwork can give up.
func (c *Courier) exchange(ctx context.Context, do func(context.Context, *api.Client) (api.Meta, error)) (api.Meta, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := c.config.Now()
	c.mu.Lock()
	c.asked, c.giveUp = asked, cancel
	c.mu.Unlock()
	if c.stale.Swap(false) { // only now: a network that comes later gives the request up
		c.client.CloseIdle()
	}
	meta, err := do(ctx, c.client)
	c.mu.Lock()
	c.giveUp = nil
	c.mu.Unlock()
	c.learn(meta, asked)
	return meta, err
}

// encode writes an event for the ledger.
func encode(event clicklog.Event) api.Event {
	if event.Kind == clicklog.Undo {
		return api.Event{ID: event.ID, Kind: api.KindUndo, At: event.At, Click: event.Click}
	}
	thing := api.Thing(event.Thing)
	return api.Event{ID: event.ID, Kind: api.KindClick, At: event.At, Thing: &thing}
}
