//go:build bench

package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"flattr/benchtable"
	"flattr/daemon/clicklog"

	"github.com/mattn/go-sqlite3"
)

// benchSize is how much the benchmark does.
type benchSize struct {
	clicks  int           // acknowledged one after the other
	seconds time.Duration // of clicks from many clients, a round
	rounds  int           // alternations of what is measured and its floor
	log     int           // clicks in the log of an idle companion
	long    int           // clicks in the log of a companion that starts
	idle    time.Duration // how long an idle companion is looked at
}

var (
	fullSize  = benchSize{200, 3 * time.Second, 3, 100_000, 1_000_000, time.Minute}
	smallSize = benchSize{10, 200 * time.Millisecond, 1, 2_000, 5_000, 2 * time.Second}
)

// bench is a running benchmark.
type bench struct {
	*testing.T
	benchSize
	*benchtable.Table
	programs string // folder of the programs as they are shipped
}

// TestBench measures each line of the table together with its floor. Only the
// full size is judged; nothing fails for being slow.
func TestBench(t *testing.T) {
	b := &bench{T: t, benchSize: fullSize, Table: new(benchtable.Table)}
	if benchtable.Small() {
		b.benchSize = smallSize
	}
	b.build()
	for _, part := range []struct {
		name string
		run  func(*bench)
	}{
		{"ack", benchAck}, {"durable", benchDurable}, {"idle", benchIdle}, {"start", benchStart}, {"size", benchSizeOfProgram},
	} {
		if benchtable.Wanted("companion") || benchtable.Wanted(part.name) {
			t.Run(part.name, func(t *testing.T) {
				part.run(&bench{T: t, benchSize: b.benchSize, Table: b.Table, programs: b.programs})
			})
		}
	}
	if err := b.Finish(filepath.Join("..", "BENCHMARKS.md"), "the companion's table", "companion", !t.Failed()); err != nil {
		t.Fatal(err)
	}
}

// build makes the programs as the Makefile ships them, and the floor's.
func (b *bench) build() {
	b.Helper()
	b.programs = b.TempDir()
	for _, step := range [][]string{
		{"make", "-C", "..", "bin/flattrd", "bin/flattr-ledger"},
		{"cp", "../bin/flattrd", "../bin/flattr-ledger", b.programs},
		{"go", "build", "-buildmode=pie", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(b.programs, "floor"), "./testdata/floor"},
	} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %v\n%s", step, err, out)
		}
	}
}

// insertClicks fills a log with clicks the ledger has answered, of three years.
const insertClicks = `
INSERT INTO event (account, id, kind, at, month, click, thing, form, digest, received_ms, answered_ms, outcome, counts_in, thing_id, url, title)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
SELECT $2, printf('%08x-0000-7000-8000-%012x', i, i), 'click', date('2026-10-01', '-' || (i % 36) || ' months') || 'T08:00:00Z',
       strftime('%Y-%m', '2026-10-01', '-' || (i % 36) || ' months'), '', printf('{"url":"https://site%d.example.org/2026/a-thing-of-some-length-%d","title":"Thing number %d"}', i % 997, i, i),
       'button', zeroblob(32), 1, 1, 'accepted', strftime('%Y-%m', '2026-10-01', '-' || (i % 36) || ' months'), '' || i,
       printf('https://site%d.example.org/2026/a-thing-of-some-length-%d', i % 997, i), printf('Thing number %d', i)
FROM n`

// provenClicks gives each click the digest that the companion proves it by.
const provenClicks = `UPDATE event SET digest = sha256(json_array(kind, at, click, thing, form))`

// provingDriver is the driver of fill, which knows SHA-256.
const provingDriver = "sqlite3 with sha256"

func init() {
	sql.Register(provingDriver, &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		return conn.RegisterFunc("sha256", func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			return sum[:]
		}, true)
	}})
}

// fill puts clicks of an account into the log at path, which nobody has open.
func (b *bench) fill(path string, account, clicks int) {
	b.Helper()
	log, err := clicklog.Open(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	if err := log.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open(provingDriver, "file:"+path+"?_synchronous=OFF")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(insertClicks, clicks, account); err != nil {
		b.Fatal(err)
	}
	if _, err := db.Exec(provenClicks); err != nil {
		b.Fatal(err)
	}
	// What is not on the disk yet would be written while something is measured.
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("sync", path).CombinedOutput(); err != nil {
		b.Fatalf("sync: %v: %s", err, out)
	}
}

// spread is a number of times, by size.
type spread []time.Duration

func (s spread) at(part float64) time.Duration {
	slices.Sort(s)
	return s[min(len(s)-1, int(part*float64(len(s))))]
}
