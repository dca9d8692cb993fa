// Package store keeps the ledger in SQL: click log, snapshots and books.
//
// A public method of Store is one transaction; `now` is when the ledger got to
// know. Methods of Tx are steps of a transaction that its caller puts
// together. The schema, with a sentence for every table, is in migrations.
//
// There are two engines, SQLite and PostgreSQL, and one text of SQL for both;
// where they differ is in engine.go, sqlite.go and postgres.go.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Store is one ledger's database. Its methods may be called at the same time.
type Store struct {
	*engine
	dbs       []*sql.DB
	writers   chan *session // those that write, while nobody uses them
	readers   chan *session // those that read, while nobody uses them
	together  *together
	committed func(context.Context, int64) // is called after each write with how many rows it changed; nil: nothing is to be done
	closed    sync.Once
}

// ErrMissing is what OpenExisting answers where there is no ledger.
var ErrMissing = errors.New("there is no ledger")

// Open opens the ledger at where, which is the path of a SQLite file or a
// postgres:// URL, makes it where it is missing, and brings its schema up to
// date. A file is made readable by its owner only. A PostgreSQL database must
// be there; its tables are made.
func Open(ctx context.Context, where string) (*Store, error) { return openAt(ctx, where, true) }

// OpenExisting is Open for a ledger that must be there: else it answers
// ErrMissing and makes nothing. A file that cannot be written to, and whose
// schema is up to date, is opened for reading only.
func OpenExisting(ctx context.Context, where string) (*Store, error) {
	return openAt(ctx, where, false)
}

func openAt(ctx context.Context, where string, make bool) (*Store, error) {
	if where == "" {
		return nil, errors.New("open ledger: no database named: use --db FILE or FLATTR_LEDGER_DB")
	}
	var s *Store
	var err error
	if isURL(where) {
		s, err = openPostgres(ctx, where, make)
	} else {
		s, err = openSQLite(ctx, where, make)
	}
	if err != nil {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
		if errors.Is(err, ErrMissing) {
			return nil, fmt.Errorf("%w at %s", ErrMissing, Name(where))
		}
		return nil, fmt.Errorf("open ledger %s: %w", Name(where), err)
	}
	s.together = newTogether(s)
	s.previews.sum = s.sumAnew
	return s, nil
}

// Name is what a database is called in messages and logs: where, without the
// password that a URL may hold.
func Name(where string) string {
	if isURL(where) {
		return postgresName(where)
	}
	return where
}

// pool makes the sessions of a database handle.
func (s *Store) pool(db *sql.DB, count int) chan *session {
	db.SetMaxOpenConns(count)
	sessions := make(chan *session, count)
	for range count {
		sessions <- &session{engine: s.engine, db: db}
	}
	return sessions
}

// Close ends the use of the database, after the transactions that run. The
// writers close last, so that SQLite can take the write-ahead log into the
// database and leave a single file. Closing again does nothing.
func (s *Store) Close() (err error) {
	s.closed.Do(func() { err = s.close() })
	return err
}

func (s *Store) close() error {
	var errs []error
	s.previews.end()
	for _, sessions := range []chan *session{s.readers, s.writers} {
		for range cap(sessions) {
			errs = append(errs, (<-sessions).close())
		}
	}
	for _, db := range slices.Backward(s.dbs) {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
