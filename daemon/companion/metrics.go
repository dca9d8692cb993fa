package companion

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"

	"flattr/daemon/clicklog"
	"flattr/daemon/control"
)

// counters count since the start. They name nobody and nothing.
type counters struct {
	clicks, undos, refused, answered, pairings atomic.Int64
}

// stored counts an event that is durable.
func (n *counters) stored(kind clicklog.Kind) {
	if kind == clicklog.Undo {
		n.undos.Add(1)
		return
	}
	n.clicks.Add(1)
}

// allowed lets root and the companion's own user look behind the scenes: what
// is counted and profiled is of all users of the machine.
func allowed(uid uint32) error {
	if uid == 0 || int(uid) == os.Getuid() {
		return nil
	}
	return &control.Problem{Code: "not_allowed", Sentence: "Only the user the companion runs as, and root, may see this. Repeat the command with sudo."}
}

// metrics gives what is counted, as Prometheus reads it.
func (c *Companion) metrics(ctx context.Context, uid uint32) (string, error) {
	if err := allowed(uid); err != nil {
		return "", err
	}
	unsent := 0
	all, err := c.accounts.All(ctx)
	if err != nil {
		return "", err
	}
	for _, account := range all {
		n, err := c.clicks.Unsent(ctx, int64(account.ID))
		if err != nil {
			return "", err
		}
		unsent += n
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var out strings.Builder
	for _, m := range []struct {
		name, kind, help string
		value            int64
	}{
		{"flattr_clicks_stored_total", "counter", "Clicks acknowledged, repetitions included.", c.counts.clicks.Load()},
		{"flattr_undos_stored_total", "counter", "Undos acknowledged, repetitions included.", c.counts.undos.Load()},
		{"flattr_events_refused_total", "counter", "Clicks and undos answered with a problem.", c.counts.refused.Load()},
		{"flattr_events_answered_total", "counter", "Clicks and undos the ledger has answered.", c.counts.answered.Load()},
		{"flattr_browsers_paired_total", "counter", "Browsers paired.", c.counts.pairings.Load()},
		{"flattr_browsers_connected", "gauge", "Browsers connected now.", int64(c.hub.count())},
		{"flattr_events_unsent", "gauge", "Clicks and undos the ledger has not answered yet.", int64(unsent)},
		{"flattr_start_time_seconds", "gauge", "When the companion started, since 1970.", c.started.Unix()},
		{"go_goroutines", "gauge", "Goroutines.", int64(runtime.NumGoroutine())},
		{"go_memstats_heap_inuse_bytes", "gauge", "Bytes of the heap in use.", int64(memory.HeapInuse)},
	} {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", m.name, m.help, m.name, m.kind, m.name, m.value)
	}
	return out.String(), nil
}

// maxProfileBytes bounds a profile, so that it fits an answer.
const maxProfileBytes = 160 << 10

// profile gives one of the profiles of package runtime/pprof.
func (c *Companion) profile(uid uint32, name string) ([]byte, error) {
	if err := allowed(uid); err != nil {
		return nil, err
	}
	found := pprof.Lookup(name)
	if found == nil {
		return nil, &control.Problem{Code: "no_profile", Sentence: "There is no such profile. Try one of: goroutine, heap, allocs, threadcreate."}
	}
	var out strings.Builder
	if err := found.WriteTo(&out, 0); err != nil {
		return nil, fmt.Errorf("write the profile: %w", err)
	}
	if out.Len() > maxProfileBytes {
		return nil, errors.New("write the profile: it is too long")
	}
	return []byte(out.String()), nil
}
