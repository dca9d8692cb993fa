package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// What the page shows at once.
const (
	shownTargets = 20 // of the history of payout targets
	pageMoves    = 30 // of what came and went
)

// moveWords are the words for what came to revenue and left it; what is not here
// is a correction by the operator.
var moveWords = map[string]string{"earn": "payout.move.earn", "use": "payout.means", "present": "payout.move.present"}

// payoutPage is where an author sees what can be paid, says where to, and moves
// revenue to means.
type payoutPage struct {
	Payable      money.Micro  // in whole cents; 0: less than is paid out at once
	Least        money.Micro  // that is paid out at once
	Missing      money.Micro  // until then
	Targets      []targetLine // the last first, which holds
	Older        bool         // there are targets before those
	IBAN, Holder string       // as typed
	ToMeans      bool
	Wrong        map[string]string // by field
	Unspent      store.Unspent
	Held         money.Micro // of the balance, because things changed hands
	Movable      bool        // a cent at least is free
	Amount       string      // as typed
	Days         int         // until a change holds
	Moves        []moveLine
	Pages        pages // of the moves
}

// moveLine is what came to the author's revenue or left it.
type moveLine struct {
	store.RevenueMove
	Word string // key
}

// targetLine is a payout target as the page shows it.
type targetLine struct {
	store.PayoutTarget
	Masked  string
	Cooling bool
}

// payout shows where the author is paid.
func (s *Server) payout(w http.ResponseWriter, r *http.Request) {
	s.showPayout(w, r, http.StatusOK, payoutPage{})
}

func (s *Server) showPayout(w http.ResponseWriter, r *http.Request, status int, page payoutPage) {
	m, now, t, number := memberOf(r.Context()), s.now(), s.tongues.of(r), pageNumber(r)
	targets, err := s.store.PayoutTargets(r.Context(), m.ID, shownTargets+1)
	if err == nil {
		page.Unspent, err = s.store.Unspent(r.Context(), now, m.ID)
	}
	var moves []store.RevenueMove
	if err == nil {
		moves, err = s.store.RevenueMoves(r.Context(), m.ID, pageMoves+1, (number-1)*pageMoves)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Older = len(targets) > shownTargets
	for _, target := range targets[:min(len(targets), shownTargets)] {
		page.Targets = append(page.Targets, targetLine{target, flattr.MaskIBAN(target.IBAN), target.Payable.After(now)})
	}
	for _, move := range moves[:min(len(moves), pageMoves)] {
		line := moveLine{move, moveWords[string(move.Code)]}
		if line.Word == "" {
			line.Word = "payout.move.other"
		}
		page.Moves = append(page.Moves, line)
	}
	page.Pages = newPages(onPath(r, "/payout"), number, pageMoves, (number-1)*pageMoves+len(moves))
	page.Least = flattr.MinPayout
	if whole := page.Unspent.Free - page.Unspent.Free%money.Cent; whole >= flattr.MinPayout {
		page.Payable = whole
	}
	page.Missing = flattr.MinPayout - page.Unspent.Free
	page.Days = int(flattr.PayoutCooling / (24 * time.Hour))
	page.Held = max(0, page.Unspent.Balance-page.Unspent.Free)
	page.Movable = page.Unspent.Free >= money.Cent
	if page.Amount == "" {
		page.Amount = t.plainEuro(page.Unspent.Free - page.Unspent.Free%money.Cent) // as much as the form takes
	}
	s.render(w, r, status, "payout", t.say("payout.title"), page)
}

// changePayout notes another payout target, for who types the password again.
func (s *Server) changePayout(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m, form := s.tongues.of(r), memberOf(r.Context()), r.PostForm
	page := payoutPage{ToMeans: form.Get("to") == "means", IBAN: short(form.Get("iban"), maxShownText), Holder: short(form.Get("holder"), maxShownText), Wrong: map[string]string{}}
	iban, holder := form.Get("iban"), form.Get("holder")
	if page.ToMeans {
		iban, holder = "", ""
	} else {
		if _, err := flattr.ReadIBAN(iban); err != nil {
			page.Wrong["iban"] = t.say("payout.wrong.iban")
		}
		if _, err := flattr.ReadHolder(holder); err != nil {
			page.Wrong["holder"] = t.say("payout.wrong.holder")
		}
	}
	if len(page.Wrong) == 0 {
		wrong, err := s.owner(r, form.Get("password"))
		if err == nil && wrong == "" {
			err = s.store.SetPayoutTarget(r.Context(), s.now(), m.ID, iban, holder)
		}
		switch {
		case wrong != "":
			page.Wrong["password"] = wrong
		case flattr.CodeOf(err) != "":
			page.Wrong["iban"] = t.say("payout.wrong.often")
		case err != nil:
			s.fail(w, r, fmt.Errorf("change payout target: %w", err))
			return
		}
	}
	if len(page.Wrong) > 0 {
		s.showPayout(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say("payout.saved", t.date(s.now().Add(flattr.PayoutCooling))))
	http.Redirect(w, r, "/payout", http.StatusSeeOther)
}

// useRevenue moves revenue to the author's own means.
func (s *Server) useRevenue(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	page := payoutPage{Amount: short(r.PostForm.Get("amount"), maxSaid)}
	moved, bad := strconv.ParseInt(r.PostForm.Get("moved"), 10, 64)
	amount, err := readEuro(r.PostForm.Get("amount"))
	if err != nil || bad != nil || amount <= 0 {
		page.Wrong = map[string]string{"amount": t.say("payout.wrong.amount")}
		s.showPayout(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	err = s.store.UseRevenue(r.Context(), s.now(), m.ID, amount, money.Micro(moved))
	var refused *flattr.Error
	switch {
	case errors.As(err, &refused):
		wrong := "payout.wrong.much"
		if refused.Code == flattr.Once {
			wrong, page.Amount = "payout.wrong.once", ""
		}
		page.Wrong = map[string]string{"amount": t.say(wrong)}
		s.showPayout(w, r, http.StatusUnprocessableEntity, page)
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("move revenue: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say("payout.moved", t.euro(amount)))
	http.Redirect(w, r, "/payout", http.StatusSeeOther)
}

// onPath is a request for another page, whose form was wrong.
func onPath(r *http.Request, path string) *http.Request {
	at := r.Clone(r.Context())
	at.URL.Path = path
	return at
}
