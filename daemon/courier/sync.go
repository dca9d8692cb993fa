package courier

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/api"
)

// errLog says that the click log failed, not the ledger.
var errLog = errors.New("the click log failed")

// sync sends everything that is pending, tries again what may be taken now,
// and keeps the ledger's answers. nil when nothing is left to send.
func (c *Courier) sync(ctx context.Context) *failure {
	months, failed := c.pending(ctx)
	if failed != nil {
		return failed
	}
	if months == nil {
		if months, failed = c.months(ctx); failed != nil {
			return failed
		}
	}
	if !canHold(*months) {
		return nil
	}
	again, err := c.config.Log.Retryable(ctx, c.config.Account, api.MaxBatch)
	if err != nil {
		return &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	if len(again) == 0 {
		return nil
	}
	_, failed = c.deliver(ctx, again)
	return failed
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
	out := make([]api.Event, len(events))
	for i, event := range events {
		out[i] = encode(event)
	}
	batch, err := api.Cut(out)
	if err != nil {
		return nil, &failure{err: err}
	}
	var results api.Results
	failed := c.request(ctx, func(client *api.Client) (meta api.Meta, err error) {
		results, meta, err = client.Send(ctx, batch)
		return meta, err
	})
	var problem *api.Error
	if failed != nil && errors.As(failed.err, &problem) && unreadable(problem) {
		if len(batch.Events) > 1 {
			return c.deliver(ctx, events[:len(batch.Events)/2])
		}
		return c.giveUp(ctx, batch.Events[0].ID, problem.Problem)
	}
	if failed != nil {
		return nil, failed
	}
	answers := make([]clicklog.Answer, len(results.Results))
	for i, result := range results.Results {
		if answers[i], err = answer(result); err != nil {
			return nil, &failure{err: err}
		}
	}
	return c.keep(ctx, answers, results.Months)
}

// unreadable tells whether the ledger refused a request because of what is in it.
func unreadable(problem *api.Error) bool {
	return errors.Is(problem, api.ErrRejected) && (problem.Status == http.StatusBadRequest || problem.Status == http.StatusRequestEntityTooLarge)
}

// giveUp keeps an event that the ledger cannot read as refused, for the reader to see.
func (c *Courier) giveUp(ctx context.Context, id string, problem api.Problem) (*api.Months, *failure) {
	months, failed := c.ask(ctx)
	if failed != nil {
		return nil, failed
	}
	refused := clicklog.Answer{ID: id, Outcome: string(api.OutcomeRefused), Code: cut(problem.Code, maxCodeRunes), Sentence: cut(problem.Sentence, maxSentenceRunes)}
	return c.keep(ctx, []clicklog.Answer{refused}, months)
}

// months asks for the member's open months and keeps them.
func (c *Courier) months(ctx context.Context) (*api.Months, *failure) {
	months, failed := c.ask(ctx)
	if failed != nil {
		return nil, failed
	}
	return c.keep(ctx, nil, months)
}

func (c *Courier) ask(ctx context.Context) (months api.Months, failed *failure) {
	failed = c.request(ctx, func(client *api.Client) (meta api.Meta, err error) {
		months, meta, err = client.Months(ctx)
		return meta, err
	})
	return months, failed
}

// keep stores answers and summary, then tells of them.
func (c *Courier) keep(ctx context.Context, answers []clicklog.Answer, months api.Months) (*api.Months, *failure) {
	summary := clicklog.Summary{MeansMicro: months.MeansMicro, Synced: c.config.Now(), Months: make([]wire.MonthSummary, len(months.Months))}
	for i, m := range months.Months {
		summary.Months[i] = wire.MonthSummary{
			Month: m.Month, State: m.State, BudgetMicro: m.BudgetMicro,
			Clicks: m.Clicks, Promises: m.Promises, ShareMicro: m.ShareMicro,
		}
	}
	if err := c.config.Log.Answered(ctx, c.config.Account, answers, summary); err != nil {
		return nil, &failure{err: fmt.Errorf("%w: %w", errLog, err)}
	}
	ids := make([]string, len(answers))
	for i, a := range answers {
		ids[i] = a.ID
	}
	c.config.Changed(ids)
	return &months, nil
}

// request makes one request with the present token, and once more with a
// renewed one if the ledger does not know it any more.
func (c *Courier) request(ctx context.Context, do func(*api.Client) (api.Meta, error)) *failure {
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
		asked := c.config.Now()
		meta, err := do(c.client)
		c.learn(meta, asked)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, api.ErrUnauthorized) && refused == "":
			refused = token
		case errors.Is(err, api.ErrUnauthorized):
			return &failure{err: ErrSignIn}
		default:
			return &failure{err: err, retryAfter: meta.RetryAfter}
		}
	}
}

// encode writes an event for the ledger.
func encode(event clicklog.Event) api.Event {
	if event.Kind == clicklog.Undo {
		return api.Event{ID: event.ID, Kind: api.KindUndo, At: event.At, Click: event.Click}
	}
	thing := api.Thing(event.Thing)
	return api.Event{ID: event.ID, Kind: api.KindClick, At: event.At, Thing: &thing}
}
