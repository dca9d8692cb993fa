package rest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"flattr/ledger/store"
)

const (
	// hourlyLimit is how many requests a token, or an address without one, has
	// in an hour.
	hourlyLimit = 1000
	// mergeEvery is how long several processes may not know of each other's
	// counts.
	mergeEvery = time.Second
	// maxCallers bounds the memory of the counts, about 100 bytes each. Those
	// that the store knows already are forgotten and learnt again.
	maxCallers = 100_000
)

// caller names who is counted, without saying who it is.
type caller = [store.CallerBytes]byte

// hits is how often a caller has asked in the running hour.
type hits struct {
	known int // of all processes, as last merged
	fresh int // of this process since then
}

// rates counts the requests of an hour.
type rates struct {
	store *store.Store
	key   []byte
	mu    sync.Mutex
	hour  int64 // since 1970
	hits  map[caller]hits
}

func newRates(st *store.Store, key []byte) *rates {
	return &rates{store: st, key: key, hits: map[caller]hits{}}
}

func hourOf(now time.Time) int64 { return now.Unix() / int64(time.Hour/time.Second) }

func (r *rates) name(who string) caller {
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(who)) // never fails
	return caller(mac.Sum(nil)[:store.CallerBytes])
}

// begin begins a new hour where one has come. The lock is held.
func (r *rates) begin(now time.Time) {
	if hour := hourOf(now); hour > r.hour {
		r.hour = hour
		clear(r.hits)
	}
}

// take counts a request, if it is to be counted, writes the headers about it,
// and reports whether the caller has used up the hour.
func (r *rates) take(c *call, count bool, h http.Header) (over bool) {
	r.mu.Lock()
	r.begin(c.now)
	name := r.name(c.caller)
	had := r.hits[name]
	over = had.known+had.fresh >= hourlyLimit
	if count && !over {
		had.fresh++
		r.hits[name] = had
	}
	c.rate = rateOf(had.known+had.fresh, r.hour)
	r.mu.Unlock()
	// Written as they always were: not every client reads them without case.
	h["X-RateLimit-Limit"] = []string{strconv.Itoa(c.rate.Limit)}
	h["X-RateLimit-Remaining"] = []string{strconv.Itoa(c.rate.Remaining)}
	h["X-RateLimit-Current"] = []string{strconv.Itoa(c.rate.Current)}
	h["X-RateLimit-Reset"] = []string{strconv.FormatInt(c.rate.Reset, 10)}
	return over
}

// merge tells the store what was counted since the last time, and learns what
// other processes counted.
func (r *rates) merge(ctx context.Context, now time.Time) error {
	r.mu.Lock()
	r.begin(now)
	hour, fresh := r.hour, map[caller]int{}
	for name, had := range r.hits {
		switch {
		case had.fresh > 0:
			fresh[name] = had.fresh
		case len(r.hits) > maxCallers:
			delete(r.hits, name)
		}
	}
	r.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	totals, err := r.store.AddHits(ctx, hour, fresh)
	if err != nil {
		return fmt.Errorf("merge hits: %w", err) // they stay fresh, and go with the next
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if hour != r.hour {
		return nil
	}
	for name, total := range totals {
		had := r.hits[name]
		r.hits[name] = hits{known: total, fresh: had.fresh - fresh[name]}
	}
	return nil
}

// rate is how much of the hour is used up; GET /rate_limit answers it.
type rate struct {
	Limit     int    `json:"hourly_limit"`
	Remaining int    `json:"remaining_hits"`
	Current   int    `json:"current_hits"`
	Reset     int64  `json:"reset_time_in_seconds"` // unix
	ResetTime string `json:"reset_time"`
}

func rateOf(current int, hour int64) rate {
	reset := time.Unix((hour+1)*int64(time.Hour/time.Second), 0).UTC()
	return rate{
		Limit: hourlyLimit, Remaining: hourlyLimit - min(current, hourlyLimit), Current: current,
		Reset: reset.Unix(), ResetTime: reset.Format("Mon, 02 Jan 2006 15:04:05 +0000") + " GMT",
	}
}
