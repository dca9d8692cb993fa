package web

import "net/http"

// privacyPart is one thing that the privacy page tells of.
type privacyPart struct {
	Title string   // key of its heading
	Texts []string // keys of what stands below it, a paragraph each
}

// privacyParts are what the privacy page tells, in its order. A test holds that
// every table that names members is told of.
var privacyParts = []privacyPart{
	{"privacy.read.title", []string{"privacy.read"}},
	{"privacy.flattred.title", []string{"privacy.flattred", "privacy.kept"}},
	{"privacy.account.title", []string{"privacy.account", "privacy.profile"}},
	{"waysin.title", []string{"privacy.signin", "privacy.programs"}},
	{"mail.title", []string{"privacy.mail", "privacy.letters"}},
	{"privacy.earn.title", []string{"privacy.earn", "privacy.payout", "privacy.notes"}},
	{"privacy.authors.title", []string{"privacy.authors"}},
	{"privacy.public.title", []string{"privacy.public"}},
	{"privacy.sites.title", []string{"privacy.sites"}},
	{"privacy.others.title", []string{"privacy.others"}},
	{"privacy.cookies.title", []string{"privacy.cookies", "privacy.log"}},
	{"privacy.operator.title", []string{"privacy.operator"}},
	{"privacy.leave.title", []string{"privacy.leave", "privacy.rest"}},
}

// privacy tells what is known of whom, and for how long.
func (s *Server) privacy(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "privacy", s.tongues.of(r).say("privacy.title"), privacyParts)
}
