package web

import (
	"fmt"
	"net/http"
	"strings"
)

// settings leads to everything that members can set, and holds how pages are shown
// to them.
func (s *Server) settings(mux *http.ServeMux) {
	mux.HandleFunc("GET /settings", s.member(s.settingsForm))
	mux.HandleFunc("POST /settings", s.member(s.changeSettings))
}

// settingLinks are the pages on which members set things, in the order in which
// they are listed: where, and keys of name and of what is set there.
var settingLinks = []struct{ Path, Name, About string }{
	{"/profile", "profile.title", "settings.profile"},
	{"/settings/signin", "waysin.title", "settings.signin"},
	{"/settings/mail", "mail.title", "settings.mail"},
	{"/grants", "grants.title", "settings.grants"},
	{"/applications", "apps.title", "settings.applications"},
	{"/payout", "payout.title", "settings.payout"},
	{"/notes", "notes.title", "settings.notes"},
	{"/settings/data", "data.title", "settings.data"},
	{"/month#invites", "invites.title", "settings.invites"},
	{"/welcome", "welcome.title", "settings.welcome"},
}

// maxZone bounds the name of a zone, in characters; the longest has 32.
const maxZone = 40

// commonZones are suggested; every name of the tz database is taken.
var commonZones = []string{
	"UTC", "Europe/Amsterdam", "Europe/Athens", "Europe/Belgrade", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Budapest",
	"Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul", "Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Luxembourg",
	"Europe/Madrid", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Riga", "Europe/Rome", "Europe/Sofia", "Europe/Stockholm",
	"Europe/Tallinn", "Europe/Vienna", "Europe/Vilnius", "Europe/Warsaw", "Europe/Zagreb", "Europe/Zurich", "Africa/Johannesburg", "Africa/Lagos",
	"Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Chicago", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
	"America/Sao_Paulo", "America/Toronto", "Asia/Jakarta", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
	"Pacific/Auckland",
}

// settingsPage is how pages are shown to a member, and where the rest is set.
type settingsPage struct {
	Language string
	Tongues  []*tongue
	Zone     string
	Zones    []string
	Wrong    string // what is wrong with the zone
	Links    []struct{ Path, Name, About string }
}

// Code is the language as forms and the lang attribute name it.
func (t *tongue) Code() string { return t.code }

// Label is the language's name for itself.
func (t *tongue) Label() string { return t.label }

func (s *Server) settingsForm(w http.ResponseWriter, r *http.Request) {
	s.showSettings(w, r, http.StatusOK, memberOf(r.Context()).Zone, "")
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, status int, zone, wrong string) {
	t := s.tongues.of(r)
	s.render(w, r, status, "settings", t.say("settings.title"), settingsPage{
		Language: t.code, Tongues: s.tongues.all, Zone: zone, Zones: commonZones, Wrong: wrong, Links: settingLinks,
	})
}

// changeSettings sets language and zone, in this browser and in letters.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	m, chosen := memberOf(r.Context()), s.tongues.named(r.PostForm.Get("language"))
	zone := strings.TrimSpace(r.PostForm.Get("zone"))
	if chosen == nil {
		s.problem(w, r, http.StatusBadRequest, "problem.title", "problem.method", "")
		return
	}
	_, err := loadZone(zone[:min(len(zone), maxZone+1)])
	if err != nil || len(zone) > maxZone {
		runes := []rune(zone)
		s.showSettings(w, r, http.StatusUnprocessableEntity, string(runes[:min(len(runes), maxZone)]), s.tongues.of(r).say("settings.wrong.zone"))
		return
	}
	if err = s.store.SetDisplay(r.Context(), m.ID, chosen.code, zone); err != nil {
		s.fail(w, r, fmt.Errorf("set language and zone: %w", err))
		return
	}
	s.rememberLanguage(w, chosen)
	s.sessions.Put(r.Context(), sessionNotice, chosen.say("settings.done"))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}
