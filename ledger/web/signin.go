package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// entryForm is the sign-in form.
type entryForm struct {
	Name, Next, Wrong string
	First             bool   // the visitor was on the way to another page
	Script            string // address of the script that asks for passkeys; "" none
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request) {
	next := safeNext(r.URL.Query().Get("next"))
	s.showSignIn(w, r, http.StatusOK, entryForm{Next: next, First: next != ""})
}

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request, status int, form entryForm) {
	form.Script = s.allowScript(w)
	s.render(w, r, status, "signin", s.tongues.of(r).say("signin.title"), form)
}

// signIn checks name and password. A wrong name and a wrong password are told
// alike, and cost the same time.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, now := s.tongues.of(r), s.now()
	form := entryForm{Name: strings.TrimSpace(r.PostForm.Get("name")), Next: safeNext(r.PostForm.Get("next"))}
	id, hash, turns, err := s.whose(r, form.Name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var wait time.Duration
	if !strings.HasPrefix(turns, ofBrowser) { // many share an address: one of them keeps no known browser out
		wait = s.addresses.Wait(s.address(r), now)
	}
	if wait == 0 { // an address that has to wait uses up nobody's turns
		wait = s.names.Take(turns, now)
	}
	if wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())+1))
		form.Wrong = t.say("wrong.too_many")
		s.showSignIn(w, r, http.StatusTooManyRequests, form)
		return
	}
	if hash == "" {
		id, hash = 0, nobodysHash
	}
	match, err := s.compare(r, r.PostForm.Get("password"), hash)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !match || id == 0 {
		s.addresses.Take(s.address(r), now)
		form.Wrong = t.say("wrong.credentials")
		s.showSignIn(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	if hash, err = s.strengthen(r, id, r.PostForm.Get("password"), hash); err != nil {
		s.fail(w, r, err)
		return
	}
	s.names.Forget(turns)
	s.enter(w, r, id, hash, form.Next, false)
}

// ofBrowser begins the keys under which the tries of known browsers are counted.
const ofBrowser = "browser "

// whose finds the member of a name and the hash of their password, both none where
// there is nobody, and the key under which tries are counted: a browser that the
// member has used before has turns of its own, which nobody else uses up.
func (s *Server) whose(r *http.Request, name string) (id flattr.MemberID, hash, turns string, err error) {
	id, hash, err = s.store.Password(r.Context(), name)
	if err != nil && flattr.CodeOf(err) == "" {
		return 0, "", "", fmt.Errorf("find password: %w", err)
	}
	known, err := s.knows(r, id, hash)
	if err != nil {
		return 0, "", "", err
	}
	if known != "" {
		return id, hash, ofBrowser + known, nil
	}
	return id, hash, "name " + flattr.NameKey(name), nil
}

// signOut forgets the session here and in the store.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	if err := s.endSignIn(r); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.fail(w, r, fmt.Errorf("end session: %w", err))
		return
	}
	next := "/"
	if wanted := safeNext(r.PostForm.Get("next")); wanted != "" {
		next = "/signin?next=" + url.QueryEscape(wanted)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
