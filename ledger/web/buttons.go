package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"flattr/ledger/button"
)

// buttonPage is the configurator: what an author chose, and what to copy.
type buttonPage struct {
	URL, Name, Title string
	Compact          bool
	Language         string
	Languages        []buttonLanguage
	WrongURL         string
	Picture          template.HTML // the button as it will stand there
	Snippets         []snippet
	Account          string // the element that ties a page to who looks, or ""
}

// buttonLanguage is a language in which a button is written.
type buttonLanguage struct{ Code, Label string }

var buttonLanguages = []buttonLanguage{{"en_GB", "English"}, {"de_DE", "Deutsch"}}

// snippet is one thing to copy.
type snippet struct{ ID, Title, Hint, Text string }

// configurator writes snippets for an author. Everything that is chosen stands
// in the address, so that it works without script and can be kept.
func (s *Server) configurator(w http.ResponseWriter, r *http.Request) {
	t, m, q := s.tongues.of(r), memberOf(r.Context()), r.URL.Query()
	language := q.Get("language")
	if language == "" {
		language = map[string]string{"de": "de_DE"}[t.code]
	}
	// What is read like an old link is bounded and cleaned like one.
	asked := button.ReadAsked(url.Values{
		"url": {q.Get("url")}, "user_id": {q.Get("user_id")}, "title": {q.Get("title")}, "language": {language}, "button": {q.Get("size")},
	}.Encode())
	page := buttonPage{
		URL: asked.URL, Name: asked.Owner, Title: asked.Title, Compact: asked.Compact, Language: asked.Language, Languages: buttonLanguages,
	}
	status, typed := http.StatusOK, strings.TrimSpace(q.Get("url"))
	if asked.URL == "" && typed != "" {
		page.URL, page.WrongURL = typed, t.say("wrong.url")
		status = http.StatusUnprocessableEntity
	}
	if m != nil {
		code, err := s.store.FlattrID(r.Context(), s.now(), m.ID)
		if err != nil {
			s.fail(w, r, fmt.Errorf("read flattr:id: %w", err))
			return
		}
		page.Account = `<meta name="flattr:id" content="` + code + `">`
		if page.Name == "" && !q.Has("user_id") {
			page.Name, asked.Owner = m.Name, m.Name
		}
	}
	if asked.URL != "" {
		made, err := asked.Snippets(s.public)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.Picture = template.HTML(made.Link) // escaped where it was made
		page.Snippets = []snippet{
			{"link", t.say("buttons.link"), t.say("buttons.link.hint"), made.Link},
			{"head", t.say("buttons.head"), t.say("buttons.head.hint"), made.Head},
			{"atom", t.say("buttons.atom"), t.say("buttons.atom.hint"), made.Atom},
			{"rss", t.say("buttons.rss"), t.say("buttons.rss.hint"), made.RSS},
		}
	}
	s.render(w, r, status, "buttons", t.say("buttons.title"), page)
}
