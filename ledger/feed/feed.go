// Package feed serves Atom feeds of an author's things and of a reader's public
// flattrs; the same for everybody, without cookies.
package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// maxEntries bounds a feed: what has come since a reader program last looked,
// were that a week ago.
const maxEntries = 50

// maxAge is how long others may keep a feed, in seconds. It is also how long one
// may be seen after its member has made the profile private.
const maxAge = "300"

// Config is what feeds need.
type Config struct {
	Store  *store.Store
	Public *url.URL // origin of the ledger
	Now    func() time.Time
	Log    *slog.Logger
}

// Server serves feeds.
type Server struct{ config Config }

// New makes a server.
func New(config Config) *Server { return &Server{config: config} }

// The paths of the feeds, as patterns of net/http.
const (
	pathThings  = "/profile/{name}/things.atom"
	pathFlattrs = "/profile/{name}/flattrs.atom"
)

// Register lets mux serve the feeds.
func (s *Server) Register(mux *http.ServeMux) {
	mux.Handle("GET "+pathThings, s.serve(s.things))
	mux.Handle("GET "+pathFlattrs, s.serve(s.flattrs))
}

// serve answers with the feed that make makes of a member.
func (s *Server) serve(make func(context.Context, flattr.Member) (atomFeed, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := s.config.Store.MemberByName(r.Context(), r.PathValue("name"))
		var f atomFeed
		if err == nil {
			f, err = make(r.Context(), m)
		}
		var body []byte
		if err == nil {
			body, err = f.encode()
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "application/atom+xml; charset=utf-8")
		header.Set("Cache-Control", "public, max-age="+maxAge)
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		sum := sha256.Sum256(body)
		header.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`)
		modified := time.Time{} // a feed that has become empty is new to whoever has an older one
		if len(f.Entries) > 0 {
			modified = f.newest
		}
		http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	}
}

// fail answers a failure.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case flattr.CodeOf(err) == flattr.NotFound:
		http.Error(w, "There is no such member.", http.StatusNotFound)
	case store.Busy(err):
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The ledger is busy. Try again soon.", http.StatusServiceUnavailable)
	default:
		s.config.Log.ErrorContext(r.Context(), "feed", "error", err)
		http.Error(w, "Something went wrong here. Try again later.", http.StatusInternalServerError)
	}
}

// things is the feed of an author's things, which say on their own pages whose
// they are: also while the profile is private, as the public interface has it.
func (s *Server) things(ctx context.Context, m flattr.Member) (atomFeed, error) {
	f := s.frame(m, "things", "Things by "+m.Name)
	things, err := s.config.Store.ThingsOf(ctx, m.ID, false, maxEntries, 0)
	if err != nil {
		return f, err
	}
	for _, t := range things {
		e := s.entry(t)
		e.ID = s.tag(t.Since, "thing/"+idOf(t.ID))
		e.Published, e.Updated = atomTime(t.Since), atomTime(t.Updated)
		f.add(e, t.Updated)
	}
	return f, nil
}

// flattrs is the feed of what a reader flattrs in public: empty while the
// profile is private, and else from when it was made public.
func (s *Server) flattrs(ctx context.Context, m flattr.Member) (atomFeed, error) {
	f := s.frame(m, "flattrs", "Flattrs by "+m.Name)
	clicks, err := s.config.Store.FlattrsOf(ctx, s.config.Now(), m.ID, false, maxEntries, 0)
	if err != nil {
		return f, err
	}
	for _, c := range clicks {
		e := s.entry(c.Thing)
		e.ID = s.tag(c.At, url.PathEscape(m.Name)+"/flattr/"+idOf(c.Thing.ID))
		e.Published, e.Updated = atomTime(c.At), atomTime(c.At)
		f.add(e, c.At)
	}
	return f, nil
}

// frame is a feed without entries.
func (s *Server) frame(m flattr.Member, kind, title string) atomFeed {
	profile := s.config.Public.JoinPath("profile", url.PathEscape(m.Name)).String()
	return atomFeed{
		ID:    s.tag(m.Since, "profile/"+url.PathEscape(m.Name)+"/"+kind),
		Title: title,
		Links: []atomLink{
			{Rel: "self", Type: "application/atom+xml", Href: profile + "/" + kind + ".atom"},
			{Rel: "alternate", Type: "text/html", Href: profile},
		},
		Author:    atomPerson{Name: m.Name, URI: profile},
		Generator: "flattr-ledger",
		newest:    m.Since,
	}
}

// entry is what both feeds say of a thing.
func (s *Server) entry(t flattr.Thing) atomEntry {
	e := atomEntry{
		Title: t.Title,
		Links: []atomLink{
			{Rel: "alternate", Href: written.Replace(t.URL)},
			{Rel: "payment", Type: "text/html", Href: s.payment(t)},
		},
		Summary: t.Description,
	}
	if strings.TrimSpace(e.Title) == "" {
		e.Title = t.URL
	}
	e.Author = atomPerson{Name: flattr.UnclaimedName}
	if t.Owner != "" {
		e.Author = atomPerson{Name: t.Owner, URI: s.config.Public.JoinPath("profile", url.PathEscape(t.Owner)).String()}
	}
	for _, tag := range t.Tags {
		if tag = strings.TrimSpace(tag); tag != "" {
			e.Categories = append(e.Categories, atomCategory{Term: tag})
		}
	}
	return e
}

// written escapes of a thing's URL what Atom takes in no address.
var written = strings.NewReplacer(`"`, "%22", "<", "%3C", ">", "%3E", "^", "%5E", "`", "%60", "{", "%7B", "|", "%7C", "}", "%7D")

// payment is the link by which programs let their reader flattr a thing.
func (s *Server) payment(t flattr.Thing) string {
	link := s.config.Public.JoinPath("submit", "auto")
	query := url.Values{"url": {t.URL}}
	if t.Owner != "" {
		query.Set("user_id", t.Owner)
	}
	link.RawQuery = query.Encode()
	return link.String()
}
