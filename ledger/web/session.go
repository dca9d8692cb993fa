package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/alexedwards/scs/v2"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Keys of a session.
const (
	sessionMember   = "member"   // int64, the MemberID
	sessionSignIn   = "signin"   // string, the id of the sign-in: without it the session is nobody's
	sessionPassword = "password" // string, the mark of the password it was opened with
	sessionNotice   = "notice"   // text shown once on the next page
	sessionQuestion = "question" // string, what a passkey was asked for
)

// newSessions keeps sessions in the store, under the hash of their token.
func (s *Server) newSessions() *scs.SessionManager {
	m := scs.New()
	m.Store = s.store.Sessions(s.now)
	m.HashTokenInStore = true
	m.Lifetime = sessionLifetime
	m.Cookie.Name = "flattr_session"
	m.Cookie.SameSite = http.SameSiteLaxMode
	if s.public.Scheme == "https" {
		m.Cookie.Secure = true
		m.Cookie.Name = "__Host-flattr_session"
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		// Where the session could not be read there is none yet, and pages need
		// one: an empty one, which asks the store for nothing.
		if ctx, failed := m.Load(r.Context(), ""); failed == nil {
			r = r.WithContext(ctx)
		}
		s.fail(w, r, err)
	}
	return m
}

// enter makes the session a member's. Its token is a new one, so that a token
// planted in the browser before is worth nothing. hash is of the password that is
// in force: the session ends with it.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, id flattr.MemberID, hash, next string, byPasskey bool) {
	if err := s.sessions.RenewToken(r.Context()); err != nil {
		s.fail(w, r, fmt.Errorf("renew session: %w", err))
		return
	}
	// What pages name a member by is made here, so that no page that only shows it has to.
	if _, err := s.store.FlattrID(r.Context(), s.now(), id); err != nil {
		s.fail(w, r, fmt.Errorf("make flattr:id: %w", err))
		return
	}
	s.sessions.SetDeadline(r.Context(), s.now().Add(sessionLifetime))
	if err := s.remember(w, r, id, hash); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.endSignIn(r); err != nil { // of who was signed in here before
		s.fail(w, r, err)
		return
	}
	now := s.now()
	signIn, err := s.store.AddSignIn(r.Context(), now, id, store.SignIn{Agent: agentOf(r), Passkey: byPasskey}, now.Add(sessionLifetime))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sessions.Put(r.Context(), sessionSignIn, signIn)
	s.sessions.Put(r.Context(), sessionMember, int64(id))
	s.sessions.Put(r.Context(), sessionPassword, markOf(hash))
	if next == "" || next == "/" || strings.HasPrefix(next, "/sign") {
		next = "/month"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// endSignIn forgets in the store that this browser is signed in.
func (s *Server) endSignIn(r *http.Request) error {
	member := flattr.MemberID(s.sessions.GetInt64(r.Context(), sessionMember))
	err := s.store.EndSignIn(r.Context(), member, s.sessions.GetString(r.Context(), sessionSignIn))
	if flattr.CodeOf(err) == flattr.NotFound {
		return nil
	}
	return err
}

// markOf tells one password from the next in a session, without keeping there
// what could be guessed at: it is the hash of what the store keeps.
func markOf(passwordHash string) string {
	sum := sha256.Sum256([]byte(passwordHash))
	return hex.EncodeToString(sum[:16])
}

type memberKey struct{}

// memberOf is who is signed in, or nil.
func memberOf(ctx context.Context) *flattr.Member {
	m, _ := ctx.Value(memberKey{}).(*flattr.Member)
	return m
}

// withMember finds out who is signed in. A session whose member is gone, or has
// another password by now, or was signed out elsewhere, is nobody's.
func (s *Server) withMember(r *http.Request) (*http.Request, error) {
	id := s.sessions.GetInt64(r.Context(), sessionMember)
	if id == 0 {
		return r, nil
	}
	m, hash, err := s.store.SessionMember(r.Context(), s.now(), flattr.MemberID(id), s.sessions.GetString(r.Context(), sessionSignIn))
	if err != nil && flattr.CodeOf(err) != flattr.NotFound {
		return r, fmt.Errorf("find member of session: %w", err)
	}
	if err != nil || s.sessions.GetString(r.Context(), sessionPassword) != markOf(hash) {
		return r, s.sessions.Destroy(r.Context())
	}
	return r.WithContext(context.WithValue(r.Context(), memberKey{}, &m)), nil
}

// member lets a page be seen by members only; others sign in first and come
// back.
func (s *Server) member(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r, err := s.withMember(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if memberOf(r.Context()) == nil {
			next := "/month"
			if r.Method == http.MethodGet {
				next = r.URL.RequestURI()
			}
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(next), http.StatusSeeOther)
			return
		}
		page(w, r)
	}
}
