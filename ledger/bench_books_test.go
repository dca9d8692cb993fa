//go:build bench

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"flattr/benchtable"
	"flattr/ledger/book"
	"flattr/ledger/store"
)

// transfersPerTransaction is the size the table names.
const transfersPerTransaction = 1000

// benchBooks gives back what is held for readers: each transfer moves between
// two accounts of its own, so that each writes three rows. The floor inserts
// these rows into an empty ledger.
func benchBooks(b *bench) {
	ctx := context.Background()
	w := newBenchWorld(b.rounds * b.transactions * transfersPerTransaction * clicksPerReader)
	path := filepath.Join(b.TempDir(), "books.db")
	b.openAccounts(w, path)
	s, err := store.Open(ctx, path)
	if err != nil {
		b.Fatal(err)
	}
	floors := b.floorLedgers("")
	var booked, inserted benchtable.Fastest
	each := b.transactions * transfersPerTransaction
	for round := range b.rounds {
		readers := w.readers[round*each : (round+1)*each]
		batch := fmt.Sprintf("round %d", round)
		start := time.Now()
		for i := range b.transactions {
			err := s.Write(ctx, func(tx *store.Tx) error {
				transfers := make([]book.Transfer, 0, transfersPerTransaction)
				for _, r := range readers[i*transfersPerTransaction:][:transfersPerTransaction] {
					held, means := accountsOf(r)
					transfers = append(transfers, book.New(batch, book.Release, held, means, held, r.budget))
				}
				return tx.Post(benchMonthOf.FreezeAt(), transfers)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		booked.Take(time.Since(start))
		inserted.Take(b.floorOf(floors, b.bookedRows(path, batch), transfersPerTransaction))
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.Add(benchtable.Row{
		What:     "double entry, 1,000 transfers a transaction, SQLite",
		Measured: benchtable.Rate(booked.PerSecond(each)), Floor: benchtable.Rate(inserted.PerSecond(each)),
		Ratio: float64(inserted) / float64(booked), Reach: 0.5,
	})
}

// accountsOf are the accounts between which a reader's budget moves.
func accountsOf(r benchReader) (held, means book.Account) {
	return book.Account{Kind: book.Held, Bucket: r.bucket, Owner: int64(r.id), Month: int32(benchMonthOf)},
		book.Account{Kind: book.Means, Bucket: r.bucket, Owner: int64(r.id)}
}

// openAccounts makes a ledger with the accounts of all readers.
func (b *bench) openAccounts(w *benchWorld, path string) {
	b.Helper()
	makeLedger(b, path)
	db := openRaw(b, path, "OFF")
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	accounts := newSQLiteRows(tx, "INSERT INTO account", []string{"id", "kind", "owner", "month", "currency", "debits", "credits"}, rowsPerStatement)
	for _, r := range w.readers {
		held, means := accountsOf(r)
		from, to := held.ID(), means.ID()
		err = errors.Join(err,
			accounts.add(to[:], string(book.Means), int64(r.id), 0, "EUR", 0, 0),
			accounts.add(from[:], string(book.Held), int64(r.id), int64(benchMonthOf), "EUR", 0, int64(r.budget)))
	}
	if err := errors.Join(err, accounts.flush(), tx.Commit(), db.Close()); err != nil {
		b.Fatal(err)
	}
}

const selectBatch = `SELECT * FROM transfer WHERE batch = $1 ORDER BY debit_account`

const selectBatchAccounts = `
SELECT * FROM account WHERE id IN (SELECT debit_account FROM transfer WHERE batch = $1)
OR id IN (SELECT credit_account FROM transfer WHERE batch = $1) ORDER BY id`

// bookedRows are the rows that a batch of transfers has written.
func (b *bench) bookedRows(path, batch string) []bareTable {
	b.Helper()
	db := openRaw(b, path, "OFF")
	defer db.Close() // it was only read
	return []bareTable{
		readTable(b, db, "transfer", selectBatch, batch), readTable(b, db, "account", selectBatchAccounts, batch),
	}
}
