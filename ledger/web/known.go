package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"flattr/ledger/flattr"
)

// A browser in which a member has signed in is known by a cookie, which lets in
// nobody: tries in it are counted apart. Whoever guesses at a name elsewhere keeps
// strangers out, but not its owner.
// https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
const (
	knownCookie = "flattr_known"
	knownAge    = 180 * 24 * time.Hour
)

// Sizes of the cookie, in bytes before base64.
const (
	knownKeyBytes = 32
	knownBytes    = 16 // random, by which tries are counted
	proofBytes    = 16
)

func (s *Server) knownName() string {
	if s.public.Scheme == "https" {
		return "__Host-" + knownCookie
	}
	return knownCookie
}

// remember lets this browser be known as one of the member's, as long as they have
// the password of which hash is.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, id flattr.MemberID, hash string) error {
	key, err := s.knownKey(r.Context())
	if err != nil {
		return err
	}
	var browser [knownBytes]byte
	rand.Read(browser[:]) // never fails
	http.SetCookie(w, &http.Cookie{
		Name: s.knownName(), Value: base64.RawURLEncoding.EncodeToString(append(browser[:], proofOf(key, browser[:], id, hash)...)),
		Path: "/", MaxAge: int(knownAge.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.public.Scheme == "https",
	})
	return nil
}

// knows names this browser where the member has used it before; "" where not.
func (s *Server) knows(r *http.Request, id flattr.MemberID, hash string) (string, error) {
	cookie, err := r.Cookie(s.knownName())
	if err != nil {
		return "", nil // there is none
	}
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(raw) != knownBytes+proofBytes {
		return "", nil
	}
	key, err := s.knownKey(r.Context())
	if err != nil {
		return "", err
	}
	if id == 0 || !hmac.Equal(raw[knownBytes:], proofOf(key, raw[:knownBytes], id, hash)) {
		return "", nil
	}
	return base64.RawURLEncoding.EncodeToString(raw[:knownBytes]), nil
}

func (s *Server) knownKey(ctx context.Context) ([]byte, error) {
	key, err := s.store.Secret(ctx, "known browsers", knownKeyBytes)
	if err != nil {
		return nil, fmt.Errorf("read key of known browsers: %w", err)
	}
	return key, nil
}

func proofOf(key, browser []byte, id flattr.MemberID, hash string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(browser) // never fails
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	mac.Write([]byte(markOf(hash)))
	return mac.Sum(nil)[:proofBytes]
}
