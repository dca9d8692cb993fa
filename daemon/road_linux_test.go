package main

import (
	"net"
	"sync"
	"testing"
	"time"
)

// road carries bytes between a listener and another place, slowly or in one
// direction only, if it is told to.
type road struct {
	listener net.Listener
	onward   func() (net.Conn, error)
	tasks    sync.WaitGroup

	mu      sync.Mutex
	delay   time.Duration // of what comes back
	open    map[*lane]bool
	swallow bool // what comes back on lanes opened from now on is lost
}

// lane is one connection on the road.
type lane struct {
	near    net.Conn
	mu      sync.Mutex
	swallow bool // what comes back is lost, and nobody hears of it
}

func newRoad(t *testing.T, listener net.Listener, onward func() (net.Conn, error)) *road {
	t.Helper()
	r := &road{listener: listener, onward: onward, open: map[*lane]bool{}}
	ending := make(chan struct{})
	r.tasks.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			r.tasks.Go(func() { r.carry(near, ending) })
		}
	})
	t.Cleanup(func() {
		close(ending)
		listener.Close()
		r.tasks.Wait()
	})
	return r
}

// carry carries one connection until an end closes it, or the road ends.
func (r *road) carry(near net.Conn, ending <-chan struct{}) {
	defer near.Close()
	far, err := r.onward()
	if err != nil {
		return
	}
	defer far.Close()
	r.mu.Lock()
	l := &lane{near: near, swallow: r.swallow}
	r.open[l] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, l)
	}()
	// A lane that swallows lasts until the road ends: its reader's end closes
	// it, or nobody.
	var both sync.WaitGroup
	ended := make(chan struct{})
	both.Go(func() {
		defer far.Close()
		forward(near, far)
	})
	both.Go(func() {
		if r.back(l, far, near) {
			near.Close()
		}
	})
	go func() { both.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ending:
		near.Close()
		far.Close()
		<-ended
	}
}

func forward(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// parcel is what came at once, and when it may arrive.
type parcel struct {
	due   time.Time
	bytes []byte
}

// back carries what comes back, each part as late as the road is long. It says
// whether the reader is to hear that the lane has ended.
func (r *road) back(l *lane, from, to net.Conn) (heard bool) {
	parcels := make(chan parcel, 1024)
	var delivery sync.WaitGroup
	delivery.Go(func() {
		for p := range parcels {
			time.Sleep(time.Until(p.due)) // the length of the road
			if !l.swallows() {
				_, _ = to.Write(p.bytes)
			}
		}
	})
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			r.mu.Lock()
			delay := r.delay
			r.mu.Unlock()
			parcels <- parcel{due: time.Now().Add(delay), bytes: buffer[:n]}
		}
		if err != nil {
			break
		}
	}
	close(parcels)
	delivery.Wait()
	return !l.swallows()
}

func (l *lane) swallows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.swallow
}

// clear ends all connections, so that the next request needs a new one.
func (r *road) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.open {
		l.near.Close()
	}
}

// lengthen makes all that comes back come so much later.
func (r *road) lengthen(delay time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delay = delay
}

// halfOpen makes all present and new connections lead one way only. Repaired,
// new ones lead both ways again; the old ones never do.
func (r *road) halfOpen(half bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.swallow = half
	if !half {
		return
	}
	for l := range r.open {
		l.mu.Lock()
		l.swallow = true
		l.mu.Unlock()
	}
}
