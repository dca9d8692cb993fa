package web

import (
	"errors"
	"net/http"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/mail"
	"flattr/ledger/store"
)

// pageLetters is where members say where letters to them go, and which.
const pageLetters = "/settings/mail"

// letters are the pages about mail, and those that links in letters lead to.
func (s *Server) letters(mux *http.ServeMux) {
	mux.HandleFunc("GET "+pageLetters, s.member(s.mailSettings))
	mux.HandleFunc("POST "+pageLetters, s.member(s.askAddress))
	mux.HandleFunc("POST "+pageLetters+"/summary", s.member(s.wantSummary))
	mux.HandleFunc("POST "+pageLetters+"/remove", s.member(s.removeAddress))
	mux.HandleFunc("GET /mail/confirm", s.anybody(s.confirmForm))
	mux.HandleFunc("POST /mail/confirm", s.anybody(s.confirm))
	mux.HandleFunc("GET /mail/unsubscribe", s.anybody(s.unsubscribeForm))
	mux.HandleFunc("POST /mail/unsubscribe", s.anybody(s.unsubscribe))
}

// lettersPage is what a member says about letters.
type lettersPage struct {
	store.MailAddress
	Mail        bool // letters are sent at all
	HasPassword bool
	Typed       string
	Wrong       map[string]string // by field
}

func (s *Server) mailSettings(w http.ResponseWriter, r *http.Request) {
	s.showLetters(w, r, http.StatusOK, lettersPage{})
}

func (s *Server) showLetters(w http.ResponseWriter, r *http.Request, status int, page lettersPage) {
	m := memberOf(r.Context())
	var err error
	if page.MailAddress, err = s.store.MailAddress(r.Context(), s.now(), m.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	_, hash, err := s.store.Password(r.Context(), m.Name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if page.Typed == "" && page.Address == "" && page.Waiting == "" {
		profile, err := s.store.Profile(r.Context(), m.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.Typed = profile.Email
	}
	page.Mail, page.HasPassword = s.mail, hash != ""
	s.render(w, r, status, "mail", s.tongues.of(r).say("mail.title"), page)
}

// askAddress has a letter with a link sent to an address that a member says is
// theirs. Who has that address can have a new password: so it takes the old one.
func (s *Server) askAddress(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	if !s.mail {
		s.showLetters(w, r, http.StatusNotFound, lettersPage{})
		return
	}
	t := s.tongues.of(r)
	page := lettersPage{Typed: strings.TrimSpace(r.PostForm.Get("address")), Wrong: map[string]string{}}
	wrong, err := s.owner(r, r.PostForm.Get("password"))
	if wrong != "" {
		page.Wrong["password"] = wrong
	}
	if err == nil && wrong == "" {
		err = s.store.AskAddress(r.Context(), s.now(), memberOf(r.Context()).ID, page.Typed)
	}
	var refused *flattr.Error
	if errors.As(err, &refused) {
		page.Wrong["address"] = t.say("mail.wrong")
		if refused.Code == flattr.LettersFull {
			page.Wrong["address"] = sentence(t, refused)
		}
		err = nil
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(page.Wrong) > 0:
		s.showLetters(w, r, http.StatusUnprocessableEntity, page)
	default:
		s.done(w, r, "mail.asked", pageLetters)
	}
}

// done goes on to a page that says so.
func (s *Server) done(w http.ResponseWriter, r *http.Request, notice, next string) {
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say(notice))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) wantSummary(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	want, notice := r.PostForm.Get("summary") == "yes", "mail.summary.off"
	if want {
		notice = "mail.summary.on"
	}
	if err := s.store.WantSummary(r.Context(), memberOf(r.Context()).ID, want); err != nil {
		s.fail(w, r, err)
		return
	}
	s.done(w, r, notice, pageLetters)
}

// removeAddress ends letters to the member. It takes the password, since who got
// in would else end the letters that tell of them.
func (s *Server) removeAddress(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	wrong, err := s.owner(r, r.PostForm.Get("password"))
	if err == nil && wrong == "" {
		err = s.store.RemoveAddress(r.Context(), s.now(), memberOf(r.Context()).ID)
	}
	switch {
	case err != nil:
		s.fail(w, r, err)
	case wrong != "":
		s.showLetters(w, r, http.StatusUnprocessableEntity, lettersPage{Wrong: map[string]string{"remove": wrong}})
	default:
		s.done(w, r, "mail.removed", pageLetters)
	}
}

// linkPage asks whether to do what a link in a letter is for: programs that look
// through mail follow links too, and must change nothing.
type linkPage struct {
	Token, Name, Address string
	Done                 bool
}

func (s *Server) confirmForm(w http.ResponseWriter, r *http.Request) {
	page := linkPage{Token: r.URL.Query().Get("token")}
	link, m, err := s.store.Link(r.Context(), s.now(), store.LinkConfirm, page.Token)
	if s.deadLink(w, r, err, "confirm.dead") {
		return
	}
	page.Name, page.Address = m.Name, link.Address
	s.render(w, r, http.StatusOK, "confirm", s.tongues.of(r).say("confirm.title"), page)
}

// confirm makes the address of a link the member's. Whoever reads the mail need
// not be signed in there.
func (s *Server) confirm(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	link, err := s.store.ConfirmAddress(r.Context(), s.now(), r.PostForm.Get("token"))
	if s.deadLink(w, r, err, "confirm.dead") {
		return
	}
	s.render(w, r, http.StatusOK, "confirm", s.tongues.of(r).say("confirm.title"), linkPage{Address: link.Address, Done: true})
}

func (s *Server) unsubscribeForm(w http.ResponseWriter, r *http.Request) {
	s.showUnsubscribe(w, r, false)
}

// unsubscribe ends the summaries, by a click on the page or by the mail program
// itself (RFC 8058), which posts a body of its own that nobody needs to read.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) {
	s.showUnsubscribe(w, r, true)
}

func (s *Server) showUnsubscribe(w http.ResponseWriter, r *http.Request, end bool) {
	page := linkPage{Token: r.URL.Query().Get("token"), Done: end}
	key, err := mail.UnsubscribeKey(r.Context(), s.store)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	member, ok := mail.Unsubscribes(key, page.Token)
	if !ok {
		s.deadLink(w, r, flattr.Refuse(flattr.NotFound, "This link is not known."), "unsubscribe.dead")
		return
	}
	if end {
		if err := s.store.WantSummary(r.Context(), member, false); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.render(w, r, http.StatusOK, "unsubscribe", s.tongues.of(r).say("unsubscribe.title"), page)
}
