package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"flattr/ledger/flattr"
)

// profileField is one text of a profile as the form has it.
type profileField struct {
	ID, Label, Hint string // Label and Hint are keys of words; Hint may be ""
	Type            string // of the input
	Complete        string // what browsers may fill in
	Most            int    // characters
	Value, Wrong    string
	text            func(*flattr.Profile) *string
}

// profileFields are the texts of a profile, in the form's order.
func profileFields() []profileField {
	return []profileField{
		{ID: "firstname", Label: "profile.firstname", Type: "text", Complete: "given-name", Most: flattr.MaxProfileLine, text: func(p *flattr.Profile) *string { return &p.FirstName }},
		{ID: "lastname", Label: "profile.lastname", Type: "text", Complete: "family-name", Most: flattr.MaxProfileLine, text: func(p *flattr.Profile) *string { return &p.LastName }},
		{ID: "about", Label: "profile.about", Hint: "profile.about.hint", Most: flattr.MaxProfileAbout, text: func(p *flattr.Profile) *string { return &p.About }},
		{ID: "city", Label: "profile.city", Type: "text", Complete: "address-level2", Most: flattr.MaxProfileLine, text: func(p *flattr.Profile) *string { return &p.City }},
		{ID: "country", Label: "profile.country", Type: "text", Complete: "country-name", Most: flattr.MaxProfileLine, text: func(p *flattr.Profile) *string { return &p.Country }},
		{ID: "url", Label: "profile.url", Hint: "profile.url.hint", Type: "url", Complete: "url", Most: flattr.MaxProfileURL, text: func(p *flattr.Profile) *string { return &p.URL }},
		{ID: "email", Label: "profile.email", Hint: "profile.email.hint", Type: "email", Complete: "email", Most: flattr.MaxProfileEmail, text: func(p *flattr.Profile) *string { return &p.Email }},
	}
}

// ownProfilePage is where a member writes what they say of themselves.
type ownProfilePage struct {
	Name   string
	Fields []profileField
	Public bool      // as chosen
	Since  time.Time // of what is kept; zero while private
	Wrong  bool      // there is a field that is wrong
}

// ownProfile shows the form.
func (s *Server) ownProfile(w http.ResponseWriter, r *http.Request) {
	m := memberOf(r.Context())
	p, err := s.store.Profile(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := ownProfilePage{Name: m.Name, Public: p.Public, Since: p.PublicSince, Fields: profileFields()}
	for i, field := range page.Fields {
		page.Fields[i].Value = *field.text(&p)
	}
	s.render(w, r, http.StatusOK, "own_profile", s.tongues.of(r).say("profile.title"), page)
}

// changeProfile keeps a profile whole, or says by field what is wrong and keeps
// what was typed.
func (s *Server) changeProfile(w http.ResponseWriter, r *http.Request) {
	if !s.parse(w, r) {
		return
	}
	t, m := s.tongues.of(r), memberOf(r.Context())
	had, err := s.store.Profile(r.Context(), m.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := flattr.Profile{Public: r.PostForm.Get("seen") == "public"}
	page := ownProfilePage{Name: m.Name, Public: p.Public, Since: had.PublicSince, Fields: profileFields()}
	for i, field := range page.Fields {
		value := typedText(r.PostForm.Get(field.ID))
		page.Fields[i].Value = value
		*field.text(&p) = value
		alone := flattr.Profile{}
		*field.text(&alone) = value
		if flattr.CheckProfile(alone) == nil {
			continue
		}
		page.Wrong = true
		switch length := len([]rune(value)); {
		case length > field.Most:
			page.Fields[i].Wrong = t.say("profile.wrong.long", field.Most, length)
		case field.ID == "email":
			page.Fields[i].Wrong = t.say("profile.wrong.email")
		default:
			page.Fields[i].Wrong = t.say("profile.wrong.url")
		}
	}
	if page.Wrong {
		s.render(w, r, http.StatusUnprocessableEntity, "own_profile", t.say("profile.title"), page)
		return
	}
	if err := s.store.SetProfile(r.Context(), s.now(), m.ID, p); err != nil {
		s.fail(w, r, fmt.Errorf("change profile: %w", err))
		return
	}
	notice := "profile.saved"
	switch {
	case p.Public && !had.Public:
		notice = "profile.saved.public"
	case had.Public && !p.Public:
		notice = "profile.saved.private"
	}
	s.sessions.Put(r.Context(), sessionNotice, t.say(notice))
	http.Redirect(w, r, "/profile", http.StatusSeeOther)
}

// typedText is a text as it is kept: lines end as everywhere, and what no page
// can show is left out.
func typedText(raw string) string {
	raw = strings.ReplaceAll(strings.ToValidUTF8(raw, ""), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, raw))
}
