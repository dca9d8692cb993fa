package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"flattr/ledger/oauth"
	"flattr/ledger/store"
)

// consentPage asks the reader whether a program may act for them.
type consentPage struct {
	Name    string     // of the member
	App     *store.App // that asks; nil: the companion
	May     []string   // keys of what it may then do
	Origin  string     // where the answer goes
	Request url.Values // the authorization request, carried through the form
	Self    string     // address of this page, for signing in as somebody else
}

// consentForm shows who asks for what.
func (s *Server) consentForm(w http.ResponseWriter, r *http.Request) {
	asked, ok := s.authorization(w, r)
	if !ok {
		return
	}
	page, title, origin := "consent", s.tongues.of(r).say("consent.title"), asked.Origin()
	target := origin
	if asked.App() != nil {
		page, title = "consent_app", s.tongues.of(r).say("consent.allow.title")
	}
	if strings.HasPrefix(origin, "https://") {
		target = "https:" // a site may lead on from its callback to another of its hosts
	}
	allowFormTo(w, target)
	s.render(w, r, http.StatusOK, page, title, consentPage{
		Name: memberOf(r.Context()).Name, App: asked.App(), May: allowed(asked.Scopes()),
		Origin: origin, Request: asked.Form(), Self: r.URL.RequestURI(),
	})
}

// consent carries the member's answer to the program that asked.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	asked, ok := s.authorization(w, r)
	if !ok {
		return
	}
	if r.PostForm.Get("decision") != "allow" {
		s.oauth.Deny(w, asked)
		return
	}
	if err := s.oauth.Allow(w, r, asked, memberOf(r.Context()).ID, agentOf(r)); err != nil {
		s.fail(w, r, err)
	}
}

// authorization reads the request of a program. What is wrong with it is told
// to the program where its address is sound, else to the reader.
func (s *Server) authorization(w http.ResponseWriter, r *http.Request) (*oauth.Request, bool) {
	asked, err := s.oauth.Begin(r)
	if err == nil {
		return asked, true
	}
	var refused *oauth.Refusal
	switch {
	case !errors.As(err, &refused):
		s.fail(w, r, err)
	case s.oauth.Redirect(w, refused):
	default:
		s.problem(w, r, http.StatusBadRequest, "problem.link.title", "problem.link", "", refused.Reason)
	}
	return nil, false
}
