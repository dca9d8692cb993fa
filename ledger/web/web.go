// Package web serves the ledger's pages for readers and authors: rendered on
// the server, without script, in English and German.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"flattr/ledger/api"
	"flattr/ledger/claim"
	"flattr/ledger/flattr"
	"flattr/ledger/limit"
	"flattr/ledger/oauth"
	"flattr/ledger/passkey"
	"flattr/ledger/report"
	"flattr/ledger/store"
)

//go:embed pages/*.html pages/parts/*.html
var pageFiles embed.FS

//go:embed static/*
var staticFiles embed.FS

// Limits of the pages.
const (
	// maxFormBytes bounds a posted form; the longest is the consent form, which
	// carries an authorization request.
	maxFormBytes = 16 << 10
	// requestTimeout bounds the work for one page; all of it is waiting for the
	// database or for a turn to hash a password.
	requestTimeout = 20 * time.Second
	// maxBack bounds the address that a link to another language comes back to,
	// in bytes: pages stay small whatever leads to them.
	maxBack = 1200
	// sessionLifetime is how long a browser stays signed in.
	sessionLifetime = 30 * 24 * time.Hour
	// A name may be tried ten times at once and then every half minute: a
	// person who mistypes is not stopped, a list of passwords is.
	nameBurst, nameInterval = 10, 30 * time.Second
	// An address may fail more often: many people can share one.
	addressBurst, addressInterval = 100, 2 * time.Second
)

// Config is what the pages need.
type Config struct {
	Store  *store.Store
	OAuth  *oauth.Server
	Claims *claim.Keeper // asks sites who owns them
	Now    func() time.Time
	Log    *slog.Logger
	Public *url.URL // origin under which the ledger is reached
	Mail   bool     // letters to members are sent
}

// Server serves the pages.
type Server struct {
	store     *store.Store
	oauth     *oauth.Server
	now       func() time.Time
	log       *slog.Logger
	public    *url.URL
	sessions  *scs.SessionManager
	tongues   *tongues
	pages     *pageSet
	style     string          // address of the style sheet, with its hash
	packed    []byte          // the style sheet by gzip: a seventh of it
	script    string          // address of the script that asks for passkeys, with its hash
	passkeys  *passkey.Keeper // nil: browsers keep none for this ledger
	mail      bool            // letters are sent
	asks      *limit.Limiter  // questions to passkeys and wishes for letters, by address
	names     *limit.Limiter  // sign-ins by name
	addresses *limit.Limiter  // failed sign-ins and sign-ups by address
	sites     *claim.Keeper
	checks    *limit.Limiter // of sites, by member
	wishes    *limit.Limiter // of sites that want no money, by address
	downloads *limit.Limiter // of a member's own files, by member
	guesses   *limit.Limiter // codes and links in addresses that are none, by address
	hashing   *hashing
	closed    lastMonth
	first     firstThings
}

// New prepares the pages.
func New(cfg Config) (*Server, error) {
	ts, err := loadTongues()
	if err != nil {
		return nil, err
	}
	style, err := hashed("style.css")
	if err != nil {
		return nil, err
	}
	script, err := hashed("passkey.js")
	if err != nil {
		return nil, err
	}
	passkeys, err := passkey.New(cfg.Store, cfg.Public, cfg.Now)
	if err != nil {
		return nil, err
	}
	css, err := staticFiles.ReadFile("static/style.css")
	if err != nil {
		return nil, fmt.Errorf("read style sheet: %w", err)
	}
	packed, err := pack(css)
	if err != nil {
		return nil, err
	}
	s := &Server{
		store: cfg.Store, oauth: cfg.OAuth, now: cfg.Now, log: cfg.Log, public: cfg.Public,
		tongues:   ts,
		style:     style,
		packed:    packed,
		script:    script,
		passkeys:  passkeys,
		mail:      cfg.Mail,
		asks:      limit.New(addressInterval, addressBurst),
		names:     limit.New(nameInterval, nameBurst),
		addresses: limit.New(addressInterval, addressBurst),
		sites:     cfg.Claims,
		checks:    limit.New(checkInterval, checkBurst),
		downloads: limit.New(downloadInterval, downloadBurst),
		wishes:    limit.New(wishInterval, wishBurst),
		guesses:   limit.New(addressInterval, addressBurst),
		hashing:   newHashing(),
		closed:    lastMonth{store: cfg.Store},
		first:     firstThings{store: cfg.Store},
	}
	if s.pages, err = newPageSet(ts); err != nil {
		return nil, err
	}
	s.sessions = s.newSessions()
	return s, nil
}

// hashed is the address of a static file; a changed file has another one.
func hashed(name string) (string, error) {
	raw, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		return "", fmt.Errorf("read static file: %w", err)
	}
	sum := sha256.Sum256(raw)
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6]), nil
}

// maxWhere bounds an address shown beside a title, in characters.
const maxWhere = 60

// where tells a reader to which page a link leads: host and path, without
// scheme and query, and cut where it is long.
func where(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	text := []rune(strings.TrimSuffix(u.Host+u.Path, "/"))
	if len(text) > maxWhere {
		return string(text[:maxWhere]) + "…"
	}
	return string(text)
}

// Handler is all pages, with sessions, protection against requests from other
// sites, and the headers that keep a browser from doing more than it should.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /money", s.shown(s.flow))
	mux.HandleFunc("GET /privacy", s.shown(s.privacy))
	mux.HandleFunc("GET /signup", s.signUpForm)
	mux.HandleFunc("POST /signup", s.signUp)
	mux.HandleFunc("GET /signin", s.signInForm)
	mux.HandleFunc("POST /signin", s.signIn)
	mux.HandleFunc("POST /signout", s.signOut)
	mux.HandleFunc("GET /month", s.member(s.month))
	mux.HandleFunc("GET /welcome", s.member(s.welcome))
	mux.HandleFunc("GET /invites/{code}", s.member(s.letter))
	mux.HandleFunc("POST /budget", s.member(s.changeBudget))
	mux.HandleFunc("POST /undo", s.member(s.undo))
	mux.HandleFunc("GET /revenue", s.member(s.revenue))
	mux.HandleFunc("GET /revenue.csv", s.member(s.download(report.CSV, "text/csv; charset=utf-8")))
	mux.HandleFunc("GET /revenue.json", s.member(s.download(report.JSON, "application/json")))
	mux.HandleFunc("GET "+api.PathAuthorize, s.member(s.consentForm))
	mux.HandleFunc("POST "+api.PathAuthorize, s.member(s.consent))
	mux.HandleFunc("GET /claims", s.member(s.claims))
	mux.HandleFunc("POST /claims", s.member(s.claim))
	mux.HandleFunc("POST /claims/check", s.member(s.checkClaim))
	mux.HandleFunc("POST /claims/end", s.member(s.endClaim))
	mux.HandleFunc("GET /optout", s.optOut)
	mux.HandleFunc("POST /optout", s.wish)
	mux.HandleFunc("GET /grants", s.member(s.grants))
	mux.HandleFunc("POST /grants/revoke", s.member(s.revokeGrant))
	mux.HandleFunc("POST /grants/end", s.member(s.endGrant))
	mux.HandleFunc("GET /applications", s.member(s.applications))
	mux.HandleFunc("POST /applications", s.member(s.register))
	mux.HandleFunc("POST /applications/revoke", s.member(s.revokeApplication))
	mux.HandleFunc("GET /profile", s.member(s.ownProfile))
	mux.HandleFunc("POST /profile", s.member(s.changeProfile))
	mux.HandleFunc("GET /language", s.chooseLanguage)
	s.waysIn(mux)
	s.letters(mux)
	s.past(mux)
	s.authors(mux)
	s.settings(mux)
	s.publish(mux)
	mux.HandleFunc("/", s.notFound)

	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusForbidden, "problem.title", "problem.cross", "")
	}))
	dynamic := s.bounded(s.sessions.LoadAndSave(guard.Handler(mux)))

	all := http.NewServeMux()
	all.Handle("/", dynamic)
	all.Handle("GET /static/", s.static())
	all.Handle("GET /favicon.ico", http.RedirectHandler("/static/mark.svg", http.StatusMovedPermanently))
	return secure(s.public.Scheme == "https", all)
}

// bounded cuts off long bodies before anything reads them, and long work.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
		next.ServeHTTP(w, r)
	})
}

// view is what every page gets: who is looking, where, and the page's own Body.
type view struct {
	Lang      string
	Languages []languageLink
	Style     string
	Page      string // the template's name, by which a test knows what it has seen
	Title     string
	Path      string
	Member    *flattr.Member
	Notice    string
	Body      any
}

type languageLink struct{ Code, Label, Href string }

// render writes one page. It is built in memory first, so that a page is whole
// or not there.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page, title string, body any) {
	t := s.tongues.of(r)
	v := view{
		Lang: t.code, Style: s.style, Page: page, Title: title, Path: r.URL.Path,
		Member: memberOf(r.Context()), Notice: s.sessions.PopString(r.Context(), sessionNotice), Body: body,
	}
	back := "/"
	if here := r.URL.RequestURI(); r.Method == http.MethodGet && len(here) <= maxBack && safeNext(here) != "" {
		back = here
	}
	for _, other := range s.tongues.all {
		if other.code != t.code {
			query := url.Values{"to": {other.code}, "next": {back}}
			v.Languages = append(v.Languages, languageLink{Code: other.code, Label: other.label, Href: "/language?" + query.Encode()})
		}
	}
	var out bytes.Buffer
	if err := s.pages.execute(&out, t, page, v); err != nil {
		s.log.Error("render page", "page", page, "error", err)
		http.Error(w, t.say("problem.internal"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", t.code)
	if v.Member != nil || v.Notice != "" || status != http.StatusOK || w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.Header().Add("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	if _, err := out.WriteTo(w); err != nil {
		s.log.Debug("write page", "page", page, "error", err)
	}
}

// chooseLanguage remembers a language and goes back.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	if t := s.tongues.named(r.URL.Query().Get("to")); t != nil {
		s.rememberLanguage(w, t)
	}
	next := safeNext(r.URL.Query().Get("next"))
	if next == "" {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// rememberLanguage keeps a choice in the browser.
func (s *Server) rememberLanguage(w http.ResponseWriter, t *tongue) {
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: t.code, Path: "/", MaxAge: int(languageAge.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.public.Scheme == "https",
	})
}

// nextPaths are where a visitor may be sent after signing in or choosing a
// language: pages of ours that a GET shows.
var nextPaths = map[string]bool{
	"/": true, "/signup": true, "/signin": true, "/month": true, "/revenue": true, api.PathAuthorize: true, "/money": true, "/privacy": true, "/settings": true, "/welcome": true,
	"/settings/signin": true, "/settings/mail": true, "/signin/forgotten": true, "/signin/reset": true, "/mail/confirm": true, "/mail/unsubscribe": true,
	"/claims": true, "/grants": true, "/applications": true, "/profile": true,
	"/history": true, "/history/authors": true, "/history/clicks": true, "/history/promises": true, "/subscriptions": true, "/things": true, "/parts": true, "/parts/edit": true, "/notes": true, "/payout": true, "/settings/data": true,
}

// safeNext is raw if it is the path of one of our pages with or without a
// query, and "" for everything else: no one is sent to another site by us.
func safeNext(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || u.RawPath != "" ||
		!nextPaths[u.Path] && !publishedPath.MatchString(u.Path) && !historyPath.MatchString(u.Path) && !authorPath.MatchString(u.Path) {
		return ""
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// isForm tells the one kind of body that our forms have. What another site may send
// without asking first is a form too, or text; those of text are none.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// parse reads a posted form. It answers itself where that fails.
func (s *Server) parse(w http.ResponseWriter, r *http.Request) bool {
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.problem(w, r, http.StatusRequestEntityTooLarge, "problem.title", "problem.large", "")
	case err != nil:
		s.problem(w, r, http.StatusBadRequest, "problem.title", "problem.method", "")
	case !isForm(r):
		s.problem(w, r, http.StatusUnsupportedMediaType, "problem.title", "problem.method", "")
	default:
		return true
	}
	return false
}
