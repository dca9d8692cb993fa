package web

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
)

// Who asks for very much from one address waits in no longer a line than that, and
// keeps nobody else from their turn.
func TestOneAddressTakesNotAllTheHashing(t *testing.T) {
	s := &Server{hashing: newHashing(), public: &url.URL{Scheme: "http", Host: "ledger.test"}}
	flood, other := httptest.NewRequestWithContext(t.Context(), "POST", "/signin", nil), httptest.NewRequestWithContext(t.Context(), "POST", "/signin", nil)
	flood.RemoteAddr, other.RemoteAddr = "192.0.2.1:1", "192.0.2.2:1"
	hold, done := make(chan struct{}), make(chan error, maxQueued)
	for range maxQueued {
		go func() {
			done <- s.turn(flood, func() error {
				<-hold
				return nil
			})
		}()
	}
	waiting := func() int {
		s.hashing.mu.Lock()
		defer s.hashing.mu.Unlock()
		return s.hashing.queue["address 192.0.2.1"]
	}
	for end := time.Now().Add(5 * time.Second); waiting() < maxQueued && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if err := s.turn(flood, func() error { return nil }); !errors.Is(err, errHashingBusy) {
		t.Errorf("one more of the same address = %v, want to be sent away at once", err)
	}
	heard := make(chan error, 1)
	go func() { heard <- s.turn(other, func() error { return nil }) }()
	close(hold)
	for range maxQueued {
		if err := <-done; err != nil {
			t.Errorf("one that waited = %v", err)
		}
	}
	if err := <-heard; err != nil {
		t.Errorf("another address = %v, want its turn", err)
	}
	if err := s.turn(flood, func() error { return nil }); err != nil || len(s.hashing.queue) != 0 {
		t.Errorf("when all is done = %v with %v waiting, want a turn", err, s.hashing.queue)
	}
}

// What a name that nobody has is compared with takes as long as any password.
func TestNobodysHashCostsAsMuchAsAnyOther(t *testing.T) {
	made, _, _, err := argon2id.DecodeHash(nobodysHash)
	if err != nil || *made != *hashParams {
		t.Errorf("nobody's hash has the parameters %+v, %v, want %+v", made, err, hashParams)
	}
}
