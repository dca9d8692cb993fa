package limit

import (
	"fmt"
	"testing"
	"time"
)

func TestBurstThenOnePerInterval(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	l := New(10*time.Second, 3)
	for i := range 3 {
		if wait := l.Take("ann", now); wait != 0 {
			t.Fatalf("Take %d = %v, want 0", i, wait)
		}
	}
	if wait := l.Take("ann", now); wait < 9*time.Second || wait > 10*time.Second {
		t.Errorf("Take after the burst = %v, want about 10s", wait)
	}
	if wait := l.Wait("ann", now); wait == 0 {
		t.Error("Wait = 0, want a wait")
	}
	if wait := l.Take("bob", now); wait != 0 {
		t.Errorf("Take of another key = %v, want 0", wait)
	}
	if wait := l.Take("ann", now.Add(10*time.Second)); wait != 0 {
		t.Errorf("Take an interval later = %v, want 0", wait)
	}
	l.Forget("ann")
	if wait := l.Take("ann", now); wait != 0 {
		t.Errorf("Take after Forget = %v, want 0", wait)
	}
}

func TestKeysAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	l := New(time.Hour, 1)
	for i := range maxKeys + 50 {
		l.Take(fmt.Sprint(i), now)
	}
	if len(l.keys) > maxKeys {
		t.Errorf("keys = %d, want at most %d", len(l.keys), maxKeys)
	}
}
