package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// From joining to the first click: three steps, each of which says where it stands.

const (
	// shownToTry is how many things are offered to try: a choice, not a catalogue.
	shownToTry = 3
	// keptToTry is how many of a month's most flattred things are kept: more than are
	// shown, as some are the member's own, or gone.
	keptToTry = 20
)

// welcomePage is where a member stands on the way to the first click.
type welcomePage struct {
	Name          string
	Choice        budgetChoice
	Budget, Means money.Micro
	Step          int  // that comes next, from 1; 0: all are done
	Covered       bool // the means suffice for the budget, or it is set aside already
	Linked        bool // a companion acts for the member
	Flattred      bool
	Clicks        int
	Share         money.Micro
	Origin        string // of the ledger, as the companion is told it
	From          string // who invited, where it is their things that are shown
	Try           []tryLine
}

// tryLine is a thing to try.
type tryLine struct {
	Title, Owner string
	URL          string // where it is read
	Path         string // where the ledger shows it
}

// welcome shows the three steps.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request) {
	m, t := memberOf(r.Context()), s.tongues.of(r)
	page, err := s.welcomePage(r.Context(), m)
	if err == nil {
		page.Choice, err = s.newBudgetChoice(r.Context(), t, m.Budget)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Choice.cover(page.Means)
	s.render(w, r, http.StatusOK, "welcome", t.say("welcome.title"), page)
}

func (s *Server) welcomePage(ctx context.Context, m *flattr.Member) (welcomePage, error) {
	page := welcomePage{Name: m.Name, Budget: m.Budget, Origin: s.public.String()}
	means, months, err := s.store.Summaries(ctx, s.now(), m.ID)
	if err != nil {
		return page, fmt.Errorf("read months: %w", err)
	}
	page.Means, page.Covered = means, means >= m.Budget
	for _, month := range months {
		page.Covered = page.Covered || month.State == flattr.Running && month.Held > 0
		page.Flattred = page.Flattred || month.Clicks+month.Promises > 0
	}
	page.Clicks, page.Share = months[0].Clicks, months[0].Share
	grants, err := s.store.Grants(ctx, m.ID)
	if err != nil {
		return page, err
	}
	for _, grant := range grants {
		page.Linked = page.Linked || grant.Client == api.CompanionClient
	}
	if !page.Flattred { // in months before, perhaps
		found, err := s.store.FindClicks(ctx, s.now(), m.ID, store.ClickSearch{Limit: 1})
		if err != nil {
			return page, fmt.Errorf("look for clicks: %w", err)
		}
		page.Flattred = found.Total > 0
	}
	for i, done := range []bool{page.Covered, page.Linked, page.Flattred} {
		if !done {
			page.Step = i + 1
			break
		}
	}
	if !page.Flattred {
		page.From, page.Try, err = s.toTry(ctx, m)
	}
	return page, err
}

// toTry are things to flattr first: those of who invited the member (from), else
// what most clicks of the last month went to, else some that are listed.
func (s *Server) toTry(ctx context.Context, m *flattr.Member) (from string, lines []tryLine, err error) {
	by, err := s.store.Inviter(ctx, m.ID)
	if err != nil {
		return "", nil, err
	}
	if by != 0 {
		things, err := s.store.ThingsOf(ctx, by, false, keptToTry, 0)
		if err != nil {
			return "", nil, fmt.Errorf("read things of who invited: %w", err)
		}
		if lines = tryLines(m, things); len(lines) > 0 {
			return things[0].Owner, lines, nil
		}
	}
	last, err := s.closed.last(ctx)
	if err != nil {
		return "", nil, err
	}
	if last != nil && last.Readers >= fewReaders { // of fewer, one could be picked out
		things, err := s.first.of(ctx, last.Month)
		if err != nil {
			return "", nil, err
		}
		if lines = tryLines(m, things); len(lines) > 0 {
			return "", lines, nil
		}
	}
	things, err := s.store.AnyThings(ctx, m.ID, keptToTry)
	return "", tryLines(m, things), err
}

// tryLines are the first of the things that the member can read and flattr.
func tryLines(m *flattr.Member, things []flattr.Thing) (lines []tryLine) {
	for _, thing := range things {
		link, label, _ := listed(thing.ID, thing.URL, thing.Title)
		if link == "" || thing.Hidden || thing.Owner == "" || thing.Owner == m.Name || len(lines) == shownToTry {
			continue
		}
		lines = append(lines, tryLine{Title: label, Owner: thing.Owner, URL: link, Path: fmt.Sprintf("/thing/%d", thing.ID)})
	}
	return lines
}

// firstThings remembers what was flattred most in the newest closed month: to count
// takes time, and the month never changes.
type firstThings struct {
	store *store.Store
	mu    sync.Mutex
	month flattr.Month
	ids   []flattr.ThingID
}

// of are the things as they are now.
func (f *firstThings) of(ctx context.Context, month flattr.Month) ([]flattr.Thing, error) {
	f.mu.Lock() // one visitor counts, the others wait for it
	defer f.mu.Unlock()
	if f.month != month {
		ids, err := f.store.MostFlattred(ctx, month, keptToTry)
		if err != nil {
			return nil, err
		}
		f.month, f.ids = month, ids
	}
	return f.store.Things(ctx, f.ids)
}
