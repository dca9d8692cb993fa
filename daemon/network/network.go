// Package network tells when the machine has a new network. It never asks: the
// operating system says so, and nothing runs in between.
package network

import (
	"sync"
	"time"
)

// settle gathers what belongs together: a new network brings its link, its
// addresses and its routes within moments of each other.
const settle = 500 * time.Millisecond

// gathering calls changed once for all calls of its method within settle.
type gathering struct {
	changed func()
	mu      sync.Mutex
	pending bool
	ended   bool
}

// tell asks for a call of changed soon.
func (g *gathering) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pending || g.ended {
		return
	}
	g.pending = true
	time.AfterFunc(settle, func() {
		g.mu.Lock()
		defer g.mu.Unlock() // held over changed, so that none runs after end
		g.pending = false
		if !g.ended {
			g.changed()
		}
	})
}

// end makes sure that changed is not called any more.
func (g *gathering) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}
