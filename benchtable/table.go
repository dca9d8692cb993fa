//go:build bench

// Package benchtable writes what a benchmark has measured: a table in Markdown,
// its notes, the machine, and their place in BENCHMARKS.md.
package benchtable

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// How a benchmark is asked for, beside `make bench`.
const (
	sizeVariable  = "FLATTR_BENCH_SIZE"  // small: a smoke test that judges nothing
	writeVariable = "FLATTR_BENCH_WRITE" // 1: write the table to BENCHMARKS.md
	rowsVariable  = "FLATTR_BENCH_ROWS"  // words, each a part of a table; default: all
)

// Small tells whether a smoke test is wanted, which judges nothing.
func Small() bool { return os.Getenv(sizeVariable) == "small" }

// Wanted tells whether a part of a table is wanted.
func Wanted(part string) bool {
	only := os.Getenv(rowsVariable)
	return only == "" || strings.Contains(only, part)
}

// Row is a line of the table.
type Row struct {
	What     string
	Measured string
	Floor    string
	Ratio    float64
	Reach    float64 // the ratio to reach; below 0: not to go above its negative
}

func (r Row) reached() bool {
	if r.Reach < 0 {
		return r.Ratio <= -r.Reach
	}
	return r.Ratio >= r.Reach
}

// Table is what a benchmark has measured so far. One with columns of its own has
// lines in the place of rows.
type Table struct {
	Columns []string
	rows    []Row
	lines   [][]string
	notes   []string // what the rows cannot say
}

// Tell says how far the benchmark has come.
func (t *Table) Tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Add adds a line.
func (t *Table) Add(r Row) {
	t.rows = append(t.rows, r)
	t.Tell("%s: %s, floor %s, ratio %.2f", r.What, r.Measured, r.Floor, r.Ratio)
}

// AddLine adds a line with a cell for each of Columns.
func (t *Table) AddLine(cells ...string) {
	t.lines = append(t.lines, cells)
	t.Tell("%s", strings.Join(cells, "  "))
}

// Say keeps a note under the table.
func (t *Table) Say(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
	t.Tell(format, args...)
}

// markdown is the table with its notes.
func (t *Table) markdown() string {
	var out strings.Builder
	if len(t.Columns) > 0 {
		fmt.Fprintf(&out, "| %s |\n%s|\n", strings.Join(t.Columns, " | "), strings.Repeat("|---", len(t.Columns)))
		for _, cells := range t.lines {
			fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | "))
		}
		return out.String() + t.noted()
	}
	out.WriteString("| what | measured | floor in the same run | ratio | to reach | reached |\n|---|---|---|---|---|---|\n")
	for _, r := range t.rows {
		reach, verdict := fmt.Sprintf("≥ %.2f", r.Reach), "no"
		if r.Reach < 0 {
			reach = fmt.Sprintf("≤ %.2f", -r.Reach)
		}
		if r.reached() {
			verdict = "yes"
		}
		if Small() {
			verdict = "not judged"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %.2f | %s | %s |\n", r.What, r.Measured, r.Floor, r.Ratio, reach, verdict)
	}
	return out.String() + t.noted()
}

// noted are the notes, each a paragraph.
func (t *Table) noted() string {
	var out strings.Builder
	for _, note := range t.notes {
		fmt.Fprintf(&out, "\n%s\n", note)
	}
	return out.String()
}

// Finish prints the table and, where that is asked for and the table is whole,
// writes it into the page at path, between the lines that name it. The table is
// whole where everything is measured, or just the rows of that word.
func (t *Table) Finish(path, name, rows string, whole bool) error {
	if len(t.rows)+len(t.lines) == 0 {
		return nil
	}
	text := t.markdown()
	fmt.Print("\n", text, "\n", machine(), "\n")
	if only := os.Getenv(rowsVariable); os.Getenv(writeVariable) != "1" || only != "" && only != rows || !whole {
		return nil
	}
	begins := "<!-- " + name + ": written by make bench WRITE=1 -->\n"
	ends := "<!-- end of " + name + " -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(page), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !begun || !ended {
		return fmt.Errorf("%s: the lines around %s are missing", path, name)
	}
	written := before + begins + "\n" + text + "\nMade by `make bench WRITE=1` on " + machine() + ".\n\n" + ends + after
	return os.WriteFile(path, []byte(written), 0o644)
}

// machine says what the figures were made on.
func machine() string {
	sqlite, _, _ := sqlite3.Version()
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // elsewhere the line says less
	return fmt.Sprintf("%s, %d processors, %s memory, %s, %s, SQLite %s; %s",
		Field("/proc/cpuinfo", "model name"), runtime.NumCPU(), Field("/proc/meminfo", "MemTotal"),
		strings.TrimSpace(string(release)), runtime.Version(), sqlite, time.Now().UTC().Format(time.DateOnly))
}

// Field is the value of the first line of that name in a file of /proc.
func Field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Fastest is the shortest of some times.
type Fastest time.Duration

// Take takes another time.
func (f *Fastest) Take(d time.Duration) {
	if *f == 0 || d < time.Duration(*f) {
		*f = Fastest(d)
	}
}

// PerSecond is how many of n are done in a second.
func (f Fastest) PerSecond(n int) float64 { return float64(n) / time.Duration(f).Seconds() }

// Rate writes a number a second, "31,200/s".
func Rate(perSecond float64) string { return Grouped(int(perSecond)) + "/s" }

// Grouped writes a number with its thousands apart: to three digits, a
// measurement has no more.
func Grouped(n int) string {
	text := strconv.Itoa(n)
	if len(text) > 3 {
		text = text[:3] + strings.Repeat("0", len(text)-3)
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
