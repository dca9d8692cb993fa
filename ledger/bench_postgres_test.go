//go:build bench

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"flattr/benchtable"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// selectWindow is the split of a month as one statement: the floor of compute
// on PostgreSQL. It says what each thing gets; compute also writes it down, and
// sums it for the authors.
const selectWindow = `
SELECT thing, COUNT(*), SUM(share) FROM (
    SELECT COALESCE(o.target, o.thing) AS thing,
           b.budget / COUNT(*) OVER reader + CASE WHEN ROW_NUMBER() OVER (
               reader ORDER BY sha256(convert_to($2 || CAST(CAST(encode(c.click, 'hex') AS UUID) AS TEXT), 'UTF8'))
           ) <= b.budget % COUNT(*) OVER reader THEN 1 ELSE 0 END AS share
    FROM counted c
    JOIN snapshot_budget b ON b.month = c.month AND b.bucket = c.bucket AND b.reader = c.reader
    JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing
    WHERE c.month = $1 AND o.owner IS NOT NULL
    WINDOW reader AS (PARTITION BY c.bucket, c.reader)
) split GROUP BY thing`

const selectComputed = `
SELECT thing, SUM(clicks), SUM(gross) FROM thing_sum WHERE month = $1 GROUP BY thing`

// thingGets is what a thing gets.
type thingGets struct{ clicks, gross int64 }

// benchPostgres computes a month in a database and has the database do it too.
func benchPostgres(b *bench) {
	origin := b.durableServer().Database()
	w := newBenchWorld(b.postgres)
	b.fillPostgres(w, origin)
	var window, compute benchtable.Fastest
	for round := range b.rounds {
		copied := b.copyDatabase(origin, round)
		var want map[int64]thingGets
		first := func() {
			start := time.Now()
			want = b.thingSums(copied, selectWindow, int32(benchMonthOf), benchMonthOf.String()+"|")
			window.Take(time.Since(start))
		}
		second := func() {
			settled := b.child("settle", copied)
			compute.Take(seconds(settled.Seconds[string(flattr.Computed)]))
		}
		if round%2 == 1 { // what comes second finds the rows in memory
			first, second = second, first
		}
		first()
		second()
		if got := b.thingSums(copied, selectComputed, int32(benchMonthOf)); !maps.Equal(got, want) {
			b.Fatal("compute and the window statement disagree")
		}
		b.onDatabase(origin, "/postgres", "DROP DATABASE "+databaseOf(b, copied))
	}
	b.Say("PostgreSQL: %s, on a private server with the settings it is installed with.", w)
	b.Add(benchtable.Row{
		What:     "compute on PostgreSQL, " + benchtable.Grouped(b.postgres) + " clicks",
		Measured: benchtable.Rate(compute.PerSecond(w.clicks)), Floor: benchtable.Rate(window.PerSecond(w.clicks)),
		Ratio: float64(window) / float64(compute), Reach: 2,
	})
}

// durableServer starts a private server that waits for the disk, which those of
// the tests do not.
func (b *bench) durableServer() *storetest.Server {
	b.Helper()
	server := storetest.Private(b.T)
	anywhere := server.Database()
	b.onDatabase(anywhere, "/postgres", "ALTER SYSTEM SET fsync = on")
	b.onDatabase(anywhere, "/postgres", "ALTER SYSTEM SET full_page_writes = on")
	b.onDatabase(anywhere, "/postgres", "SELECT pg_reload_conf()")
	return server
}

// fillPostgres makes a ledger on PostgreSQL with a frozen month.
func (b *bench) fillPostgres(w *benchWorld, where string) {
	b.Helper()
	start := time.Now()
	s, err := store.Open(context.Background(), where)
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	conn := b.connect(where)
	err = w.fill(func(table string, columns ...string) inserter {
		return &copied{conn: conn, table: table, columns: columns}
	})
	if err == nil { // as its own housekeeping does by and by
		_, err = conn.Exec(context.Background(), "VACUUM ANALYZE")
	}
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		b.Fatal(err)
	}
	b.Tell("%s, made in %s on PostgreSQL", w, time.Since(start).Round(time.Second))
}

func (b *bench) connect(where string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(context.Background(), where)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// rowsPerCopy is how many rows are handed to PostgreSQL at once.
const rowsPerCopy = 100_000

// copied inserts rows by COPY.
type copied struct {
	conn    *pgx.Conn
	table   string
	columns []string
	rows    [][]any
}

func (c *copied) add(values ...any) error {
	c.rows = append(c.rows, values)
	if len(c.rows) < rowsPerCopy {
		return nil
	}
	return c.flush()
}

func (c *copied) flush() error {
	_, err := c.conn.CopyFrom(context.Background(), pgx.Identifier{c.table}, c.columns, pgx.CopyFromRows(c.rows))
	c.rows = c.rows[:0]
	return err
}

// copyDatabase copies a database that nobody uses and answers where it is.
func (b *bench) copyDatabase(origin string, number int) string {
	b.Helper()
	name := fmt.Sprintf("copy%d", number)
	b.onDatabase(origin, "/postgres", "CREATE DATABASE "+name+" TEMPLATE "+databaseOf(b, origin))
	return replacePath(b, origin, "/"+name)
}

// onDatabase runs a statement on another database of the same server.
func (b *bench) onDatabase(where, path, statement string) {
	b.Helper()
	conn := b.connect(replacePath(b, where, path))
	_, err := conn.Exec(context.Background(), statement)
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		b.Fatal(err)
	}
}

func replacePath(b *bench, where, path string) string {
	b.Helper()
	u, err := url.Parse(where)
	if err != nil {
		b.Fatal(err)
	}
	u.Path = path
	return u.String()
}

func databaseOf(b *bench, where string) string {
	b.Helper()
	u, err := url.Parse(where)
	if err != nil {
		b.Fatal(err)
	}
	return u.Path[1:]
}

// thingSums reads what each thing gets.
func (b *bench) thingSums(where, query string, args ...any) map[int64]thingGets {
	b.Helper()
	conn := b.connect(where)
	rows, err := conn.Query(context.Background(), query, args...)
	if err != nil {
		b.Fatal(err)
	}
	sums := make(map[int64]thingGets)
	var thing int64
	var gets thingGets
	_, err = pgx.ForEachRow(rows, []any{&thing, &gets.clicks, &gets.gross}, func() error {
		sums[thing] = gets
		return nil
	})
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		b.Fatal(err)
	}
	return sums
}
