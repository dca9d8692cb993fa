//go:build bench

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"flattr/benchtable"
	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// mostMemory is the resident memory that a settlement may take, in MiB.
const mostMemory = 256

// postedPerTransaction is how many transfers posting books in a transaction, as
// package closing has it.
const postedPerTransaction = 150_000

// childVariable makes the test binary a process of the benchmark: its value is
// what to do and the database, separated by |. A process of its own has its
// own memory, in which nothing of what made the data is left.
const childVariable = "FLATTR_BENCH_CHILD"

// childReport is what such a process prints.
type childReport struct {
	Clicks  int                // counted by a stream
	Seconds map[string]float64 // of the stream, or of the step that ends in a state
	MiB     int                // the most memory that was resident
}

// profileVariable names a folder into which such processes write what they
// spent their processor time on.
const profileVariable = "FLATTR_BENCH_PROFILE"

func init() {
	if task, db, ok := strings.Cut(os.Getenv(childVariable), "|"); ok {
		if err := profiled(task, func() error { return benchChild(task, db) }); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// profiled runs work, and writes a profile of it where one is wanted.
func profiled(task string, work func() error) error {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return work()
	}
	file, err := os.Create(filepath.Join(dir, task+".pprof"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	err = work()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

// benchChild is the process: serve, stream or settle.
func benchChild(task, db string) error {
	ctx := context.Background()
	if task == "serve" {
		return run(ctx, []string{"serve", "--db", db, "--listen", "127.0.0.1:0"}, os.Stdin, os.Stdout, os.Stderr)
	}
	s, err := store.Open(ctx, db)
	if err != nil {
		return err
	}
	report := childReport{Seconds: make(map[string]float64)}
	last := time.Now()
	switch task {
	case "stream":
		// The floor of compute: the rows that it reads, the way it reads them.
		err = s.View(ctx, func(tx *store.Tx) error {
			return tx.EachReader(benchMonthOf, 0, false, func(r store.ReaderClicks) error {
				report.Clicks += r.Count()
				return nil
			})
		})
		report.Seconds[task] = time.Since(last).Seconds()
	case "settle":
		err = closing.Settlement{
			Store: s, Month: benchMonthOf, Now: benchMonthOf.FreezeAt().Add(time.Hour),
			Say: func(format string, args ...any) {
				_, state, _ := strings.Cut(fmt.Sprintf(format, args...), ": ")
				switch flattr.State(state) {
				case flattr.Computed, flattr.Posted, flattr.Closed:
					report.Seconds[state] = time.Since(last).Seconds()
					last = time.Now()
				}
			},
		}.Settle(ctx)
	default:
		err = fmt.Errorf("unknown task %q", task)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	kibibytes, _, _ := strings.Cut(benchtable.Field("/proc/self/status", "VmHWM"), " ")
	n, err := strconv.Atoi(kibibytes)
	if err != nil {
		return err
	}
	report.MiB = n >> 10
	return json.NewEncoder(os.Stdout).Encode(report)
}

// child runs a task in a process of its own.
func (b *bench) child(task, db string) childReport {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+task+"|"+db)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s: %v", task, err)
	}
	var report childReport
	if err := json.Unmarshal(out, &report); err != nil {
		b.Fatalf("%s prints %q: %v", task, out, err)
	}
	return report
}

// monthTimes are the best times of a month.
type monthTimes struct {
	clicks                         int
	stream, compute, post, inserts benchtable.Fastest
	mebibytes                      int
}

func (m monthTimes) nanosecondsPerClick(f benchtable.Fastest) float64 {
	return float64(f) / float64(m.clicks)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// benchMonth computes and posts months of several sizes.
func benchMonth(b *bench) {
	months := make(map[int]monthTimes)
	for _, clicks := range b.growth {
		w := newBenchWorld(clicks)
		path := makeMonth(b, w)
		m := monthTimes{clicks: w.clicks}
		rounds := 2
		if clicks == b.month {
			rounds = 3
			b.Say("The month: %s; each reader has %d, one thing in %d has no owner, one in %d two authors.",
				w, clicksPerReader, oneInUnowned, oneInShared)
		}
		for range rounds {
			b.settleOnce(path, &m, clicks == b.month)
		}
		if err := os.Remove(path); err != nil {
			b.Fatal(err)
		}
		months[clicks] = m
		b.Say("%s clicks: stream %.0f, compute %.0f, post %.0f ns per click; %d MiB resident.", benchtable.Grouped(clicks),
			m.nanosecondsPerClick(m.stream), m.nanosecondsPerClick(m.compute), m.nanosecondsPerClick(m.post), m.mebibytes)
	}
	m := months[b.month]
	clicks := benchtable.Grouped(b.month)
	b.Add(benchtable.Row{
		What:     "compute of a month from SQLite, " + clicks + " clicks",
		Measured: benchtable.Rate(m.compute.PerSecond(m.clicks)), Floor: benchtable.Rate(m.stream.PerSecond(m.clicks)),
		Ratio: float64(m.stream) / float64(m.compute), Reach: 0.6,
	})
	b.Add(benchtable.Row{
		What:     "posting of that month",
		Measured: time.Duration(m.post).Round(10 * time.Millisecond).String(),
		Floor:    time.Duration(m.inserts).Round(10 * time.Millisecond).String(),
		Ratio:    float64(m.inserts) / float64(m.post), Reach: 0.5,
	})
	b.addGrowth(months)
}

// addGrowth compares the time per click of compute and post of the smallest
// and the largest month.
func (b *bench) addGrowth(months map[int]monthTimes) {
	first, last := months[b.growth[0]], months[b.growth[len(b.growth)-1]]
	most := 0
	for _, m := range months {
		most = max(most, m.mebibytes)
	}
	perClick := func(m monthTimes) float64 { return m.nanosecondsPerClick(m.compute) + m.nanosecondsPerClick(m.post) }
	parts := func(m monthTimes) string {
		return fmt.Sprintf("%.0f ns: compute %.0f, posting %.0f", perClick(m), m.nanosecondsPerClick(m.compute), m.nanosecondsPerClick(m.post))
	}
	b.Add(benchtable.Row{
		What:     fmt.Sprintf("growth from %s to %s clicks, time per click", benchtable.Grouped(first.clicks), benchtable.Grouped(last.clicks)),
		Measured: parts(last), Floor: parts(first),
		Ratio: perClick(last) / perClick(first), Reach: -1.2,
	})
	b.Add(benchtable.Row{
		What:     "resident memory at every size",
		Measured: fmt.Sprintf("%d MiB", most), Floor: fmt.Sprintf("%d MiB allowed", mostMemory),
		Ratio: float64(most) / mostMemory, Reach: -1,
	})
}

// settleOnce streams the month, then computes and posts a copy of it, each in
// a process of its own, and where asked for inserts what was posted bare.
func (b *bench) settleOnce(path string, m *monthTimes, inserts bool) {
	b.Helper()
	stream := b.child("stream", path)
	if stream.Clicks != m.clicks {
		b.Fatalf("the stream counts %d clicks, want %d", stream.Clicks, m.clicks)
	}
	m.stream.Take(seconds(stream.Seconds["stream"]))
	posted := filepath.Join(b.TempDir(), "posted.db")
	copyFile(b, path, posted)
	settled := b.child("settle", posted)
	m.compute.Take(seconds(settled.Seconds[string(flattr.Computed)]))
	m.post.Take(seconds(settled.Seconds[string(flattr.Posted)]))
	m.mebibytes = max(m.mebibytes, settled.MiB)
	if inserts {
		m.inserts.Take(b.insertPosted(posted))
	}
	if err := os.Remove(posted); err != nil {
		b.Fatal(err)
	}
}
