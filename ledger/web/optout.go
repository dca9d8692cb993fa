package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"flattr/ledger/claim"
	"flattr/ledger/flattr"
)

// Whoever has a site need not be a member to want no money for it: an address may
// have five sites asked at once, and then one every half minute.
const wishBurst, wishInterval = 5, 30 * time.Second

// optOutPage says how a site tells that it wants no money.
type optOutPage struct {
	Site, Wrong string // as typed, and what is wrong with it
	Noted       string // the URL that is left alone from now on; "": none
	Nothing     bool   // the site was read, and does not say so
}

// optOut shows what to put where.
func (s *Server) optOut(w http.ResponseWriter, r *http.Request) {
	s.showOptOut(w, r, http.StatusOK, optOutPage{Site: r.URL.Query().Get("url")})
}

func (s *Server) showOptOut(w http.ResponseWriter, r *http.Request, status int, page optOutPage) {
	r, err := s.withMember(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Noted = where(page.Noted)
	s.render(w, r, status, "optout", s.tongues.of(r).say("optout.title"), page)
}

// wish asks a site, for anybody, whether it wants no money. Nobody's word counts
// here but the site's.
func (s *Server) wish(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	page, t := optOutPage{Site: strings.TrimSpace(r.PostForm.Get("site"))}, s.tongues.of(r)
	if wait := s.wishes.Take(s.address(r), s.now()); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		page.Wrong = t.say("wrong.too_many")
		s.showOptOut(w, r, http.StatusTooManyRequests, page)
		return
	}
	noted, err := s.sites.Wish(r.Context(), page.Site)
	var refused *flattr.Error
	switch {
	case errors.Is(err, claim.ErrBusy):
		s.problem(w, r, http.StatusServiceUnavailable, "problem.title", "problem.busy", "")
	case errors.As(err, &refused):
		page.Wrong = sentence(t, refused)
		s.showOptOut(w, r, http.StatusUnprocessableEntity, page)
	case err != nil:
		s.fail(w, r, fmt.Errorf("ask a site: %w", err))
	default:
		page.Noted, page.Nothing = noted, noted == ""
		s.showOptOut(w, r, http.StatusOK, page)
	}
}
