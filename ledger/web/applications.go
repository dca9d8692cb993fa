package web

import (
	"errors"
	"net/http"
	"strings"

	"flattr/ledger/api"
	"flattr/ledger/flattr"
	"flattr/ledger/oauth"
	"flattr/ledger/store"
)

// scopeWords are the keys of the sentences that say what a scope allows.
var scopeWords = map[string]string{
	oauth.ScopeFlattr:       "scope.flattr",
	oauth.ScopeThing:        "scope.thing",
	oauth.ScopeEmail:        "scope.email",
	oauth.ScopeExtendedRead: "scope.extendedread",
	api.CompanionScope:      "scope.companion",
}

// allowed says in keys of words what scopes allow; whose account it is, an
// application always learns.
func allowed(scopes []string) []string {
	words := []string{"scope.profile"}
	for _, scope := range scopes {
		if word, ok := scopeWords[scope]; ok {
			words = append(words, word)
		}
	}
	return words
}

// maxShownGrants bounds how many devices of one application are shown, the latest;
// those before can only be ended all together.
const maxShownGrants = 20

// grantRow is an application that a member has allowed to act.
type grantRow struct {
	Client  string
	Name    string // as the page shows it
	By      string // who answers for it; "" where that is not told
	May     []string
	Devices []store.Grant // where it was allowed, each of which can be ended alone
	More    int           // beside these
}

// grants lists what the member has allowed, each application once, with every
// device or browser in which they did.
func (s *Server) grants(w http.ResponseWriter, r *http.Request) {
	t := s.tongues.of(r)
	list, err := s.store.Grants(r.Context(), memberOf(r.Context()).ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var rows []*grantRow
	byClient, seen := map[string]*grantRow{}, map[[2]string]bool{}
	for _, g := range list {
		row := byClient[g.Client]
		if row == nil {
			row = &grantRow{Client: g.Client, Name: g.App, By: g.By}
			switch {
			case g.Client == api.CompanionClient:
				row.Name = t.say("consent.app")
			case g.Client == oauth.OperatorClient:
				row.Name = t.say("grants.script")
			case g.By == "":
				row.By = t.say("apps.operator")
			}
			byClient[g.Client] = row
			rows = append(rows, row)
		}
		for _, word := range allowed(strings.Fields(g.Scope)) {
			if key := [2]string{g.Client, word}; !seen[key] {
				seen[key] = true
				row.May = append(row.May, word)
			}
		}
		if len(row.Devices) < maxShownGrants {
			row.Devices = append(row.Devices, g)
		}
		row.More = g.Of - len(row.Devices)
	}
	s.render(w, r, http.StatusOK, "grants", t.say("grants.title"), rows)
}

// revokeGrant takes back what a member has allowed an application.
func (s *Server) revokeGrant(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	err := s.store.RevokeConsent(r.Context(), s.now(), memberOf(r.Context()).ID, r.PostForm.Get("client"))
	s.revoked(w, r, err, "grants.revoked.notice", "/grants")
}

// endGrant takes back one of several times that a member has allowed the same
// application: a companion on a machine that was given away.
func (s *Server) endGrant(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	err := s.store.EndGrant(r.Context(), s.now(), memberOf(r.Context()).ID, r.PostForm.Get("grant"))
	s.revoked(w, r, err, "grants.ended.notice", "/grants")
}

// revoked says that something has no access any more, whoever revoked it.
func (s *Server) revoked(w http.ResponseWriter, r *http.Request, err error, notice, next string) {
	if code := flattr.CodeOf(err); err != nil && code != flattr.NotFound && code != flattr.Invalid {
		s.fail(w, r, err)
		return
	}
	s.sessions.Put(r.Context(), sessionNotice, s.tongues.of(r).say(notice))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// appsPage is what a member sees of the applications they have registered.
type appsPage struct {
	Apps           []store.App
	New            *store.App // just registered
	Secret         string     // of New; shown this once
	Name, Callback string     // as typed
	Implicit       bool
	Wrong          map[string]string // by field
}

func (s *Server) applications(w http.ResponseWriter, r *http.Request) {
	s.showApplications(w, r, http.StatusOK, appsPage{})
}

func (s *Server) showApplications(w http.ResponseWriter, r *http.Request, status int, page appsPage) {
	var err error
	if page.Apps, err = s.store.AppsOf(r.Context(), memberOf(r.Context()).ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, "applications", s.tongues.of(r).say("apps.title"), page)
}

// register keeps a new application. Its secret is in the answer and nowhere
// else.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	page := appsPage{Name: r.PostForm.Get("name"), Callback: r.PostForm.Get("callback"), Implicit: r.PostForm.Get("implicit") == "yes"}
	app, secret, err := s.oauth.Register(r.Context(), memberOf(r.Context()).ID, page.Name, page.Callback, page.Implicit)
	var refused *flattr.Error
	if errors.As(err, &refused) {
		field := map[flattr.Code]string{oauth.AppName: "name", oauth.AppCallback: "callback"}[refused.Code]
		page.Wrong = map[string]string{field: sentence(s.tongues.of(r), refused)}
		s.showApplications(w, r, http.StatusUnprocessableEntity, page)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showApplications(w, r, http.StatusOK, appsPage{New: &app, Secret: secret})
}

// revokeApplication ends an application of the member, for everybody.
func (s *Server) revokeApplication(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	err := s.store.RevokeApp(r.Context(), s.now(), r.PostForm.Get("app"), memberOf(r.Context()).ID)
	s.revoked(w, r, err, "apps.revoked.notice", "/applications")
}
