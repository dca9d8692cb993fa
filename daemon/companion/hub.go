package companion

import (
	"sync"

	"flattr/daemon/accounts"
)

// hub knows the connections of the moment, so that what changes reaches them.
type hub struct {
	mu       sync.Mutex
	sessions map[*session]struct{}
}

func newHub() *hub { return &hub{sessions: map[*session]struct{}{}} }

func (h *hub) join(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[s] = struct{}{}
}

func (h *hub) leave(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
}

// of gives the connections that satisfy the condition.
func (h *hub) of(condition func(*session) bool) []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []*session
	for s := range h.sessions {
		if condition(s) {
			found = append(found, s)
		}
	}
	return found
}

// count is how many connections there are.
func (h *hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// ofAccount gives the connections whose device acts for the account.
func (h *hub) ofAccount(account accounts.AccountID) []*session {
	return h.of(func(s *session) bool { return s.account() == account })
}

// ofDevice gives the connections of one device.
func (h *hub) ofDevice(device accounts.DeviceID) []*session {
	return h.of(func(s *session) bool { return s.device == device })
}

// touch has the status of every connection of a user pushed if it changed.
func (h *hub) touch(uid uint32) {
	for _, s := range h.of(func(s *session) bool { return s.conn.UID == uid }) {
		s.touch()
	}
}
