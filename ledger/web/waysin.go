package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
	"flattr/ledger/passkey"
	"flattr/ledger/store"
)

// pageWaysIn is where members look after how they sign in.
const pageWaysIn = "/settings/signin"

// waysIn are the pages by which members get in, beside the password on /signin,
// and look after how they do.
func (s *Server) waysIn(mux *http.ServeMux) {
	mux.HandleFunc("POST /signin/passkey/ask", s.askSignIn)
	mux.HandleFunc("POST /signin/passkey", s.signInByPasskey)
	mux.HandleFunc("GET /signin/forgotten", s.anybody(s.forgottenForm))
	mux.HandleFunc("POST /signin/forgotten", s.anybody(s.forgotten))
	mux.HandleFunc("GET /signin/reset", s.anybody(s.resetForm))
	mux.HandleFunc("POST /signin/reset", s.anybody(s.reset))
	mux.HandleFunc("GET "+pageWaysIn, s.member(s.signInSettings))
	mux.HandleFunc("POST "+pageWaysIn+"/password", s.member(s.changePassword))
	mux.HandleFunc("POST "+pageWaysIn+"/out", s.member(s.signOutOne))
	mux.HandleFunc("POST "+pageWaysIn+"/everywhere", s.member(s.signOutEverywhere))
	mux.HandleFunc("POST "+pageWaysIn+"/passkey/ask", s.member(s.askPasskey))
	mux.HandleFunc("POST "+pageWaysIn+"/passkey", s.member(s.addPasskey))
	mux.HandleFunc("POST "+pageWaysIn+"/passkey/remove", s.member(s.removePasskey))
}

// anybody lets a page be used by members and others, and be kept by nobody.
func (s *Server) anybody(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, err := s.withMember(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page(w, r)
	}
}

// waysInPage is how a member gets in.
type waysInPage struct {
	Name        string
	HasPassword bool
	Keys        []keyRow
	Script      string // that asks for passkeys; "" where browsers keep none
	Browsers    []browserRow
	Wrong       map[string]string // by form
	KeyName     string            // as typed
	MinPassword int
}

// keyRow is a passkey on its page.
type keyRow struct {
	store.Passkey
	Text string // its id, for a form
}

// browserRow is a sign-in on its page.
type browserRow struct {
	store.SignIn
	Here bool
}

func (s *Server) signInSettings(w http.ResponseWriter, r *http.Request) {
	s.showWaysIn(w, r, http.StatusOK, waysInPage{})
}

func (s *Server) showWaysIn(w http.ResponseWriter, r *http.Request, status int, page waysInPage) {
	m, here := memberOf(r.Context()), s.sessions.GetString(r.Context(), sessionSignIn)
	_, hash, err := s.store.Password(r.Context(), m.Name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	keys, err := s.store.Passkeys(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	signIns, err := s.store.SignIns(r.Context(), s.now(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, key := range keys {
		page.Keys = append(page.Keys, keyRow{key, passkey.Text(key.ID)})
	}
	for _, in := range signIns {
		page.Browsers = append(page.Browsers, browserRow{in, in.ID == here})
	}
	page.Name, page.HasPassword, page.MinPassword = m.Name, hash != "", minPassword
	page.Script = s.allowScript(w)
	s.render(w, r, status, "waysin", s.tongues.of(r).say("waysin.title"), page)
}

// owner makes sure that whoever has this browser knows the member's password
// too: what they want would let them stay. It answers what is wrong, in the
// visitor's words; "" is nothing. Who has no password has signed in with a passkey a
// moment ago.
func (s *Server) owner(r *http.Request, password string) (wrong string, err error) {
	t, m := s.tongues.of(r), memberOf(r.Context())
	_, hash, err := s.store.Password(r.Context(), m.Name)
	if err != nil {
		return "", err
	}
	if hash == "" {
		return s.signedInLately(r)
	}
	key := fmt.Sprintf("owner %d", m.ID)
	if s.names.Take(key, s.now()) > 0 {
		return t.say("wrong.too_many"), nil
	}
	match, err := s.compare(r, password, hash)
	if err != nil {
		return "", err
	}
	if !match {
		return t.say("waysin.wrong_password"), nil
	}
	s.names.Forget(key)
	return "", nil
}

// ownerFor is how long a sign-in proves that whoever has this browser is the member,
// where there is no password to ask for.
const ownerFor = 10 * time.Minute

// signedInLately answers what is wrong where this browser was not signed in lately.
func (s *Server) signedInLately(r *http.Request) (wrong string, err error) {
	here := s.sessions.GetString(r.Context(), sessionSignIn)
	signIns, err := s.store.SignIns(r.Context(), s.now(), memberOf(r.Context()).ID)
	if err != nil {
		return "", err
	}
	for _, in := range signIns {
		if in.ID == here && s.now().Sub(in.Since) < ownerFor {
			return "", nil
		}
	}
	return s.tongues.of(r).say("waysin.again"), nil
}

// newPassword is what the store keeps of a password that was chosen, or what is
// wrong with it in the visitor's words.
func (s *Server) newPassword(r *http.Request, password string) (hash, wrong string, err error) {
	t := s.tongues.of(r)
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return "", t.count("wrong.password_short", minPassword), nil
	case n > maxPassword:
		return "", t.count("wrong.password_long", maxPassword), nil
	}
	err = s.turn(r, func() (err error) {
		hash, err = HashPassword(password)
		return err
	})
	return hash, "", err
}

// changePassword sets another password and signs the member out of all other
// browsers, and where they wish so, ends everything else that has access.
func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	form, field := r.PostForm, "old"
	wrong, err := s.owner(r, form.Get("old"))
	var hash string
	if err == nil && wrong == "" {
		field = "new"
		hash, wrong, err = s.newPassword(r, form.Get("new"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if wrong != "" {
		s.showWaysIn(w, r, http.StatusUnprocessableEntity, waysInPage{Wrong: map[string]string{field: wrong}})
		return
	}
	all := form.Get("all") == "yes"
	exit := store.Exit{Keep: s.sessions.GetString(r.Context(), sessionSignIn), Programs: all, Passkeys: all}
	if err := s.store.ChangePassword(r.Context(), s.now(), memberOf(r.Context()).ID, hash, exit); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		s.fail(w, r, fmt.Errorf("renew session: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionPassword, markOf(hash))
	if err := s.remember(w, r, memberOf(r.Context()).ID, hash); err != nil {
		s.fail(w, r, err)
		return
	}
	notice := "waysin.changed"
	if all {
		notice = "waysin.changed.all"
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say(notice))
	http.Redirect(w, r, pageWaysIn, http.StatusSeeOther)
}

// signOutOne ends one sign-in of the member.
func (s *Server) signOutOne(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	err := s.store.EndSignIn(r.Context(), memberOf(r.Context()).ID, r.PostForm.Get("id"))
	s.revoked(w, r, err, "waysin.out.notice", pageWaysIn)
}

// signOutEverywhere ends all sign-ins of the member, this one too, and where they
// wish so, what linked devices and applications may do.
func (s *Server) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	exit, notice := store.Exit{Programs: r.PostForm.Get("programs") == "yes"}, "waysin.everywhere.notice"
	if exit.Programs {
		notice = "waysin.everywhere.programs.notice"
	}
	if err := s.store.EndAccess(r.Context(), s.now(), memberOf(r.Context()).ID, exit); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.sessions.Clear(r.Context()); err != nil {
		s.fail(w, r, fmt.Errorf("end session: %w", err))
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say(notice))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// removePasskey lets the member in by a passkey no more.
func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	err := s.store.RemovePasskey(r.Context(), s.now(), memberOf(r.Context()).ID, passkey.ID(r.PostForm.Get("id")))
	s.revoked(w, r, err, "waysin.key.removed", pageWaysIn)
}

// addPasskey keeps the passkey that the browser made.
func (s *Server) addPasskey(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t := s.tongues.of(r)
	name := strings.TrimSpace(r.PostForm.Get("name"))
	if s.passkeys == nil {
		s.notFound(w, r)
		return
	}
	question := s.sessions.PopString(r.Context(), sessionQuestion)
	err := s.passkeys.Add(r.Context(), *memberOf(r.Context()), question, name, []byte(r.PostForm.Get("credential")))
	var refused *flattr.Error
	wrong := ""
	switch {
	case errors.Is(err, passkey.ErrRefused):
		s.log.Info("a passkey was not added", "why", fmt.Sprintf("%.200s", err))
		wrong = t.say("waysin.key.refused")
	case errors.As(err, &refused) && refused.Code == flattr.Invalid:
		wrong = t.say("waysin.key.name.wrong", store.MaxPasskeyName)
	case errors.As(err, &refused):
		wrong = sentence(t, refused)
	case err != nil:
		s.fail(w, r, err)
		return
	}
	if wrong != "" {
		s.showWaysIn(w, r, http.StatusUnprocessableEntity, waysInPage{Wrong: map[string]string{"key": wrong}, KeyName: name})
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say("waysin.key.added"))
	http.Redirect(w, r, pageWaysIn, http.StatusSeeOther)
}
