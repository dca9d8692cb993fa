package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Limits on tickets.
const (
	ticketBytes    = 16
	ticketLife     = 120 * time.Second // long enough for a permission prompt, short enough for a screen left open
	ticketsPerUser = 5                 // live ones; `pair` that is called again and again stops there
	ticketsInAll   = 320               // of the 64 users a machine is served for
)

// ErrTooMany says that the user has too many live tickets.
var ErrTooMany = errors.New("too many live tickets; wait two minutes")

// ticket is a secret that makes one device. It lives in memory only: after a
// restart of the companion the reader asks for another.
type ticket struct {
	secret []byte
	uid    uint32
	made   time.Time // with its monotonic reading: setting the clock changes nothing
}

func (t ticket) live(now time.Time) bool {
	age := now.Sub(t.made)
	return age >= 0 && age < ticketLife
}

// NewTicket makes a ticket for the user of the machine who asked for it.
func (s *Store) NewTicket(now time.Time, uid uint32) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := 0
	for hash, t := range s.tickets {
		switch {
		case !t.live(now):
			delete(s.tickets, hash)
		case t.uid == uid:
			own++
		}
	}
	if own >= ticketsPerUser || len(s.tickets) >= ticketsInAll {
		return nil, ErrTooMany
	}
	secret := make([]byte, ticketBytes)
	s.random(secret)
	s.tickets[sha256.Sum256(secret)] = ticket{secret: secret, uid: uid, made: now}
	return bytes.Clone(secret), nil
}

// Ticket gives the secret of a live ticket of the user, or AnyUser, by its
// SHA-256, and does not spend it. ErrUnknown otherwise.
func (s *Store) Ticket(now time.Time, hash [32]byte, uid uint32) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[hash]
	if !ok || !isOf(t.uid, uid) || !t.live(now) {
		return nil, ErrUnknown
	}
	return bytes.Clone(t.secret), nil
}

// Enroll spends a live ticket and makes a device of its user, in one step: of
// several that try at once, one succeeds.
func (s *Store) Enroll(ctx context.Context, now time.Time, hash [32]byte, uid uint32, origin string) (Device, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tickets[hash]
	if !ok || !isOf(t.uid, uid) || !t.live(now) {
		return Device{}, ErrUnknown
	}
	device := Device{UID: t.uid, Origin: origin, Made: now, Key: make([]byte, keyBytes)}
	s.random(device.ID[:])
	s.random(device.Key)
	if err := s.Sweep(ctx, now); err != nil { // who enrols and never comes back fills no disk
		return Device{}, fmt.Errorf("make device: %w", err)
	}
	if err := s.insert(ctx, device); err != nil {
		return Device{}, fmt.Errorf("make device: %w", err)
	}
	delete(s.tickets, hash)
	return device, nil
}
