package socket

import (
	"sync"
	"time"
)

// Limits on connections. One user of the machine cannot use up what the others
// need, and a program that opens and drops connections is slowed to a walk.
const (
	maxConnections  = 64 // of all users together
	maxPerUser      = 8  // a browser profile holds one; eight profiles at once are plenty
	maxUnproven     = 4  // of one user, still in HTTP or in the handshake
	maxRefusing     = 4  // of one user, beyond the limit, being told so
	handshakeRate   = 5  // handshakes of one user per second
	clickRate       = 10 // clicks of one user per second; above it they are answered later
	clickBurst      = 20 // clicks at once: an outbox that comes back
	maxUsersKept    = 64 // users whose rate and last refusal are remembered
	maxReasonsBytes = 200
)

// Refusal is the last connection of a user that was turned away, and why.
type Refusal struct {
	At     time.Time
	Reason string
}

// user is what is counted for one user id.
type user struct {
	open     int // connections, refused ones included
	unproven int
	shakes   bucket
	clicks   bucket
	refusal  Refusal
}

// quota counts connections by user id.
type quota struct {
	mu    sync.Mutex
	open  int
	users map[uint32]*user
}

func newQuota() *quota { return &quota{users: map[uint32]*user{}} }

// verdict is what becomes of a new connection.
type verdict int

const (
	admitted verdict = iota
	crowded          // let in to be told 4429
	dropped          // closed without a word
)

// admit counts a new connection, which has to be given back with leave unless
// it was dropped.
func (q *quota) admit(uid uint32) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := q.user(uid)
	if q.open >= maxConnections || u.open >= maxPerUser+maxRefusing {
		return dropped
	}
	q.open++
	u.open++
	u.unproven++
	if u.open > maxPerUser || u.unproven > maxUnproven {
		return crowded
	}
	return admitted
}

// proved takes a connection off the unproven ones.
func (q *quota) proved(uid uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.user(uid).unproven--
}

// leave ends a connection.
func (q *quota) leave(uid uint32, proven bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open--
	u := q.user(uid)
	u.open--
	if !proven {
		u.unproven--
	}
}

// handshake tells whether the user may begin another handshake now.
func (q *quota) handshake(uid uint32, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.user(uid).shakes.allow(now, handshakeRate, handshakeRate)
}

// ClickDelay counts a click of the device's user and says how long to wait
// before storing it; 0 within the limit.
func (c *Conn) ClickDelay() time.Duration {
	q := c.server.quota
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.user(c.UID).clicks.wait(c.server.config.Now(), clickRate, clickBurst)
}

// refused keeps the reason for the user's status.
func (q *quota) refused(uid uint32, refusal Refusal) {
	if len(refusal.Reason) > maxReasonsBytes {
		refusal.Reason = refusal.Reason[:maxReasonsBytes]
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.user(uid).refusal = refusal
}

// lastRefusal is the user's own last refusal; zero when there was none.
func (q *quota) lastRefusal(uid uint32) Refusal {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u, ok := q.users[uid]; ok {
		return u.refusal
	}
	return Refusal{}
}

// user finds or makes the counts of one user id; q.mu is held. When too many
// users are remembered, one without connections is forgotten.
func (q *quota) user(uid uint32) *user {
	u, ok := q.users[uid]
	if ok {
		return u
	}
	if len(q.users) >= maxUsersKept {
		for id, other := range q.users {
			if other.open == 0 {
				delete(q.users, id)
				break
			}
		}
	}
	u = &user{}
	q.users[uid] = u
	return u
}

// bucket is a token bucket. The zero value is full.
type bucket struct {
	spent float64
	at    time.Time
}

// allow takes one token if there is one.
func (b *bucket) allow(now time.Time, perSecond, burst float64) bool {
	b.refill(now, perSecond)
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}

// wait takes one token and says how long to wait before acting on it; 0 when
// there was one.
func (b *bucket) wait(now time.Time, perSecond, burst float64) time.Duration {
	b.refill(now, perSecond)
	b.spent++
	if b.spent <= burst {
		return 0
	}
	return time.Duration((b.spent - burst) / perSecond * float64(time.Second))
}

func (b *bucket) refill(now time.Time, perSecond float64) {
	b.spent = max(0, b.spent-max(0, now.Sub(b.at).Seconds())*perSecond)
	b.at = now
}
