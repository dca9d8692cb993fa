// Package button serves the buttons of pages that are written already: loader,
// frame, badges and counters, without cookies and the same for everybody.
package button

import (
	"crypto/sha256"
	_ "embed" // holds the loader
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"flattr/ledger/store"
)

//go:embed load.js
var loader string

// How long others may keep what is served, in seconds.
const (
	fileAge  = 24 * 60 * 60
	frameAge = 5 * 60 // a counter may be so old
)

// Server serves the buttons.
type Server struct {
	store  *store.Store
	public *url.URL
	log    *slog.Logger
	policy string // of the frame
	files  map[string]file
}

// file is something that never changes while the program runs.
type file struct {
	kind string // media type
	body []byte
	mark string // entity tag
}

// New prepares the buttons of a ledger that is reached under public.
func New(st *store.Store, public *url.URL, log *slog.Logger) (*Server, error) {
	s := &Server{store: st, public: public, log: log, files: map[string]file{}}
	sum := sha256.Sum256([]byte(frameStyle))
	s.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors *"
	elements, err := load(public, "elements")
	if err != nil {
		return nil, err
	}
	globals, err := load(public, "globals")
	if err != nil {
		return nil, err
	}
	for _, version := range []string{"0.6", "0.5.0", "0.5"} {
		s.add("/js/"+version+"/load.js", "text/javascript; charset=utf-8", elements)
	}
	s.add("/button/load.js", "text/javascript; charset=utf-8", globals)
	for name, draw := range map[string]func() ([]byte, error){"large": drawLarge, "small": drawSmall} {
		picture, err := draw()
		if err != nil {
			return nil, fmt.Errorf("draw badge: %w", err)
		}
		s.add("/button/flattr-badge-"+name+".png", "image/png", picture)
	}
	return s, nil
}

// load is the loader of a ledger: for elements of a page, or for the global
// variables of 2010.
func load(public *url.URL, mode string) ([]byte, error) {
	// Quotes and < cannot end the text: json writes them as escapes.
	origin, err := json.Marshal(strings.TrimSuffix(public.String(), "/"))
	if err != nil {
		return nil, fmt.Errorf("write origin: %w", err)
	}
	return []byte(strings.NewReplacer(`"%LEDGER%"`, string(origin), "%MODE%", mode).Replace(loader)), nil
}

func (s *Server) add(path, kind string, body []byte) {
	s.files[path] = file{kind: kind, body: body, mark: markOf(body)}
}

// markOf is an entity tag.
func markOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// Handler answers below /js/, /button/ and /view/.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, f := range s.files {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, f, fileAge)
		})
	}
	for _, path := range []string{"/button/view", "/button/view/{$}", "/view/{$}"} {
		mux.HandleFunc("GET "+path, s.frame)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		// Pages of others show and run what is here: that is what it is for.
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if s.public.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		mux.ServeHTTP(w, r)
	})
}

// answer writes something that anybody may keep for age seconds, or says that
// what the visitor has is still good.
func answer(w http.ResponseWriter, r *http.Request, f file, age int) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", age))
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("ETag", f.mark)
	for mark := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(mark), "W/") == f.mark {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(f.body)))
	_, _ = w.Write(f.body) // who asked may be gone
}
