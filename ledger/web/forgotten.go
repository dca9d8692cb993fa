package web

import (
	"net/http"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// maxTyped bounds a name or an address that is typed to be sent a link, in bytes.
const maxTyped = 254

// forgottenPage takes a name or an address.
type forgottenPage struct {
	Mail  bool
	Typed string
	Wrong string
	Sent  bool
}

func (s *Server) forgottenForm(w http.ResponseWriter, r *http.Request) {
	s.showForgotten(w, r, http.StatusOK, forgottenPage{})
}

func (s *Server) showForgotten(w http.ResponseWriter, r *http.Request, status int, page forgottenPage) {
	page.Mail = s.mail
	s.render(w, r, status, "forgotten", s.tongues.of(r).say("forgotten.title"), page)
}

// forgotten has a link sent by which a password can be set. It does, says and
// takes the same for whatever was typed: whose it is, only who sends letters
// looks up.
func (s *Server) forgotten(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	if !s.mail {
		s.showForgotten(w, r, http.StatusNotFound, forgottenPage{})
		return
	}
	t, now := s.tongues.of(r), s.now()
	page := forgottenPage{Typed: strings.TrimSpace(r.PostForm.Get("who"))}
	switch {
	case page.Typed == "" || len(page.Typed) > maxTyped:
		page.Wrong = t.say("forgotten.wrong")
		s.showForgotten(w, r, http.StatusUnprocessableEntity, page)
		return
	case s.asks.Take(s.address(r), now) > 0, s.names.Take("forgotten "+strings.ToLower(page.Typed), now) > 0:
		page.Wrong = t.say("wrong.too_many")
		s.showForgotten(w, r, http.StatusTooManyRequests, page)
		return
	}
	if err := s.store.AskReset(r.Context(), now, page.Typed); err != nil && flattr.CodeOf(err) != flattr.Invalid {
		s.fail(w, r, err)
		return
	}
	s.showForgotten(w, r, http.StatusOK, forgottenPage{Sent: true})
}

// resetPage takes a new password from who has a link.
type resetPage struct {
	Token, Name string
	Wrong       string
	MinPassword int
}

func (s *Server) resetForm(w http.ResponseWriter, r *http.Request) {
	s.showReset(w, r, http.StatusOK, resetPage{Token: r.URL.Query().Get("token")})
}

// showReset shows the form of a link that can be used.
func (s *Server) showReset(w http.ResponseWriter, r *http.Request, status int, page resetPage) {
	_, m, err := s.store.Link(r.Context(), s.now(), store.LinkReset, page.Token)
	if s.deadLink(w, r, err, "reset.dead") {
		return
	}
	page.Name, page.MinPassword = m.Name, minPassword
	s.render(w, r, status, "reset", s.tongues.of(r).say("reset.title"), page)
}

// deadLink answers itself where a link does nothing any more, or is none, and
// says so. Guessing costs turns.
func (s *Server) deadLink(w http.ResponseWriter, r *http.Request, err error, text string) bool {
	switch code := flattr.CodeOf(err); {
	case code == flattr.NotFound || code == flattr.Invalid:
		s.guessed(r)
		s.problem(w, r, http.StatusNotFound, "reset.dead.title", text, "")
	case err != nil:
		s.fail(w, r, err)
	default:
		return false
	}
	return true
}

// guessed counts a code or a link that was none. What an address alone does, any
// page can make a browser do: it keeps nobody from signing in.
func (s *Server) guessed(r *http.Request) {
	if r.Method == http.MethodPost {
		s.addresses.Take(s.address(r), s.now())
		return
	}
	s.guesses.Take(s.address(r), s.now())
}

// reset sets the password of who has a link, and ends all that was open.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	page := resetPage{Token: r.PostForm.Get("token")}
	if s.addresses.Wait(s.address(r), s.now()) > 0 {
		s.problem(w, r, http.StatusTooManyRequests, "problem.title", "wrong.too_many", "")
		return
	}
	// Only who has a link has a password hashed.
	if _, _, err := s.store.Link(r.Context(), s.now(), store.LinkReset, page.Token); s.deadLink(w, r, err, "reset.dead") {
		return
	}
	hash, wrong, err := s.newPassword(r, r.PostForm.Get("new"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wrong != "" {
		page.Wrong = wrong
		s.showReset(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	all := r.PostForm.Get("all") == "yes"
	member, err := s.store.ResetPassword(r.Context(), s.now(), page.Token, hash, store.Exit{Programs: all, Passkeys: all})
	if s.deadLink(w, r, err, "reset.dead") {
		return
	}
	if err := s.remember(w, r, member, hash); err != nil {
		s.fail(w, r, err)
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say("reset.done"))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}
