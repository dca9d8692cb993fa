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

// shownTargets bounds the history of payout targets on the page.
const shownTargets = 20

// payoutPage is where an author says where to pay, and moves revenue to means.
type payoutPage struct {
	Targets      []targetLine // the last first, which holds
	IBAN, Holder string       // as typed
	ToMeans      bool
	Wrong        map[string]string // by field
	Unspent      store.Unspent
	Held         money.Micro // of the balance, because things changed hands
	Amount       string      // as typed
	Days         int         // until a change holds
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
	m, now, t := memberOf(r.Context()), s.now(), s.tongues.of(r)
	targets, err := s.store.PayoutTargets(r.Context(), m.ID, shownTargets)
	if err == nil {
		page.Unspent, err = s.store.Unspent(r.Context(), now, m.ID)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, target := range targets {
		page.Targets = append(page.Targets, targetLine{target, flattr.MaskIBAN(target.IBAN), target.Payable.After(now)})
	}
	page.Days = int(flattr.PayoutCooling / (24 * time.Hour))
	page.Held = max(0, page.Unspent.Balance-page.Unspent.Free)
	if page.Amount == "" {
		page.Amount = t.plainEuro(page.Unspent.Free)
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
