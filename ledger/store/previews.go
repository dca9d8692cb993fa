package store

import (
	"sync"
	"time"

	"flattr/ledger/flattr"
)

// Limits of what is kept of authors' months as they stand. A preview of few clicks
// is summed anew each time; one of many is kept for a second for each pace clicks,
// so that an author who looks often costs no more than one who looks once.
const (
	fewPreviewed   = 2000
	previewPace    = 500
	longestPreview = 2 * time.Minute
	// maxPreviews bounds how many are kept: the largest have ten thousand things.
	maxPreviews = 32
)

// previews are the largest months of authors as they stood a moment ago.
type previews struct {
	mu   sync.Mutex
	kept map[previewOf]keptPreview
}

// previewOf is whose preview it is, and how far its month has come.
type previewOf struct {
	author flattr.MemberID
	month  flattr.Month
	state  flattr.State
}

type keptPreview struct {
	month flattr.RevenueMonth
	made  time.Time
	until time.Time
}

// of is a preview that is still good.
func (p *previews) of(now time.Time, author flattr.MemberID, month flattr.Month, state flattr.State) (flattr.RevenueMonth, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, ok := p.kept[previewOf{author, month, state}]
	return kept.month, ok && !now.Before(kept.made) && now.Before(kept.until)
}

// keep keeps a preview for a time by how much there was to sum.
func (p *previews) keep(now time.Time, author flattr.MemberID, m flattr.RevenueMonth, state flattr.State) {
	if m.Clicks < fewPreviewed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= maxPreviews {
		p.kept = make(map[previewOf]keptPreview)
	}
	long := min(time.Duration(m.Clicks/previewPace)*time.Second, longestPreview)
	p.kept[previewOf{author, m.Month, state}] = keptPreview{month: m, made: now, until: now.Add(long)}
}
