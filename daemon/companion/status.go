package companion

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"flattr/daemon/accounts"
	"flattr/daemon/clicklog"
	"flattr/daemon/wire"
	"flattr/ledger/thing"
)

// staleAfter is how old the ledger's figures may be before a reader who looks
// at them has them asked for again.
const staleAfter = 10 * time.Second

// anewAfter is how old they are at least when the reader comes from the ledger's
// pages: whoever goes from page to page there has it asked once a second at most.
const anewAfter = time.Second

// maxPreview bounds the clicks read for the preview of a month; the busiest
// reader known of made 933.
const maxPreview = 5000

// statusAsked answers the question for the status, and has the ledger asked
// when its figures are old, for the reader may have topped up meanwhile; or soon,
// when the reader may have taken something back there.
func (s *session) statusAsked(ctx context.Context, ask wire.StatusAsk) (any, error) {
	account := s.account()
	status, err := s.companion.status(ctx, s.conn.UID, account)
	if err != nil {
		return nil, err
	}
	status.ID = ask.ID
	if account != 0 {
		synced, err := time.Parse(time.RFC3339, status.LastSync)
		switch age := s.companion.config.Now().Sub(synced); {
		case ask.Anew && (err != nil || age > anewAfter):
			s.companion.couriers.doubt(account)
		case ask.Anew:
			time.AfterFunc(min(anewAfter-age, anewAfter), func() { s.companion.couriers.doubt(account) })
		case err != nil || age > staleAfter:
			s.companion.couriers.wake(account)
		}
	}
	return status, nil
}

// status says whether all is well for one user, acting for one account or none.
func (c *Companion) status(ctx context.Context, uid uint32, id accounts.AccountID) (wire.Status, error) {
	status := wire.Status{
		Type: wire.TypeStatus, Version: c.config.Version, Ledger: c.config.Ledger,
		Months: []wire.MonthSummary{}, Problems: c.storageProblems(),
	}
	if id == 0 {
		all, err := c.accounts.Accounts(ctx, uid)
		if err != nil {
			return status, err
		}
		for _, account := range all {
			if account.Token != (accounts.Token{}) {
				status.Accounts = append(status.Accounts, shownAccount(account))
			}
		}
		status.Problems = append(status.Problems, wire.StatusProblem{Code: wire.CodeNotLinked, Sentence: "Sign in, so that your clicks reach the ledger."})
		return status, nil
	}
	account, err := c.accounts.Account(ctx, id)
	if err != nil {
		return status, err
	}
	shown := shownAccount(account)
	status.Account, status.Ledger = &shown, account.Ledger
	figures, err := c.figures(ctx, id)
	if err != nil {
		return status, err
	}
	status.Months, status.MeansMicro, status.Unsent, status.Problems = figures.months, figures.meansMicro, figures.unsent, append(status.Problems, figures.problems...)
	if !figures.synced.IsZero() {
		status.LastSync = figures.synced.UTC().Format(time.RFC3339)
	}
	return status, nil
}

func shownAccount(account accounts.Account) wire.Account {
	return wire.Account{ID: formatAccount(account.ID), Name: account.Name, Ledger: account.Ledger}
}

func formatAccount(id accounts.AccountID) string { return strconv.FormatInt(int64(id), 10) }

// figures is what is known of an account's open months.
type figures struct {
	months     []wire.MonthSummary
	meansMicro int64
	unsent     int
	synced     time.Time
	problems   []wire.StatusProblem
}

// figures joins what the ledger last said with what it has not answered yet.
func (c *Companion) figures(ctx context.Context, id accounts.AccountID) (figures, error) {
	f := figures{problems: []wire.StatusProblem{}}
	summary, err := c.clicks.Summary(ctx, int64(id))
	if err != nil {
		return f, err
	}
	f.meansMicro, f.synced = summary.MeansMicro, summary.Synced
	if f.unsent, err = c.clicks.Unsent(ctx, int64(id)); err != nil {
		return f, err
	}
	now := c.ledgerTime(id)
	rows, err := c.clicks.InMonths(ctx, int64(id), openMonths(now), math.MaxInt64, maxPreview)
	if err != nil {
		return f, err
	}
	f.months = preview(summary, rows, now)
	if state := c.couriers.state(id); state.Problem != "" {
		f.problems = append(f.problems, wire.StatusProblem{Code: state.Problem, Sentence: state.Sentence})
	}
	if problem, ok := clockProblem(c.couriers.state(id).Skew); ok {
		f.problems = append(f.problems, problem)
	}
	if row, ok := lacksMeans(rows); ok {
		f.problems = append(f.problems, wire.StatusProblem{Code: wire.Code(row.Code), Sentence: row.Sentence})
	}
	return f, nil
}

// clockTolerance is by how much the clocks may differ before the reader is
// told: near a month's end that much decides in which month a click counts.
const clockTolerance = 5 * time.Minute

// clockProblem says that this machine's clock is wrong; skew is the ledger's
// clock less ours.
func clockProblem(skew time.Duration) (wire.StatusProblem, bool) {
	if skew.Abs() < clockTolerance {
		return wire.StatusProblem{}, false
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	return wire.StatusProblem{Code: wire.CodeClockWrong, Sentence: fmt.Sprintf(
		"This machine's clock is %s %s the ledger's. Set it right, so that clicks count in the right month.", roughly(skew.Abs()), direction)}, true
}

// roughly says a length of time as one would.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", (d+12*time.Hour)/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", (d+30*time.Minute)/time.Hour)
	default:
		return fmt.Sprintf("%d minutes", (d+30*time.Second)/time.Minute)
	}
}

// lacksMeans finds a click that waits for the reader to top up.
func lacksMeans(rows []clicklog.Row) (clicklog.Row, bool) {
	for _, row := range rows {
		if row.State == wire.StateRefused && row.Code == noMeans {
			return row, true
		}
	}
	return clicklog.Row{}, false
}

// Codes of the ledger that mean something to the companion too.
const noMeans = "no_means"

// preview recomputes the open months: to the ledger's last figures come the
// clicks and undos it has not answered, so that what a click is worth is right
// while the ledger is away.
func preview(summary clicklog.Summary, rows []clicklog.Row, now time.Time) []wire.MonthSummary {
	if summary.Synced.IsZero() {
		return []wire.MonthSummary{}
	}
	months := []wire.MonthSummary{}
	for i, name := range openMonths(now) {
		month := wire.MonthSummary{Month: name, State: "running", BudgetMicro: lastBudget(summary)}
		for _, known := range summary.Months {
			if known.Month == name {
				month = known
			}
		}
		month.State = "running"
		if i > 0 {
			month.State = "grace"
		}
		addUnsent(&month, rows, now)
		if i > 0 && month.Clicks == 0 && month.Promises == 0 {
			continue // nothing happened in the month that ended
		}
		month.ShareMicro = 0
		if month.Clicks > 0 {
			month.ShareMicro = month.BudgetMicro / int64(month.Clicks)
		}
		months = append(months, month)
	}
	return months
}

// lastBudget is the newest budget known, for a month the ledger has not spoken of.
func lastBudget(summary clicklog.Summary) int64 {
	if len(summary.Months) == 0 {
		return 0
	}
	return summary.Months[0].BudgetMicro
}

// addUnsent adds to a month the things whose clicks the ledger has not
// answered, and takes off the clicks whose undo it has not answered. A thing
// counts once.
func addUnsent(month *wire.MonthSummary, rows []clicklog.Row, now time.Time) {
	counted := map[string]bool{}
	for _, row := range rows {
		if row.Month == month.Month && !row.Unsent && (row.State == wire.StateAccepted || row.State == wire.StateLate) {
			counted[key(row)] = true
		}
	}
	for _, row := range rows {
		counts := row.Outcome == string(wire.StateAccepted) || row.Outcome == string(wire.StateLate)
		switch {
		case row.Unsent && row.State == wire.StateWaiting && countsIn(row, now) == month.Month && !counted[key(row)]:
			counted[key(row)] = true
			month.Clicks++
		case row.State == wire.StateUndone && counts && !row.UndoSent && row.Month == month.Month:
			if row.Promise {
				month.Promises = max(0, month.Promises-1)
			} else {
				month.Clicks = max(0, month.Clicks-1)
			}
		}
	}
}

// countsIn is the month in which a click that is sent now would count.
func countsIn(row clicklog.Row, now time.Time) string {
	if isOpen(row.Month, now) {
		return row.Month
	}
	return now.UTC().Format(monthFormat)
}

// key tells things apart as the ledger does, as far as the companion can.
func key(row clicklog.Row) string {
	address := row.URL
	if address == "" {
		address = row.Event.Thing.URL
	}
	if key, err := thing.KeyOf(address); err == nil {
		return string(key)
	}
	return row.Event.Thing.ID + " " + row.Event.Thing.FID + " " + address
}

// ledgerTime is our clock corrected by what the ledger's answers say.
func (c *Companion) ledgerTime(id accounts.AccountID) time.Time {
	return c.config.Now().Add(c.couriers.state(id).Skew)
}
