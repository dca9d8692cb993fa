package web

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// The list of a month on the month's page is bounded, so that the page stays below
// 100 kB; the others are on the page of the month itself.
const (
	maxShownClicks = 80
	// clicksRoom is what all lists on the page take together, in bytes, of which one
	// click takes clickFrame beside its title, its address and its author.
	clicksRoom = 76_000
	clickFrame = 800
)

// monthPage is what a reader sees of the open months.
type monthPage struct {
	Name     string
	Review   []openMonth // ended, but still open for changes
	Months   []openMonth
	Promises int // of months before, that still wait
	// The first subscriptions, and how many more there are.
	Subscriptions     subscriptionTable
	MoreSubscriptions int
	Means             money.Micro
	Budget            budgetChoice
	Invites           []inviteLine // still to give away, the first of them
	ToGive            int          // all that are
	Joined            []inviteLine // given away and used, the last of them
	MoreJoined        int          // beside these
}

// openMonth is the running month or the one in its grace.
type openMonth struct {
	flattr.MonthSummary
	Running bool
	Table   clickTable  // newest first
	Hidden  int         // older clicks that are not shown
	Thanks  int         // notes of authors for it
	Without money.Micro // what each of the others is worth when one is taken out; 0: there are none
}

// clickLine is one click as the page shows it.
type clickLine struct {
	flattr.ClickView
	Link    string // the thing's URL if it is one a browser may follow, else ""
	Label   string // title, or the URL where there is none
	State   string // key of the word
	Hint    string // key of the sentence, or ""
	CanUndo bool
	Said    string // the label for a button, not too long to be read out
	Month   flattr.Month
	Settled bool // what it is worth is no preview
}

type inviteLine struct {
	flattr.Invite
	Link string
}

// month shows the reader's open months.
func (s *Server) month(w http.ResponseWriter, r *http.Request) {
	s.showMonth(w, r, http.StatusOK, "")
}

// showMonth shows the month, with what is wrong with a budget that was posted.
func (s *Server) showMonth(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	m, t := memberOf(r.Context()), s.tongues.of(r)
	page, err := s.monthPage(r.Context(), m)
	if err == nil {
		page.Budget, err = s.newBudgetChoice(r.Context(), t, m.Budget)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wrong != "" {
		page.Budget.pick(r.PostForm, wrong)
	}
	s.render(w, r, status, "month", t.say("month.title"), page)
}

func (s *Server) monthPage(ctx context.Context, m *flattr.Member) (monthPage, error) {
	now := s.now()
	page := monthPage{Name: m.Name}
	means, summaries, err := s.store.Summaries(ctx, now, m.ID)
	if err != nil {
		return page, fmt.Errorf("read months: %w", err)
	}
	page.Means = means
	room := clicksRoom / len(summaries)
	for i, summary := range summaries {
		found, err := s.store.FindClicks(ctx, now, m.ID, store.ClickSearch{Month: summary.Month, Limit: maxShownClicks})
		if err != nil {
			return page, fmt.Errorf("read clicks: %w", err)
		}
		// A month in its grace is shown when there is something to see in it, and
		// then comes first: it can be looked over until it is settled.
		month := newOpenMonth(summary, found, now, room)
		if notes, err := s.store.Notes(ctx, m.ID, summary.Month, shownNotes); err != nil {
			return page, err
		} else {
			month.Thanks = len(notes)
		}
		switch {
		case i == 0:
			page.Months = append(page.Months, month)
		case found.Total > 0:
			page.Review = append(page.Review, month)
		}
	}
	page.Subscriptions.Next = "/month"
	if page.Subscriptions.Lines, page.MoreSubscriptions, err = s.subscriptionLines(ctx, now, m.ID, 1, shownSubscriptions); err != nil {
		return page, err
	}
	if _, page.Promises, err = s.store.WaitingPromises(ctx, now, m.ID, 0, 0); err != nil {
		return page, err
	}
	invites, err := s.store.Invites(ctx, m.ID)
	if err != nil {
		return page, fmt.Errorf("read invites: %w", err)
	}
	page.invite(invites, s.inviteLink)
	return page, nil
}

// invite shows the first invites that can be given away, and the last that were
// used: the operator can give a member thousands, and the page stays small.
func (p *monthPage) invite(invites []flattr.Invite, link func(code string) string) {
	for _, invite := range invites {
		line := inviteLine{Invite: invite, Link: link(invite.Code)}
		switch {
		case invite.Used:
			p.Joined = append(p.Joined, line)
		case p.ToGive < shownInvites:
			p.Invites = append(p.Invites, line)
			fallthrough
		default:
			p.ToGive++
		}
	}
	p.MoreJoined = max(0, len(p.Joined)-shownInvites)
	p.Joined = p.Joined[p.MoreJoined:]
}

// shownInvites bounds the invites on the page, those that were used apart.
const shownInvites = 20

func newOpenMonth(summary flattr.MonthSummary, found store.FoundClicks, now time.Time, room int) openMonth {
	month := openMonth{
		MonthSummary: summary, Running: summary.State == flattr.Running,
		Table: clickTable{Month: summary.Month, Clicks: fitting(clickLines(found.Clicks, now), room)},
	}
	month.Hidden = found.Total - len(month.Table.Clicks)
	month.Table.Review = !month.Running
	if summary.Clicks > 1 {
		month.Without, _ = money.Split(summary.Budget, summary.Clicks-1)
	}
	return month
}

// fitting is as many of the lines as there is room for.
func fitting(lines []clickLine, room int) []clickLine {
	for i, line := range lines {
		said := len(html.EscapeString(line.Label)) + len(html.EscapeString(line.Said)) + len(html.EscapeString(line.URL)) + 3*len(line.Owner)
		if room -= clickFrame + said; room < 0 {
			return lines[:i]
		}
	}
	return lines
}

func newClickLine(click flattr.ClickView) clickLine {
	line := clickLine{ClickView: click}
	line.Link, line.Label, line.Said = listed(click.ThingID, click.URL, click.Title)
	switch {
	case click.Undone:
		line.State = "state.undone"
	case click.Duplicate:
		line.State, line.Hint = "state.duplicate", "state.duplicate.hint"
	case click.Promise:
		line.State, line.Hint, line.CanUndo = "state.promise", "state.promise.hint", true
	case click.Counts:
		line.State, line.CanUndo = "state.counts", true
	default:
		line.State = "state.void"
	}
	return line
}

// webLink is raw if a browser may be led there by a click: what comes from
// pages and companions may be javascript: or worse.
func webLink(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return raw
}

// undo takes a click back: an event of its own, made now.
func (s *Server) undo(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m, now := s.tongues.of(r), memberOf(r.Context()), s.now()
	click, err := flattr.ParseEventID(r.PostForm.Get("click"))
	if err != nil {
		s.problem(w, r, http.StatusBadRequest, "problem.title", "wrong.not_found", "")
		return
	}
	id, err := uuid.NewV7()
	if err != nil {
		s.fail(w, r, fmt.Errorf("make id of undo: %w", err))
		return
	}
	outcomes, err := s.store.Record(r.Context(), now, m.ID, []flattr.Event{{ID: flattr.EventID(id), Kind: flattr.KindUndo, At: now, Click: click}})
	if err != nil {
		s.fail(w, r, fmt.Errorf("record undo: %w", err))
		return
	}
	notice := t.say("month.undone.notice")
	if outcome := outcomes[0]; outcome.Result == flattr.Refused {
		notice = sentence(t, flattr.Refuse(outcome.Code, outcome.Sentence))
	}
	s.sessions.Put(r.Context(), sessionNotice, notice)
	next := safeNext(r.PostForm.Get("next"))
	if next == "" {
		next = "/month"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
