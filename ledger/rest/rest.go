// Package rest is REST v2, the interface that clients of Flattr speak: one
// table of routes, and what decodes, authorizes and answers for all of them.
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Base is the path below which all routes are.
const Base = "/rest/v2"

// Limits of the interface.
const (
	// requestTimeout bounds the work for one request, which takes milliseconds;
	// the rest is waiting for the database.
	requestTimeout = 20 * time.Second
	// maxBodyBytes bounds a body, as sent and as unpacked.
	maxBodyBytes = 1 << 20
	// maxToken is longer than any token we issue.
	maxToken = 256
	// keyBytes is the length of the key under which callers are counted.
	keyBytes = 32
)

// Bearer tells whom a token acts for, in which scopes, and to which application
// it was given. For a token that is not in force it answers an error with the
// code unauthorized.
type Bearer func(ctx context.Context, token string) (member flattr.MemberID, scopes []string, client string, err error)

// Config is what the interface is made of.
type Config struct {
	Store  *store.Store
	Member Bearer
	Public *url.URL // origin under which the ledger is reached
	Now    func() time.Time
	Log    *slog.Logger
}

// Server is the interface.
type Server struct {
	Config
	routes []route
	rates  *rates
}

// New returns the interface; the key under which callers are counted is made
// once and kept in the store.
func New(ctx context.Context, c Config) (*Server, error) {
	key, err := c.Store.Secret(ctx, "rest callers", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("read key of callers: %w", err)
	}
	s := &Server{Config: c, rates: newRates(c.Store, key)}
	s.routes = s.table()
	return s, nil
}

// Run merges every second what was counted with what other processes counted,
// until ctx ends.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(mergeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.rates.merge(ctx, s.Now()); err != nil && ctx.Err() == nil {
				s.Log.Warn("merge rates", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Before answers Base and everything below it, and leaves the rest to next. It
// stands before any ServeMux, which would answer in HTML that a path can be
// written shorter.
func (s *Server) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked, ok := ours(r); ok {
			s.serve(w, asked)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether a request is for this interface. One whose path has
// slashes or dots too many is answered as if it had not.
func ours(r *http.Request) (*http.Request, bool) {
	if isBelow(r.URL.EscapedPath()) {
		return r, true
	}
	clean := path.Clean("/" + r.URL.Path)
	if !isBelow(clean) {
		return r, false
	}
	asked, at := *r, *r.URL
	at.Path, at.RawPath = clean, ""
	asked.URL = &at
	return &asked, true
}

func isBelow(path string) bool {
	below, ok := strings.CutPrefix(path, Base)
	return ok && (below == "" || below[0] == '/')
}

// Unavailable answers a request to this interface that the ledger is closed for
// now, and reports whether it was one.
func Unavailable(w http.ResponseWriter, r *http.Request, public *url.URL, sentence string) bool {
	r, ok := ours(r)
	if !ok {
		return false
	}
	s := &Server{Config: Config{Public: public, Log: slog.New(slog.DiscardHandler)}}
	c := &call{server: s, r: r}
	_, suffix := s.match(strings.TrimPrefix(r.URL.EscapedPath(), Base))
	c.format, _ = formatOf(suffix, r.Header.Values("Accept"), nil) // what cannot be said so is said in JSON
	common(w.Header())
	c.fail(w, &problem{http.StatusServiceUnavailable, codeServer, sentence})
	return true
}

// serve answers one request, whatever happens, in the format that was asked for.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	c := &call{server: s, r: r, now: s.Now()}
	defer func() {
		if broken := recover(); broken != nil {
			s.Log.Error("request panicked", "path", c.pattern, "error", broken, "stack", string(debug.Stack()))
			c.fail(w, &problem{http.StatusInternalServerError, codeServer, textServer})
		}
	}()
	common(w.Header())
	body, err := s.answer(c, w)
	if err != nil {
		c.fail(w, err)
		return
	}
	c.write(w, body)
}

// answer finds the route of a request and goes through what stands before its
// handler: preflight, token, rate, format, body, scope. Whatever is refused counts
// too.
func (s *Server) answer(c *call, w http.ResponseWriter) (any, error) {
	path, query := older(c.r, strings.TrimPrefix(c.r.URL.EscapedPath(), Base))
	found, suffix := s.match(path)
	format, notSaid := formatOf(suffix, c.r.Header.Values("Accept"), found.own())
	c.format, c.args, c.query = format, found.args, queryOf(query, found.named(http.MethodGet))
	known := len(found.routes) > 0
	if known && c.r.Method == http.MethodOptions {
		w.Header().Set("Allow", found.methods())
		w.Header().Set("Access-Control-Allow-Methods", found.methods())
		return nil, nil
	}
	callback, notCalled := callbackOf(c)
	c.callback = callback
	refused := s.authenticate(c)
	counted := !known || found.routes[0].Pattern != patternRateLimit || refused != nil // who tries tokens out is counted too
	over := s.rates.take(c, counted, w.Header())
	switch {
	case over && counted:
		return nil, refuse(codeRate, "This hour's requests are used up. Try again when the hour of X-RateLimit-Reset has come.")
	case notSaid != nil:
		return nil, notSaid
	case !known:
		return nil, refuse(codeNotFound, "There is no such resource. The reference is at "+s.Public.JoinPath("docs", "api").String()+".")
	case notCalled != nil:
		return nil, notCalled
	case refused != nil:
		w.Header().Set("WWW-Authenticate", `Bearer realm="flattr", error="invalid_token"`)
		return nil, refused
	}
	if err := c.checkAddress(); err != nil {
		return nil, err
	}
	if !c.reads() && found.changes() {
		if c.member == 0 {
			return nil, signIn(w.Header()) // before the body, which takes many times its bytes in memory
		}
		if err := c.decode(w); err != nil {
			return nil, err
		}
	}
	rt := found.named(c.method())
	if rt == nil {
		w.Header().Set("Allow", found.methods())
		return nil, &problem{http.StatusMethodNotAllowed, codeInvalid, "This resource knows the methods " + found.methods() + "."}
	}
	c.pattern, c.root = rt.Method+" "+rt.Pattern, rt.Root
	if err := c.authorize(rt, w.Header()); err != nil {
		return nil, err
	}
	if !rt.says(c.format) {
		return nil, errNoText
	}
	return rt.handle(c)
}

// common sets what every answer says: any page may read it, nobody keeps it,
// and no browser takes it for anything else.
func common(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Expose-Headers", "Location, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Current, X-RateLimit-Reset")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept, Accept-Encoding, Authorization")
}
