package web

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"

	"flattr/ledger/store"
)

// policy is the content security policy of all pages: our style sheet, our
// mark (data: for the icons drawn inside the style sheet), forms that go to us
// and nothing else; no script, but for our own on the pages of passkeys (see
// allowScript).
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// secure sets the headers that keep browsers strict.
func secure(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Addresses of pages can hold an invite code: no other site sees them.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// allowFormTo widens the policy of one page so that its form may end at
// another origin: browsers hold form-action against the redirect too that
// answers the form, and the consent form is answered with one to the
// companion's listener.
func allowFormTo(w http.ResponseWriter, origin string) {
	w.Header().Set("Content-Security-Policy", policy+" "+origin)
}

// allowScript widens the policy of one page so that our own script may ask the
// browser for a passkey, and answers the script's address; "" where browsers keep
// none for this ledger.
func (s *Server) allowScript(w http.ResponseWriter) string {
	if s.passkeys == nil {
		return ""
	}
	w.Header().Set("Content-Security-Policy", policy+"; script-src 'self'; connect-src 'self'")
	return s.script
}

// problemBody is what the page of a problem shows.
type problemBody struct{ Text, Ref string }

// problem shows a page that says what went wrong and what to do next.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, status int, title, text, ref string, args ...any) {
	t := s.tongues.of(r)
	s.render(w, r, status, "problem", t.say(title), problemBody{Text: t.say(text, args...), Ref: ref})
}

// fail answers a failure that nobody expected: logged under a reference, which
// the page names.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if store.Busy(err) || errors.Is(err, errHashingBusy) {
		w.Header().Set("Retry-After", "5")
		s.problem(w, r, http.StatusServiceUnavailable, "problem.title", "problem.busy", "")
		return
	}
	ref := reference()
	s.log.Error("page failed", "ref", ref, "method", r.Method, "page", r.Pattern, "error", err)
	s.problem(w, r, http.StatusInternalServerError, "problem.title", "problem.internal", ref)
}

// reference is short enough to read out on the telephone.
func reference() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	r, err := s.withMember(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.problem(w, r, http.StatusNotFound, "problem.notfound.title", "problem.notfound", "")
}
