//go:build bench

package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"flattr/benchtable"
)

// benchSize is how much the benchmark does.
type benchSize struct {
	batches      int   // of 100 clicks, in each round over HTTP
	rounds       int   // alternations of what is measured and its floor
	month        int   // clicks of the month that is computed and posted
	growth       []int // clicks of the months that are compared by the time per click
	postgres     int   // clicks of the month on PostgreSQL
	transactions int   // of 1,000 transfers, in each round
	listed       int   // things among which old clients search
}

var (
	fullSize  = benchSize{300, 5, 10_000_000, []int{1_000_000, 10_000_000, 30_000_000}, 3_000_000, 50, 1_000_000}
	smallSize = benchSize{20, 2, 90_000, []int{30_000, 90_000}, 60_000, 5, 20_000}
)

// bench is a running benchmark.
type bench struct {
	*testing.T
	benchSize
	*benchtable.Table
}

// TestBench measures each line of the table together with its floor. Only the
// full size is judged; nothing fails for being slow.
func TestBench(t *testing.T) {
	b := &bench{T: t, benchSize: fullSize, Table: new(benchtable.Table)}
	if benchtable.Small() {
		b.benchSize = smallSize
	}
	clients, pages := new(benchtable.Table), &benchtable.Table{Columns: pageColumns}
	for _, part := range []struct {
		name  string
		run   func(*bench)
		table *benchtable.Table
	}{
		{"clicks", benchClicks, b.Table},
		{"month", benchMonth, b.Table},
		{"postgres", benchPostgres, b.Table},
		{"books", benchBooks, b.Table},
		{"rest", benchREST, clients},
		{"pages", benchPages, pages},
	} {
		if benchtable.Wanted(part.name) {
			t.Run(part.name, func(t *testing.T) { part.run(&bench{T: t, benchSize: b.benchSize, Table: part.table}) })
		}
	}
	page := filepath.Join("..", "BENCHMARKS.md")
	err := errors.Join(b.Finish(page, "the table", "", !t.Failed()), clients.Finish(page, "the clients' table", "rest", !t.Failed()),
		pages.Finish(page, "the pages' table", "pages", !t.Failed()))
	if err != nil {
		t.Fatal(err)
	}
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
