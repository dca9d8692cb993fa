//go:build bench

package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"

	"flattr/benchtable"
)

// bareTable is rows of a table as a database holds them.
type bareTable struct {
	name    string
	columns []string
	rows    [][]any
}

// readTable reads rows, whose columns are those of the table.
func readTable(b *bench, db *sql.DB, name, query string, args ...any) bareTable {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query, args...)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	t := bareTable{name: name}
	if t.columns, err = rows.Columns(); err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		values, to := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			b.Fatal(err)
		}
		t.rows = append(t.rows, values)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return t
}

// insertBare inserts tables side by side, perTransaction rows of the first in
// each transaction and the same part of the others, by statements of perStatement
// rows. It is a floor: nothing is looked up, judged or answered.
func insertBare(b *bench, db *sql.DB, tables []bareTable, perTransaction, perStatement int) time.Duration {
	b.Helper()
	start := time.Now()
	transactions := max(1, (len(tables[0].rows)+perTransaction-1)/perTransaction)
	for i := range transactions {
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range tables {
			part := t.rows[len(t.rows)*i/transactions : len(t.rows)*(i+1)/transactions]
			into := newSQLiteRows(tx, "INSERT INTO "+t.name, t.columns, perStatement)
			for _, row := range part {
				if err := into.add(row...); err != nil {
					b.Fatal(err)
				}
			}
			if err := into.flush(); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// The two ways in which a floor inserts: the faster one counts.
var perStatement = []int{1, rowsPerStatement}

// floorOf inserts tables into two ledgers, row by row into one and many rows a
// statement into the other, and answers the shorter time.
func (b *bench) floorOf(dbs []*sql.DB, tables []bareTable, perTransaction int) time.Duration {
	b.Helper()
	var best benchtable.Fastest
	for i, rows := range perStatement {
		took := insertBare(b, dbs[i], tables, perTransaction, rows)
		b.Tell("floor, %d rows a statement: %s", rows, took.Round(time.Millisecond))
		best.Take(took)
	}
	return time.Duration(best)
}

// floorLedgers are ledgers for floorOf, copies of one or, without it, empty.
func (b *bench) floorLedgers(from string) (dbs []*sql.DB) {
	b.Helper()
	dir := b.TempDir()
	for _, name := range []string{"one.db", "many.db"} {
		path := filepath.Join(dir, name)
		if from == "" {
			makeLedger(b, path)
		} else {
			copyFile(b, from, path)
		}
		dbs = append(dbs, openRaw(b, path, "FULL"))
	}
	b.Cleanup(func() {
		if err := errors.Join(dbs[0].Close(), dbs[1].Close()); err != nil {
			b.Error(err)
		}
	})
	return dbs
}

const selectPosted = `
SELECT * FROM transfer WHERE code IN ('give', 'earn', 'charge') ORDER BY code = 'give' DESC, debit_account, credit_account`

const selectPostedAccounts = `SELECT * FROM account WHERE kind IN ('held', 'clearing', 'revenue', 'fee') ORDER BY kind = 'held' DESC, id`

// insertPosted inserts what a settlement has posted into empty ledgers.
func (b *bench) insertPosted(posted string) time.Duration {
	b.Helper()
	from := openRaw(b, posted, "OFF")
	tables := []bareTable{
		readTable(b, from, "transfer", selectPosted), readTable(b, from, "account", selectPostedAccounts),
	}
	if err := from.Close(); err != nil {
		b.Fatal(err)
	}
	return b.floorOf(b.floorLedgers(""), tables, postedPerTransaction)
}
