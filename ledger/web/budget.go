package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// A budget is chosen by slider or by number. The pages have no script, and without
// one a range input shows its value to nobody who sees it; so the slider is a row of
// radio buttons on a track. Each stop shows its amount and says it to a screen
// reader, arrow keys go from stop to stop, and one of them is what is in force now.
//
// The number beside it is empty until somebody writes an amount. What is written
// counts, whatever the slider says: it is the more exact of the two. The page shows
// that as it is typed (style/flattr.css: the mark on the track turns hollow), and
// the answer names the amount that was set.

// budgetStops are the amounts of the slider. Its steps grow, so that the amounts
// that most people choose lie apart.
var budgetStops = []money.Micro{
	flattr.MinBudget, 3 * money.Euro, 5 * money.Euro, 10 * money.Euro, 20 * money.Euro, 50 * money.Euro, 100 * money.Euro,
}

// budgetChoice is slider and number as a form shows them.
type budgetChoice struct {
	Stops    []budgetStop
	Typed    string // the number, as typed
	Wrong    string
	Min, Max money.Micro
	Covered  money.Micro // up to which means suffice; 0: for none, or for all
}

// budgetStop is one place of the slider.
type budgetStop struct {
	Amount money.Micro
	Short  string // as it stands below the track: without sign, and cents only where there are any
	Chosen bool
}

// newBudgetChoice shows a slider at an amount, which gets a stop of its own where
// it is none.
func (s *Server) newBudgetChoice(ctx context.Context, t *tongue, at money.Micro) (budgetChoice, error) {
	most, err := s.store.MaxBudget(ctx)
	if err != nil {
		return budgetChoice{}, fmt.Errorf("read largest budget: %w", err)
	}
	choice := budgetChoice{Min: flattr.MinBudget, Max: most}
	amounts := []money.Micro{at}
	for _, amount := range budgetStops {
		if amount <= most {
			amounts = append(amounts, amount)
		}
	}
	slices.Sort(amounts)
	for _, amount := range slices.Compact(amounts) {
		short := t.plainEuro(amount)
		if amount%money.Euro == 0 {
			short = short[:len(short)-len(".00")]
		}
		choice.Stops = append(choice.Stops, budgetStop{Amount: amount, Short: short, Chosen: amount == at})
	}
	return choice, nil
}

// cover tells up to which budget means suffice, where they do not for all of them.
func (c *budgetChoice) cover(means money.Micro) {
	if means >= c.Min && means < c.Max {
		c.Covered = means
	}
}

// pick shows what a posted form had chosen, and what is wrong with it.
func (c *budgetChoice) pick(form url.Values, wrong string) {
	c.Typed, c.Wrong = cut(form.Get("budget")), wrong
	at, err := readEuro(form.Get("stop"))
	if err != nil || !slices.ContainsFunc(c.Stops, func(stop budgetStop) bool { return stop.Amount == at }) {
		return
	}
	for i := range c.Stops {
		c.Stops[i].Chosen = c.Stops[i].Amount == at
	}
}

// chosenBudget is what a form with slider and number asks for: what is written, else
// where the slider stands, else 0.
func chosenBudget(form url.Values) (money.Micro, error) {
	if chosen := cmp.Or(strings.TrimSpace(form.Get("budget")), form.Get("stop")); chosen != "" {
		return readEuro(chosen)
	}
	return 0, nil
}

// changeBudget sets the budget, or says why not and keeps what was chosen.
func (s *Server) changeBudget(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	amount, err := chosenBudget(r.PostForm)
	if err != nil {
		s.showMonth(w, r, http.StatusUnprocessableEntity, t.say("wrong.budget_form", t.plainEuro(flattr.MinBudget)))
		return
	}
	err = s.store.SetBudget(r.Context(), s.now(), m.ID, amount)
	var refused *flattr.Error
	switch {
	case err == nil:
		s.sessions.Put(r.Context(), sessionNotice, t.say("budget.done", t.euro(amount)))
		http.Redirect(w, r, cmp.Or(safeNext(r.PostForm.Get("next")), "/month"), http.StatusSeeOther)
	case errors.As(err, &refused):
		wrong, err := s.budgetSentence(r.Context(), t, m.Means, refused)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.showMonth(w, r, http.StatusUnprocessableEntity, wrong)
	default:
		s.fail(w, r, fmt.Errorf("set budget: %w", err))
	}
}

// budgetSentence names the bounds, or the means, that a refused budget met.
func (s *Server) budgetSentence(ctx context.Context, t *tongue, means money.Micro, refused *flattr.Error) (string, error) {
	switch refused.Code {
	case flattr.BudgetRange:
		limit, err := s.store.MaxBudget(ctx)
		if err != nil {
			return "", fmt.Errorf("read largest budget: %w", err)
		}
		return t.say("wrong.budget_range", t.euro(flattr.MinBudget), t.euro(limit)), nil
	case flattr.NoMeans:
		return t.say("wrong.no_means", t.euro(means)), nil
	default:
		return sentence(t, refused), nil
	}
}
