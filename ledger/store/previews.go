package store

import (
	"context"
	"sync"
	"time"

	"flattr/ledger/flattr"
)

// Limits of what is kept of authors' months as they stand. A preview of few clicks
// is summed anew each time; one of many is kept for a second for each pace clicks,
// so that an author who looks often costs no more than one who looks once. Who
// comes back later is shown it once more, with the time of it, while it is summed
// anew beside: nobody waits for a sum but who has not looked for so long.
const (
	fewPreviewed   = 2000
	previewPace    = 500
	longestPreview = 2 * time.Minute
	oldestPreview  = 15 * time.Minute
	// maxPreviews bounds how many are kept: the largest have ten thousand things.
	maxPreviews = 32
)

// previews are the largest months of authors as they stood a moment ago.
type previews struct {
	mu     sync.Mutex
	kept   map[previewOf]keptPreview
	due    []duePreview
	busy   bool // one goroutine sums those that are due
	ended  bool
	cut    context.CancelFunc // cuts off the sum that is made
	summer sync.WaitGroup
	sum    func(context.Context, duePreview) error // makes a preview anew, and keeps it
}

// previewOf is whose preview it is, and how far its month has come.
type previewOf struct {
	author flattr.MemberID
	month  flattr.Month
	state  flattr.State
}

type keptPreview struct {
	month flattr.RevenueMonth
	until time.Time
	due   bool // it is summed anew
}

// duePreview is a preview that somebody was shown who came after its time.
type duePreview struct {
	previewOf
	now time.Time
}

// of is a preview that is good to be shown. Where its time is over it is summed
// anew for whoever comes next.
func (p *previews) of(now time.Time, of previewOf) (flattr.RevenueMonth, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.kept[of]
	if !ok || now.Before(kept.month.AsOf) || !now.Before(kept.month.AsOf.Add(oldestPreview)) {
		return flattr.RevenueMonth{}, false
	}
	if !now.Before(kept.until) && !kept.due && !p.ended {
		kept.due = true
		p.kept[of] = kept
		p.due = append(p.due, duePreview{of, now})
		if !p.busy {
			ctx, cut := context.WithCancel(context.Background())
			p.busy, p.cut = true, cut
			p.summer.Go(func() { defer cut(); p.work(ctx) })
		}
	}
	return kept.month, true
}

// work sums what is due, until nothing is.
func (p *previews) work(ctx context.Context) {
	for {
		p.mu.Lock()
		if len(p.due) == 0 || p.ended {
			p.busy = false
			p.mu.Unlock()
			return
		}
		next := p.due[0]
		p.due = p.due[1:]
		p.mu.Unlock()
		if err := p.sum(ctx, next); err != nil {
			p.mu.Lock()
			delete(p.kept, next.previewOf) // who comes next finds out what is wrong
			p.mu.Unlock()
		}
	}
}

// end cuts off the sum that is made, which nobody will see, and waits until it has
// ended; no other begins.
func (p *previews) end() {
	p.mu.Lock()
	p.ended = true
	if p.cut != nil {
		p.cut()
	}
	p.mu.Unlock()
	p.summer.Wait()
}

// keep keeps a preview for a time by how much there was to sum.
func (p *previews) keep(of previewOf, m flattr.RevenueMonth) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.kept, of)
	if m.Clicks < fewPreviewed {
		return
	}
	if p.kept == nil || len(p.kept) >= maxPreviews {
		p.kept = make(map[previewOf]keptPreview)
	}
	long := min(time.Duration(m.Clicks/previewPace)*time.Second, longestPreview)
	p.kept[of] = keptPreview{month: m, until: m.AsOf.Add(long)}
}
