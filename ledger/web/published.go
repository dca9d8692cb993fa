package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"flattr/ledger/button"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// publishedAge is how long others may keep a page that shows a thing to a
// visitor who is not signed in.
const publishedAge = "public, max-age=60"

// publishedPath are the addresses of the pages that old links lead to.
var publishedPath = regexp.MustCompile(`^/(?:(?:thing|t|profile|user|domain)/[^/]+(?:/[^/]*)?|@[^/]+/?|submit/auto/?|buttons)$`)

// publish adds the pages that buttons and links lead to.
func (s *Server) publish(mux *http.ServeMux) {
	mux.HandleFunc("GET /thing/{id}", s.shown(s.thing))
	mux.HandleFunc("GET /thing/{id}/{$}", s.shown(s.thing))
	mux.HandleFunc("GET /thing/{id}/{slug}", s.shown(s.thing))
	mux.HandleFunc("GET /t/{id}", s.shown(s.thing))
	mux.HandleFunc("GET /t/{id}/{$}", s.shown(s.thing))
	mux.HandleFunc("GET /submit/auto", s.shown(s.submitted))
	mux.HandleFunc("GET /submit/auto/{$}", s.shown(s.submitted))
	mux.HandleFunc("GET /profile/{name}", s.shown(s.profile))
	mux.HandleFunc("GET /profile/{name}/{$}", s.shown(s.profile))
	mux.HandleFunc("GET /user/{name}", s.shown(s.profile))
	mux.HandleFunc("GET /user/{name}/{$}", s.shown(s.profile))
	mux.HandleFunc("GET /{at}", s.shown(s.profile))
	mux.HandleFunc("GET /{at}/{$}", s.shown(s.profile))
	mux.HandleFunc("GET /domain/{host}", s.shown(s.domain))
	mux.HandleFunc("GET /domain/{host}/{$}", s.shown(s.domain))
	mux.HandleFunc("GET /buttons", s.shown(s.configurator))
	mux.HandleFunc("POST /flattr", s.flattr)
}

// shown lets a page be seen by anybody, and be kept where nobody is signed in.
func (s *Server) shown(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, err := s.withMember(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		w.Header().Set("Cache-Control", publishedAge) // render takes it back for members and problems
		page(w, r)
	}
}

// thingPage is one thing, which may not be known yet.
type thingPage struct {
	Title       string
	URL         string // that a browser may follow, or ""
	Description string
	Owner       string // verified; empty: a click is a promise
	Asserted    string // a name that a button or link gave; nobody has looked
	Clicks      int
	Mine        bool // of the one who looks
	Done        bool // who looks has flattred it in the running month
	Form        []field
	Next        string // where to come back to after signing in or joining
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// asserted is the owner that a stranger named, if it is a name at all: those of
// partners' own kind say nothing to people.
func asserted(owner string) string {
	if flattr.CheckName(owner) != nil {
		return ""
	}
	return owner
}

// stand fills a page with what the ledger knows of its thing (view), beside what
// an address names, and with how the one who looks stands to it.
func (s *Server) stand(r *http.Request, view flattr.Thing, page thingPage) (thingPage, error) {
	if view.ID != 0 {
		page.Title, page.URL, page.Description, page.Clicks = view.Title, view.URL, view.Description, view.Flattrs
		page.Asserted = asserted(view.Asserted)
	}
	page.Owner, page.URL, page.Description = view.Owner, webLink(page.URL), short(page.Description, maxShownAbout)
	if page.Title = strings.TrimSpace(page.Title); page.Title == "" {
		page.Title = where(page.URL)
	}
	if m := memberOf(r.Context()); m != nil {
		page.Mine = view.Owner == m.Name
		if view.ID != 0 {
			regards, err := s.store.Regards(r.Context(), s.now(), m.ID, []flattr.ThingID{view.ID})
			if err != nil {
				return page, fmt.Errorf("read clicks: %w", err)
			}
			page.Done = regards[0].Flattred
		}
	}
	if page.Next == "" {
		page.Next = r.URL.RequestURI()
	}
	return page, nil
}

// showThing shows a thing. One that is known is flattred by its number.
func (s *Server) showThing(w http.ResponseWriter, r *http.Request, view flattr.Thing, page thingPage) {
	if view.ID != 0 {
		page.Form = []field{{"thing", strconv.FormatInt(int64(view.ID), 10)}}
	}
	page, err := s.stand(r, view, page)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "thing", page.Title, page)
}

// byURL is the thing of a URL. Where the ledger does not know it, it has no id,
// and the owner that it would have.
func (s *Server) byURL(w http.ResponseWriter, r *http.Request, address string) (flattr.Thing, bool) {
	view, err := s.store.ThingByURL(r.Context(), address)
	if flattr.CodeOf(err) == flattr.NotFound {
		var known store.Known
		known, err = s.store.LookUp(r.Context(), address)
		view = flattr.Thing{Owner: known.Owner}
	}
	if err != nil {
		s.fail(w, r, fmt.Errorf("find thing: %w", err))
		return view, false
	}
	return view, true
}

// thing shows a thing by its number. What follows the number is decoration.
func (s *Server) thing(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 || id > flattr.MaxID {
		s.notFound(w, r)
		return
	}
	view, err := s.store.Thing(r.Context(), flattr.ThingID(id))
	switch {
	case flattr.CodeOf(err) == flattr.NotFound:
		s.problem(w, r, http.StatusNotFound, "thing.none.title", "thing.none", "")
	case err != nil:
		s.fail(w, r, fmt.Errorf("find thing: %w", err))
	default:
		s.showThing(w, r, view, thingPage{})
	}
}

// submitted shows the thing that an auto-submit link names. It is made by its
// first click, never by this page.
func (s *Server) submitted(w http.ResponseWriter, r *http.Request) {
	query := r.URL.RawQuery
	asked := button.ReadAsked(query)
	if asked.URL == "" {
		s.problem(w, r, http.StatusBadRequest, "thing.nourl.title", "thing.nourl", "")
		return
	}
	if view, ok := s.byURL(w, r, asked.URL); ok {
		next := s.submitPath(asked)
		if short, err := url.Parse(next); err == nil && len(next) < len(r.URL.RequestURI()) {
			r = r.WithContext(r.Context())
			r.URL = short // the page names its own address in links
		}
		s.showThing(w, r, view, thingPage{
			Title: asked.Title, URL: asked.URL, Description: asked.Description, Asserted: asserted(asked.Owner),
			Form: []field{{"submit", query}}, Next: next,
		})
	}
}

// submitPath is the address of the thing's page, without what makes it long.
func (s *Server) submitPath(asked button.Asked) string {
	return strings.TrimPrefix(asked.Submit(s.public), strings.TrimSuffix(s.public.String(), "/"))
}

// domain shows a site as a thing: the page at its root.
func (s *Server) domain(w http.ResponseWriter, r *http.Request) {
	host := r.PathValue("host")
	address := siteURL(host)
	if address == "" {
		s.problem(w, r, http.StatusNotFound, "thing.nourl.title", "thing.nohost", "")
		return
	}
	if view, ok := s.byURL(w, r, address); ok {
		s.showThing(w, r, view, thingPage{Title: host, URL: address, Form: []field{{"domain", host}}})
	}
}

// siteURL is the root of a site, or "" where host is none: it has a dot, and
// nothing of an address besides.
func siteURL(host string) string {
	if !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, "/?#@:\\[]% \t") {
		return ""
	}
	address := "https://" + host + "/"
	if _, err := flattr.KeyOf(address); err != nil {
		return ""
	}
	return address
}

// named is the thing that a posted form names, and the page to go back to.
func (s *Server) named(r *http.Request) (ref flattr.ThingRef, back string, err error) {
	form := r.PostForm
	switch {
	case form.Get("thing") != "":
		id, err := strconv.ParseInt(form.Get("thing"), 10, 64)
		if err != nil || id < 1 || id > flattr.MaxID {
			break
		}
		return flattr.ThingRef{ID: flattr.ThingID(id)}, "/thing/" + strconv.FormatInt(id, 10), nil
	case form.Get("profile") != "":
		author, err := s.store.MemberByName(r.Context(), form.Get("profile"))
		return flattr.ThingRef{URL: s.profileURL(author)}, "/profile/" + url.PathEscape(author.Name), err
	case form.Get("domain") != "":
		if address := siteURL(form.Get("domain")); address != "" {
			return flattr.ThingRef{URL: address, Title: form.Get("domain")}, "/domain/" + url.PathEscape(form.Get("domain")), nil
		}
	default:
		if asked := button.ReadAsked(form.Get("submit")); asked.URL != "" {
			return flattr.ThingRef{
				URL: asked.URL, FID: asked.FID, Owner: asked.Owner, Title: asked.Title, Description: asked.Description,
				Category: asked.Category, Language: asked.Language, Tags: asked.Tags, Hidden: asked.Hidden,
			}, s.submitPath(asked), nil
		}
	}
	return ref, "", flattr.Refuse(flattr.Invalid, "The form names no thing.")
}

// flattr makes a click, by the same way as a companion's. An owner that a link
// named stays asserted; of a profile the store knows itself whose it is.
func (s *Server) flattr(w http.ResponseWriter, r *http.Request) {
	r, err := s.withMember(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.parse(w, r) {
		return
	}
	ref, back, err := s.named(r)
	m := memberOf(r.Context())
	switch {
	case flattr.CodeOf(err) != "":
		s.problem(w, r, http.StatusBadRequest, "thing.nourl.title", "thing.nourl", "")
		return
	case err != nil:
		s.fail(w, r, fmt.Errorf("find thing of a click: %w", err))
		return
	case m == nil:
		http.Redirect(w, r, "/signin?next="+url.QueryEscape(back), http.StatusSeeOther)
		return
	}
	s.click(w, r, m, ref, back)
}

// click records a click and goes back to its thing with what has become of it.
func (s *Server) click(w http.ResponseWriter, r *http.Request, m *flattr.Member, ref flattr.ThingRef, back string) {
	id, err := uuid.NewV7()
	if err != nil {
		s.fail(w, r, fmt.Errorf("make id of click: %w", err))
		return
	}
	t, now := s.tongues.of(r), s.now()
	answer, err := s.store.RecordAndSum(r.Context(), now, m.ID, []flattr.Event{{ID: flattr.EventID(id), Kind: flattr.KindClick, At: now, Thing: ref}})
	if err != nil {
		s.fail(w, r, fmt.Errorf("record click: %w", err))
		return
	}
	outcome, notice := answer.Outcomes[0], ""
	switch {
	case outcome.Result == flattr.Refused && outcome.Code == flattr.NoMeans:
		notice = t.say("wrong.no_means_click", t.euro(answer.Means), m.Name)
	case outcome.Result == flattr.Refused:
		notice = sentence(t, flattr.Refuse(outcome.Code, outcome.Sentence))
	case outcome.Result == flattr.Duplicate:
		notice = t.say("wrong.flattr_once")
	case outcome.Promise:
		notice = t.say("thing.promise.notice")
	default:
		notice = t.say("thing.done.notice", t.euro(shareOf(answer.Months, outcome.Month)))
	}
	if outcome.ThingID != 0 && ref.ID == 0 && !strings.HasPrefix(back, "/profile/") {
		back = "/thing/" + strconv.FormatInt(int64(outcome.ThingID), 10)
	}
	s.sessions.Put(r.Context(), sessionNotice, notice)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// shareOf is what a click of a month is worth now.
func shareOf(months []flattr.MonthSummary, month flattr.Month) money.Micro {
	for _, m := range months {
		if m.Month == month {
			return m.Share
		}
	}
	return 0
}
