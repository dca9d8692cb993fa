package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"flattr/ledger/passkey"
)

// asked is the answer to our script: the question for the browser, or what is
// wrong in words for the visitor.
type asked struct {
	Options json.RawMessage `json:"options,omitempty"`
	Wrong   string          `json:"wrong,omitempty"`
}

// strangersSession is how long the session of somebody is kept who was asked for a
// passkey and is nobody yet: a little longer than there is to answer.
const strangersSession = 10 * time.Minute

// ask keeps a question in the session of this browser and hands it to our script.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, question passkey.Question, err error) {
	if err != nil {
		s.log.Error("passkey not asked for", "error", err)
		s.say(w, http.StatusInternalServerError, asked{Wrong: s.tongues.of(r).say("problem.internal")})
		return
	}
	s.sessions.Put(r.Context(), sessionQuestion, question.State)
	if s.sessions.GetInt64(r.Context(), sessionMember) == 0 {
		s.sessions.SetDeadline(r.Context(), s.now().Add(strangersSession))
	}
	s.say(w, http.StatusOK, asked{Options: question.Options})
}

func (s *Server) say(w http.ResponseWriter, status int, answer asked) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("write question", "error", err)
	}
}

// askSignIn asks whoever is there for a passkey.
func (s *Server) askSignIn(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, now := s.tongues.of(r), s.now()
	if s.passkeys == nil {
		s.say(w, http.StatusNotFound, asked{Wrong: t.say("problem.notfound")})
		return
	}
	if s.addresses.Wait(s.address(r), now) > 0 || s.asks.Take(s.address(r), now) > 0 {
		s.say(w, http.StatusTooManyRequests, asked{Wrong: t.say("wrong.too_many")})
		return
	}
	question, err := s.passkeys.AskSignIn()
	s.ask(w, r, question, err)
}

// signInByPasskey lets in whose passkey answers what this browser was asked.
func (s *Server) signInByPasskey(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, now := s.tongues.of(r), s.now()
	form := entryForm{Next: safeNext(r.PostForm.Get("next"))}
	if s.passkeys == nil {
		s.notFound(w, r)
		return
	}
	if wait := s.addresses.Wait(s.address(r), now); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		form.Wrong = t.say("wrong.too_many")
		s.showSignIn(w, r, http.StatusTooManyRequests, form)
		return
	}
	question := s.sessions.PopString(r.Context(), sessionQuestion)
	member, err := s.passkeys.SignIn(r.Context(), question, []byte(r.PostForm.Get("credential")))
	if errors.Is(err, passkey.ErrRefused) {
		s.log.Info("a passkey was refused", "why", fmt.Sprintf("%.200s", err))
		s.addresses.Take(s.address(r), now)
		form.Wrong = t.say("signin.passkey.refused")
		s.showSignIn(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	m, err := s.store.Member(r.Context(), member)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	_, hash, err := s.store.Password(r.Context(), m.Name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.enter(w, r, member, hash, form.Next, true)
}

// askPasskey asks a member's browser for a new passkey, once the password was
// given.
func (s *Server) askPasskey(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	if s.passkeys == nil {
		s.say(w, http.StatusNotFound, asked{Wrong: s.tongues.of(r).say("problem.notfound")})
		return
	}
	wrong, err := s.owner(r, r.PostForm.Get("password"))
	if err == nil && wrong != "" {
		s.say(w, http.StatusUnprocessableEntity, asked{Wrong: wrong})
		return
	}
	var question passkey.Question
	if err == nil {
		question, err = s.passkeys.AskAdd(r.Context(), *memberOf(r.Context()))
	}
	s.ask(w, r, question, err)
}
