//go:build bench

package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flattr/benchtable"
	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// What the months of the benchmark are like. Things are flattred as links are:
// few get most of the clicks.
const (
	benchMonthOf    = flattr.Month(202610)
	clicksPerReader = 30
	clicksPerThing  = 50 // on average
	thingsPerAuthor = 10 // on average
	oneInUnowned    = 10 // things without owner: their clicks are promises
	oneInShared     = 50 // things with two authors
	benchFee        = 500
)

// benchBudgets are what readers give, in turn.
var benchBudgets = []money.Micro{2 * money.Euro, 3 * money.Euro, 5 * money.Euro, 10 * money.Euro}

// benchReader is a reader of a month.
type benchReader struct {
	bucket int
	id     flattr.MemberID
	budget money.Micro
}

// benchWorld is a frozen month. The same size is always the same month.
type benchWorld struct {
	clicks  int
	readers []benchReader // by bucket and id
	things  []int64
	authors []int64
}

// newBenchWorld makes a month of about so many clicks.
func newBenchWorld(clicks int) *benchWorld {
	readers := (clicks + clicksPerReader - 1) / clicksPerReader
	w := &benchWorld{clicks: readers * clicksPerReader}
	random := rand.New(rand.NewPCG(1, uint64(clicks)))
	id := func() int64 { return random.Int64N(flattr.MaxID) + 1 }
	for i := range readers {
		m := flattr.MemberID(id())
		w.readers = append(w.readers, benchReader{m.Bucket(), m, benchBudgets[i%len(benchBudgets)]})
	}
	slices.SortFunc(w.readers, func(a, b benchReader) int {
		return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.id, b.id))
	})
	for range clicks / clicksPerThing {
		w.things = append(w.things, id())
	}
	for range max(2, len(w.things)/thingsPerAuthor) {
		w.authors = append(w.authors, id())
	}
	return w
}

func (w *benchWorld) String() string {
	return fmt.Sprintf("%s clicks of %s readers on %s things of %s authors",
		benchtable.Grouped(w.clicks), benchtable.Grouped(len(w.readers)), benchtable.Grouped(len(w.things)), benchtable.Grouped(len(w.authors)))
}

// inserter writes rows of one table, many at a time.
type inserter interface {
	add(values ...any) error
	flush() error
}

// fill writes the frozen month through inserters made by into.
func (w *benchWorld) fill(into func(table string, columns ...string) inserter) error {
	month := into("month", "month", "state", "frozen_at", "fee_bp", "promise_months", "next_bucket")
	err := month.add(int64(benchMonthOf), "frozen", benchMonthOf.FreezeAt().UnixMicro(), benchFee, 6, 0)
	if err := errors.Join(err, month.flush()); err != nil {
		return err
	}
	if err := w.fillThings(into); err != nil {
		return err
	}
	if err := w.fillReaders(into); err != nil {
		return err
	}
	counted := into("counted", "month", "bucket", "reader", "thing", "click", "late")
	random := rand.New(rand.NewPCG(2, uint64(w.clicks)))
	at := uint64(benchMonthOf.Start().UnixMilli())
	mine := make([]int64, 0, clicksPerReader)
	for _, r := range w.readers {
		mine = mine[:0]
		for len(mine) < clicksPerReader {
			u := random.Float64()
			thing := w.things[int(u*u*u*float64(len(w.things)))]
			if !slices.Contains(mine, thing) {
				mine = append(mine, thing)
			}
		}
		slices.Sort(mine)
		for _, thing := range mine {
			id := make([]byte, 16) // a UUID of version 7, as companions make them
			binary.BigEndian.PutUint64(id, (at+random.Uint64N(31*86_400_000))<<16|0x7000|random.Uint64N(1<<12))
			binary.BigEndian.PutUint64(id[8:], random.Uint64()>>2|1<<63)
			if err := counted.add(int64(benchMonthOf), r.bucket, int64(r.id), thing, id, 0); err != nil {
				return err
			}
		}
	}
	return counted.flush()
}

// fillThings writes whom things belong to.
func (w *benchWorld) fillThings(into func(table string, columns ...string) inserter) error {
	random := rand.New(rand.NewPCG(3, uint64(w.clicks)))
	snapshot := into("snapshot_thing", "month", "thing", "owner")
	parts := into("snapshot_part", "month", "thing", "position", "author", "bp")
	for _, thing := range slices.Sorted(slices.Values(w.things)) {
		var owner any
		i := random.IntN(len(w.authors))
		if random.IntN(oneInUnowned) > 0 {
			owner = w.authors[i]
		}
		if err := snapshot.add(int64(benchMonthOf), thing, owner); err != nil {
			return err
		}
		if owner == nil || random.IntN(oneInShared) > 0 {
			continue
		}
		other := w.authors[(i+1)%len(w.authors)]
		err := errors.Join(parts.add(int64(benchMonthOf), thing, 1, owner, 6000), parts.add(int64(benchMonthOf), thing, 2, other, 4000))
		if err != nil {
			return err
		}
	}
	return errors.Join(snapshot.flush(), parts.flush())
}

// fillReaders writes what readers give, and the accounts that hold it.
func (w *benchWorld) fillReaders(into func(table string, columns ...string) inserter) error {
	budgets := into("snapshot_budget", "month", "bucket", "reader", "budget")
	accounts := into("account", "id", "kind", "owner", "month", "currency", "debits", "credits")
	for _, r := range w.readers {
		if err := budgets.add(int64(benchMonthOf), r.bucket, int64(r.id), int64(r.budget)); err != nil {
			return err
		}
		held := book.Account{Kind: book.Held, Bucket: r.bucket, Owner: int64(r.id), Month: int32(benchMonthOf)}.ID()
		if err := accounts.add(held[:], string(book.Held), int64(r.id), int64(benchMonthOf), "EUR", 0, int64(r.budget)); err != nil {
			return err
		}
	}
	return errors.Join(budgets.flush(), accounts.flush())
}

// makeMonth makes a ledger on SQLite with a frozen month and answers its file.
func makeMonth(b *bench, w *benchWorld) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), fmt.Sprintf("month-%d.db", w.clicks))
	start := time.Now()
	makeLedger(b, path)
	db := openRaw(b, path, "OFF")
	// Sorting all keys of an index takes a fraction of what inserting each takes.
	var index string
	err := db.QueryRowContext(context.Background(), "SELECT sql FROM sqlite_master WHERE name = 'counted_by_thing'").Scan(&index)
	if err != nil {
		b.Fatal(err)
	}
	b.execute(db, "DROP INDEX counted_by_thing")
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	err = w.fill(func(table string, columns ...string) inserter {
		return newSQLiteRows(tx, "INSERT INTO "+table, columns, rowsPerStatement)
	})
	if err := errors.Join(err, tx.Commit()); err != nil {
		b.Fatal(err)
	}
	b.execute(db, index)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	b.Tell("%s, made in %s", w, time.Since(start).Round(time.Second))
	return path
}

func (b *bench) execute(db *sql.DB, statement string) {
	b.Helper()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		b.Fatal(err)
	}
}

// makeLedger makes an empty ledger in one file.
func makeLedger(b *bench, path string) {
	b.Helper()
	s, err := store.Open(context.Background(), path)
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// openRaw opens a database on one connection, past the store, with its cache.
func openRaw(b *bench, path, synchronous string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite3", fmt.Sprintf("file:%s?_journal_mode=WAL&_synchronous=%s&_txlock=immediate&_cache_size=-%d", path, synchronous, 64<<10))
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// sqliteRows inserts many rows with each statement.
type sqliteRows struct {
	tx      *sql.Tx
	insert  string // "INSERT INTO table (columns) VALUES "
	columns int
	rows    int // of a full statement
	full    *sql.Stmt
	values  []any
}

// rowsPerStatement is where more rows a statement make inserting no faster.
const rowsPerStatement = 100

func newSQLiteRows(tx *sql.Tx, into string, columns []string, rows int) *sqliteRows {
	return &sqliteRows{tx: tx, insert: into + " (" + strings.Join(columns, ", ") + ") VALUES ", columns: len(columns), rows: rows}
}

func (s *sqliteRows) statement(rows int) (*sql.Stmt, error) {
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", s.columns), ", ") + ")"
	return s.tx.PrepareContext(context.Background(), s.insert+strings.TrimSuffix(strings.Repeat(one+", ", rows), ", "))
}

func (s *sqliteRows) add(values ...any) (err error) {
	s.values = append(s.values, values...)
	if len(s.values) < s.rows*s.columns {
		return nil
	}
	if s.full == nil {
		if s.full, err = s.statement(s.rows); err != nil {
			return err
		}
	}
	_, err = s.full.ExecContext(context.Background(), s.values...)
	s.values = s.values[:0]
	return err
}

func (s *sqliteRows) flush() error {
	if s.full != nil {
		defer s.full.Close()
	}
	if len(s.values) == 0 {
		return nil
	}
	rest, err := s.statement(len(s.values) / s.columns)
	if err != nil {
		return err
	}
	defer rest.Close()
	_, err = rest.ExecContext(context.Background(), s.values...)
	return err
}
