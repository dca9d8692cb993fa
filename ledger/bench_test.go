//go:build bench

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// How the benchmark is asked for, beside `make bench`.
const (
	sizeVariable  = "FLATTR_BENCH_SIZE"  // small: a smoke test that judges nothing
	writeVariable = "FLATTR_BENCH_WRITE" // 1: write the table to BENCHMARKS.md
	rowsVariable  = "FLATTR_BENCH_ROWS"  // some of "clicks month postgres books"; default: all
)

// benchSize is how much the benchmark does.
type benchSize struct {
	name         string
	batches      int   // of 100 clicks, in each round over HTTP
	rounds       int   // alternations of what is measured and its floor
	month        int   // clicks of the month that is computed and posted
	growth       []int // clicks of the months that are compared by the time per click
	postgres     int   // clicks of the month on PostgreSQL
	transactions int   // of 1,000 transfers, in each round
}

var (
	fullSize  = benchSize{"full", 300, 5, 10_000_000, []int{1_000_000, 10_000_000, 30_000_000}, 3_000_000, 50}
	smallSize = benchSize{"small", 20, 2, 90_000, []int{30_000, 90_000}, 60_000, 5}
)

// benchRow is a line of the table.
type benchRow struct {
	what     string
	measured string
	floor    string
	ratio    float64
	reach    float64 // the ratio to reach; below 0: not to go above its negative
}

func (r benchRow) reached() bool {
	if r.reach < 0 {
		return r.ratio <= -r.reach
	}
	return r.ratio >= r.reach
}

// bench is a running benchmark.
type bench struct {
	*testing.T
	benchSize
	rows  []benchRow
	notes []string // what the table cannot say
}

// tell says how far the benchmark has come.
func (b *bench) tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (b *bench) add(r benchRow) {
	b.rows = append(b.rows, r)
	b.tell("%s: %s, floor %s, ratio %.2f", r.what, r.measured, r.floor, r.ratio)
}

// say keeps a note under the table.
func (b *bench) say(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
	b.tell(format, args...)
}

// TestBench measures each line of the table together with its floor. Only the
// full size is judged; nothing fails for being slow.
func TestBench(t *testing.T) {
	b := &bench{T: t, benchSize: fullSize}
	if os.Getenv(sizeVariable) == smallSize.name {
		b.benchSize = smallSize
	}
	only := os.Getenv(rowsVariable)
	for _, part := range []struct {
		name string
		run  func(*bench)
	}{
		{"clicks", benchClicks}, {"month", benchMonth}, {"postgres", benchPostgres}, {"books", benchBooks},
	} {
		if only != "" && !strings.Contains(only, part.name) {
			continue
		}
		t.Run(part.name, func(t *testing.T) {
			sub := *b
			sub.T = t
			part.run(&sub)
			b.rows, b.notes = sub.rows, sub.notes
		})
	}
	table := b.table()
	fmt.Print("\n", table, "\n", machine(), "\n")
	if os.Getenv(writeVariable) == "1" && only == "" && !t.Failed() {
		if err := writeTable(filepath.Join("..", "BENCHMARKS.md"), table); err != nil {
			t.Fatal(err)
		}
	}
}

// table is the result in Markdown.
func (b *bench) table() string {
	var out strings.Builder
	out.WriteString("| what | measured | floor in the same run | ratio | to reach | reached |\n|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		reach, verdict := fmt.Sprintf("≥ %.2f", r.reach), "no"
		if r.reach < 0 {
			reach = fmt.Sprintf("≤ %.2f", -r.reach)
		}
		if r.reached() {
			verdict = "yes"
		}
		if b.name != fullSize.name {
			verdict = "not judged"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %.2f | %s | %s |\n", r.what, r.measured, r.floor, r.ratio, reach, verdict)
	}
	for _, note := range b.notes {
		fmt.Fprintf(&out, "\n%s\n", note)
	}
	return out.String()
}

// machine says what the figures were made on.
func machine() string {
	sqlite, _, _ := sqlite3.Version()
	return fmt.Sprintf("%s, %d processors, %s memory, %s, %s, SQLite %s; %s",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), field("/proc/meminfo", "MemTotal"),
		strings.TrimSpace(contents("/proc/sys/kernel/osrelease")), runtime.Version(), sqlite, time.Now().UTC().Format(time.DateOnly))
}

func contents(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// field is the value of the first line of that name in a file of /proc.
func field(path, name string) string {
	for line := range strings.Lines(contents(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// The lines of BENCHMARKS.md between which the table stands.
const (
	tableBegins = "<!-- the table: written by make bench WRITE=1 -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// writeTable puts the table into the page.
func writeTable(path, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !ok || !ends {
		return fmt.Errorf("%s: the lines around the table are missing", path)
	}
	page := before + tableBegins + "\n" + table + "\nMade by `make bench WRITE=1` on " + machine() + ".\n\n" + tableEnds + after
	return os.WriteFile(path, []byte(page), 0o644)
}

// fastest is the shortest of some times.
type fastest time.Duration

func (f *fastest) take(d time.Duration) {
	if *f == 0 || d < time.Duration(*f) {
		*f = fastest(d)
	}
}

// perSecond is how many of n are done in a second.
func (f fastest) perSecond(n int) float64 { return float64(n) / time.Duration(f).Seconds() }

// rate writes a number a second, "31,200/s".
func rate(perSecond float64) string { return grouped(int(perSecond)) + "/s" }

// grouped writes a number with its thousands apart: to three digits, a
// measurement has no more.
func grouped(n int) string {
	text := strconv.Itoa(n)
	if len(text) > 3 {
		text = text[:3] + strings.Repeat("0", len(text)-3)
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// copyFile copies a database that nobody uses.
func copyFile(b *bench, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close() // it is only read
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		b.Fatal(err)
	}
	// What is not on the disk yet would be written while something is measured.
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		b.Fatal(err)
	}
}
