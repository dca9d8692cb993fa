package limit

import (
	"fmt"
	"strings"
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
	long := strings.Repeat("x", 1<<20)
	l.Take(long, now)
	for key := range l.keys {
		if len(key) > maxKeyBytes {
			t.Errorf("a key of %d bytes is kept, want at most %d", len(key), maxKeyBytes)
		}
	}
	if l.Wait(long, now) == 0 || l.Wait(long[1:], now) == 0 {
		t.Error("a long key need not wait: its beginning does not count")
	}
	l.Forget(long)
	if l.Wait(long, now) != 0 {
		t.Error("a long key is not forgotten")
	}
}
