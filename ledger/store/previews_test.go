package store

import (
	"context"
	"testing"
	"time"

	"flattr/ledger/flattr"
)

// Closing does not wait for a sum that takes long: it cuts it off.
func TestClosingCutsOffASum(t *testing.T) {
	now := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	begun := make(chan struct{})
	p := &previews{sum: func(ctx context.Context, _ duePreview) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}}
	of := previewOf{1, 202610, flattr.Open}
	p.keep(of, flattr.RevenueMonth{Month: 202610, Clicks: fewPreviewed, AsOf: now})
	if m, ok := p.of(now.Add(longestPreview), of); !ok || !m.AsOf.Equal(now) {
		t.Fatalf("the kept sum is of %s, %v", m.AsOf, ok)
	}
	<-begun
	p.end() // hangs, and the test with it, where nothing cuts the sum off
	if _, ok := p.of(now.Add(longestPreview), of); ok {
		t.Error("a sum that was cut off is shown")
	}
}
