package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// Bounds of an author's page, so that it stays under 10 kB whatever its author
// and the authors of things have written.
const (
	// maxShownThings and maxShownFlattrs are how many lines a page has at most.
	maxShownThings, maxShownFlattrs = 20, 10
	// maxLabel cuts a title in a list, in characters.
	maxLabel = 80
	// maxShownAbout and maxShownLine are how much of a text is shown, in bytes as it
	// stands in the page; maxTexts is what texts and lists have together.
	maxShownAbout, maxShownLine = 2400, 240
	maxTexts                    = 5200
	// lineFrame is what a line of a list has around its texts, in bytes.
	lineFrame = 190
	// maxOffset is how far back lists go; feeds and the interface tell the rest.
	maxOffset = 10_000
)

// profilePage is an author: a thing, what they say of themselves, their things,
// and where they want it what they flattr.
type profilePage struct {
	thingPage
	Name                    string
	Author                  flattr.Profile // empty while it is private
	FullName, Place         string
	Site                    string // of the author; "" or one that a browser may follow
	About                   string
	Things, Flattrs         []profileLine
	MoreThings, MoreFlattrs string // addresses of the next lines, or ""
}

// profileLine is one thing in a list.
type profileLine struct {
	Path, Label, Where string
	Owner              string
	Clicks             int
	At                 time.Time
	self               bool // the author, who is no thing of theirs
}

// profile shows an author.
func (s *Server) profile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if at := r.PathValue("at"); at != "" {
		after, isName := strings.CutPrefix(at, "@")
		if !isName {
			s.notFound(w, r)
			return
		}
		name = after
	}
	m, err := s.store.MemberByName(r.Context(), name)
	if flattr.CodeOf(err) == flattr.NotFound {
		s.problem(w, r, http.StatusNotFound, "thing.nobody.title", "thing.nobody", "")
		return
	}
	if err != nil {
		s.fail(w, r, fmt.Errorf("find author: %w", err))
		return
	}
	view, ok := s.byURL(w, r, s.profileURL(m))
	if !ok {
		return
	}
	view.Title, view.URL, view.Owner = m.Name, "", m.Name // also before the first click
	page, err := s.profilePage(r, m, view)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "profile", m.Name, page)
}

func (s *Server) profilePage(r *http.Request, m flattr.Member, view flattr.Thing) (profilePage, error) {
	page := profilePage{Name: m.Name}
	var err error
	// Their click names the author, so that the thing gets its owner.
	page.thingPage, err = s.stand(r, view, thingPage{Title: m.Name, Form: []field{{"profile", m.Name}}})
	if err != nil {
		return page, err
	}
	said, err := s.store.Profile(r.Context(), m.ID)
	if err != nil {
		return page, err
	}
	query := r.URL.Query()
	fromThing, fromFlattr := offsetOf(query.Get("things")), offsetOf(query.Get("flattrs"))
	room := maxTexts
	if said.Public {
		page.Author = said
		page.FullName = short(strings.TrimSpace(said.FirstName+" "+said.LastName), maxShownLine)
		page.Place = short(strings.Trim(said.City+", "+said.Country, ", "), maxShownLine)
		page.Site = webLink(said.URL)
		if fromThing == 0 && fromFlattr == 0 {
			page.About = short(said.About, maxShownAbout)
		}
		room -= len(page.FullName) + len(page.Place) + 2*len(page.Site) + len(html.EscapeString(page.About))
	}
	things, err := s.store.ThingsOf(r.Context(), m.ID, false, maxShownThings+1, fromThing)
	if err != nil {
		return page, fmt.Errorf("read things of an author: %w", err)
	}
	var flattrs []flattr.Flattred
	if said.Public { // else nobody sees any, and to look takes the longer the more there are
		if flattrs, err = s.store.FlattrsOf(r.Context(), s.now(), m.ID, false, maxShownFlattrs+1, fromFlattr); err != nil {
			return page, fmt.Errorf("read flattrs of a member: %w", err)
		}
	}
	var lines, clicks []profileLine
	for _, t := range things {
		line := lineOf(t)
		line.self = t.ID == view.ID
		lines = append(lines, line)
	}
	for _, f := range flattrs {
		line := lineOf(f.Thing)
		line.Owner, line.Where, line.At = f.Thing.Owner, "", f.At
		clicks = append(clicks, line)
	}
	path := "/profile/" + url.PathEscape(m.Name)
	page.Flattrs, page.MoreFlattrs = fit(clicks, maxShownFlattrs, room/3, path+"?flattrs=", fromFlattr)
	for _, line := range page.Flattrs {
		room -= line.size()
	}
	page.Things, page.MoreThings = fit(lines, maxShownThings, room, path+"?things=", fromThing)
	page.Things = slices.DeleteFunc(page.Things, func(line profileLine) bool { return line.self })
	return page, nil
}

// profileURL is the address of an author, by which the thing is known too:
// names are compared without case.
func (s *Server) profileURL(m flattr.Member) string {
	return s.public.JoinPath("/profile", flattr.NameKey(m.Name)).String()
}

// offsetOf reads from where on a list is shown; what is no number is its start.
func offsetOf(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxOffset {
		return 0
	}
	return n
}

func lineOf(t flattr.Thing) profileLine {
	line := profileLine{Path: "/thing/" + strconv.FormatInt(int64(t.ID), 10), Label: strings.TrimSpace(t.Title), Where: where(t.URL), Clicks: t.Flattrs}
	if line.Label == "" {
		line.Label, line.Where = line.Where, ""
	}
	if text := []rune(line.Label); len(text) > maxLabel {
		line.Label = string(text[:maxLabel]) + "…"
	}
	return line
}

// size is about how much of a page a line takes, in bytes.
func (l profileLine) size() int {
	return lineFrame + len(html.EscapeString(l.Label)) + len(html.EscapeString(l.Where)) + 2*len(l.Owner)
}

// fit is as many lines as there is room for, one at least, and the address of the
// next ones where there are more.
func fit(lines []profileLine, most, room int, address string, from int) ([]profileLine, string) {
	for i, line := range lines {
		if room -= line.size(); i > 0 && room < 0 || i == most {
			return lines[:i], address + strconv.Itoa(from+i)
		}
	}
	return lines, ""
}

// short cuts a text so that it takes at most so many bytes in a page.
func short(text string, most int) string {
	if len(html.EscapeString(text)) <= most {
		return text
	}
	size := 0
	for i, r := range text {
		if size += len(html.EscapeString(string(r))); size > most {
			return text[:i] + "…"
		}
	}
	return text
}
