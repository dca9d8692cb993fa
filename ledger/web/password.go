package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"flattr/ledger/flattr"
)

// Bounds of a password, in characters. The upper one keeps hashing cheap
// enough for us; a sentence fits.
const (
	minPassword = 8
	maxPassword = 128
)

// Hashing takes 19 MiB each; at most maxHashing run at once, and a request
// waits hashingPatience for its turn. Of one address maxQueued wait at most, so
// that nobody keeps everybody else out by asking much at once.
const (
	maxHashing      = 4
	maxQueued       = 32
	hashingPatience = 10 * time.Second
)

// hashParams are the parameters OWASP names for argon2id: 19 MiB, two passes,
// one lane.
var hashParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobodysHash is compared with when a name is not known, so that an answer
// takes as long as with a known one.
const nobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// errHashingBusy means that too many passwords are being hashed.
var errHashingBusy = errors.New("too many passwords are being hashed")

// HashPassword makes what the store keeps of a password.
func HashPassword(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return "", fmt.Errorf("password has %d characters: want %d to %d", n, minPassword, maxPassword)
	}
	hash, err := argon2id.CreateHash(password, hashParams)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// hashing gives turns to those who wait for a password to be hashed.
type hashing struct {
	turns chan struct{}
	mu    sync.Mutex
	queue map[string]int // who waits or has a turn, by address
}

func newHashing() *hashing {
	return &hashing{turns: make(chan struct{}, maxHashing), queue: map[string]int{}}
}

// enter lets one more of an address wait, or says that there are enough.
func (h *hashing) enter(address string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.queue[address] >= maxQueued {
		return false
	}
	h.queue[address]++
	return true
}

func (h *hashing) leave(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.queue[address]--; h.queue[address] == 0 {
		delete(h.queue, address)
	}
}

// turn runs work of a request when fewer than maxHashing others run.
func (s *Server) turn(r *http.Request, work func() error) error {
	address := s.address(r)
	if !s.hashing.enter(address) {
		return errHashingBusy
	}
	defer s.hashing.leave(address)
	ctx, cancel := context.WithTimeout(r.Context(), hashingPatience)
	defer cancel()
	select {
	case s.hashing.turns <- struct{}{}:
		defer func() { <-s.hashing.turns }()
		return work()
	case <-ctx.Done():
		return errHashingBusy
	}
}

func (s *Server) compare(r *http.Request, password, hash string) (match bool, err error) {
	if utf8.RuneCountInString(password) > maxPassword {
		return false, nil
	}
	err = s.turn(r, func() (err error) {
		match, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	})
	return match, err
}

// strengthen keeps a password that was just typed under the parameters of today,
// where its hash has others, and answers the hash in force. Sessions are bound to
// it: the member's other browsers have to sign in again.
func (s *Server) strengthen(r *http.Request, id flattr.MemberID, password, hash string) (string, error) {
	made, _, _, err := argon2id.DecodeHash(hash)
	if err != nil {
		return "", fmt.Errorf("read hash of a password: %w", err)
	}
	if *made == *hashParams || utf8.RuneCountInString(password) < minPassword {
		return hash, nil
	}
	var stronger string
	err = s.turn(r, func() (err error) {
		stronger, err = HashPassword(password)
		return err
	})
	if err != nil {
		return "", err
	}
	done, err := s.store.RenewHash(r.Context(), id, hash, stronger)
	if err != nil || !done {
		return hash, err
	}
	return stronger, nil
}
