// Package limit says how often one token, name or address may ask.
package limit

import (
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of the memory of one Limiter: about 200 bytes a key beside its text.
// When it is full, keys that have not asked lately are forgotten, then any. Of
// a longer key the beginning counts; tokens, names and addresses are shorter.
const (
	maxKeys     = 20_000
	maxKeyBytes = 256
)

// Limiter holds a token bucket for each key. It lives in the memory of one
// process: what it holds is no state of the ledger, only its patience.
type Limiter struct {
	every rate.Limit
	burst int
	mu    sync.Mutex
	keys  map[string]*rate.Limiter
}

// New returns a Limiter that lets each key ask burst times at once and then
// once in each interval.
func New(interval time.Duration, burst int) *Limiter {
	return &Limiter{every: rate.Every(interval), burst: burst, keys: map[string]*rate.Limiter{}}
}

// Take uses up one of the key's turns. It returns 0, or how long to wait for
// the next turn.
func (l *Limiter) Take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.bucket(key, now)
	if bucket.AllowN(now, 1) {
		return 0
	}
	return l.wait(bucket, now)
}

// Wait says how long the key has to wait for its next turn, 0 for not at all,
// and uses nothing up.
func (l *Limiter) Wait(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.keys[short(key)]
	if !ok {
		return 0
	}
	return l.wait(bucket, now)
}

// Forget gives the key all its turns back.
func (l *Limiter) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, short(key))
}

// short is the part of a key that counts, in memory of its own: a key can be
// the beginning of a request that is to be forgotten.
func short(key string) string { return strings.Clone(key[:min(len(key), maxKeyBytes)]) }

func (l *Limiter) wait(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return max(time.Duration(missing/float64(l.every)*float64(time.Second)), time.Millisecond)
}

func (l *Limiter) bucket(key string, now time.Time) *rate.Limiter {
	key = short(key)
	if bucket, ok := l.keys[key]; ok {
		return bucket
	}
	if len(l.keys) >= maxKeys {
		l.makeRoom(now)
	}
	bucket := rate.NewLimiter(l.every, l.burst)
	l.keys[key] = bucket
	return bucket
}

// makeRoom forgets the keys whose buckets are full again, which changes
// nothing for them, and where there are none, one key.
func (l *Limiter) makeRoom(now time.Time) {
	for key, bucket := range l.keys {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
	for key := range l.keys {
		if len(l.keys) < maxKeys {
			return
		}
		delete(l.keys, key)
	}
}
