package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"flattr/ledger/button"
)

// buttonPage is the configurator: what an author chose, and what to copy.
type buttonPage struct {
	URL, Name, Title string
	Compact          bool
	Language         string
	Languages        []button.Language
	WrongURL         string
	Large, Small     template.HTML // the two sizes, to choose from
	Picture          template.HTML // the button as it will stand there
	Snippets         []snippet
	Account          string // the element that ties a page to who looks, or ""
}

// pageLanguages are the languages of the pages as buttons name them.
var pageLanguages = map[string]string{"en": "en_GB", "de": "de_DE"}

// snippet is one thing to copy.
type snippet struct{ ID, Title, Hint, Text string }

// configurator writes snippets for an author. Everything that is chosen stands
// in the address, so that it works without script and can be kept.
func (s *Server) configurator(w http.ResponseWriter, r *http.Request) {
	t, m, q := s.tongues.of(r), memberOf(r.Context()), r.URL.Query()
	language := q.Get("language")
	if !slices.ContainsFunc(button.Languages, func(known button.Language) bool { return known.Code == language }) {
		language = pageLanguages[t.code]
	}
	// What is read like an old link is bounded and cleaned like one.
	asked := button.ReadAsked(url.Values{
		"url": {q.Get("url")}, "user_id": {q.Get("user_id")}, "title": {q.Get("title")}, "language": {language}, "button": {q.Get("size")},
	}.Encode())
	page := buttonPage{
		URL: asked.URL, Name: asked.Owner, Title: asked.Title, Compact: asked.Compact, Language: language, Languages: button.Languages,
	}
	status, typed := http.StatusOK, strings.TrimSpace(q.Get("url"))
	if asked.URL == "" && typed != "" {
		page.URL, page.WrongURL = typed, t.say("wrong.url")
		status = http.StatusUnprocessableEntity
	}
	if m != nil {
		code, err := s.store.KnownFlattrID(r.Context(), m.ID) // made when they joined or signed in: to look changes nothing
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if code != "" {
			page.Account = `<meta name="flattr:id" content="` + code + `">`
		}
		if page.Name == "" && !q.Has("user_id") {
			page.Name, asked.Owner = m.Name, m.Name
		}
	}
	if err := s.addDrawings(&page, asked); err != nil {
		s.fail(w, r, err)
		return
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

// addDrawings shows both sizes of the button, whatever was chosen.
func (s *Server) addDrawings(page *buttonPage, asked button.Asked) (err error) {
	for _, size := range []struct {
		compact bool
		to      *template.HTML
	}{{false, &page.Large}, {true, &page.Small}} {
		asked.Compact, asked.Title = size.compact, ""
		if *size.to, err = asked.Drawing(s.public); err != nil {
			return err
		}
	}
	return nil
}
