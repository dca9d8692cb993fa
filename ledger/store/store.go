// Package store keeps the ledger in SQL: click log, snapshots and books.
//
// A public method of Store is one transaction; `now` is when the ledger got to
// know. Methods of Tx are steps of a transaction that its caller puts
// together. The schema, with a sentence for every table, is in migrations.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver sqlite3
	"github.com/pressly/goose/v3"

	"flattr/ledger/flattr"
)

//go:embed migrations/*.sql
var migrations embed.FS

// How the database is used. Writers wait for each other: a load or a freeze in
// another process may take this long.
const (
	busyMilliseconds = 30_000
	readers          = 4 // connections that read; more would only compete for the processors

	// What a connection keeps of the file: the writer touches the log, what
	// counts and their indexes in random order, and a transaction that does not
	// fit is written to the disk twice.
	writerKibibytes = 64 << 10
	readerKibibytes = 8 << 10
	migrateAttempts = 5 // processes that start at once on a new file race for its schema
)

// Store is one ledger's database. Its methods may be called at the same time.
type Store struct {
	dbs     []*sql.DB
	writers chan *session // the one that writes, while nobody uses it
	readers chan *session // those that read, while nobody uses them
	closed  sync.Once
}

// session is one connection with the statements prepared on it.
type session struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

// Open opens the database at path, makes it where it is missing, readable by
// its owner only, and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("open ledger: no database named: use --db FILE or FLATTR_LEDGER_DB")
	}
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	s := &Store{writers: make(chan *session, 1), readers: make(chan *session, readers)}
	if err := s.connect(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", path, err), s.Close())
	}
	return s, nil
}

// connect migrates the database and opens the connections to it.
func (s *Store) connect(ctx context.Context, path string) error {
	writer, err := sql.Open("sqlite3", dsn(path, writerKibibytes, "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"))
	if err != nil {
		return err
	}
	s.dbs = append(s.dbs, writer)
	writer.SetMaxOpenConns(1)
	if err := migrate(ctx, writer); err != nil {
		return err
	}
	if err := fill(ctx, s.writers, writer); err != nil {
		return err
	}
	reader, err := sql.Open("sqlite3", dsn(path, readerKibibytes, "mode=ro&_query_only=1"))
	if err != nil {
		return err
	}
	s.dbs = append(s.dbs, reader)
	return fill(ctx, s.readers, reader)
}

// fill opens as many sessions as the channel holds.
func fill(ctx context.Context, sessions chan *session, db *sql.DB) error {
	for range cap(sessions) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		sessions <- &session{conn: conn, statements: make(map[string]*sql.Stmt)}
	}
	return nil
}

// dsn names the database to the driver with the options all connections share.
func dsn(path string, kibibytes int, options string) string {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	return fmt.Sprintf("file:%s?%s&_cache_size=-%d&_foreign_keys=1&_busy_timeout=%d", escaped, options, kibibytes, busyMilliseconds)
}

// makePrivate makes a missing file that only its owner can read, whatever the
// umask; SQLite gives its side files the same mode.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		pending, err := provider.HasPending(ctx)
		if err == nil && !pending {
			return nil
		}
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		if attempt == migrateAttempts || ctx.Err() != nil {
			return fmt.Errorf("bring schema up to date: %w", err)
		}
	}
}

// Close ends the use of the database, after the transactions that run. The one
// that writes closes last, so that it can take the write-ahead log into the
// database and leave a single file. Closing again does nothing.
func (s *Store) Close() (err error) {
	s.closed.Do(func() { err = s.close() })
	return err
}

func (s *Store) close() error {
	var errs []error
	for _, sessions := range []chan *session{s.readers, s.writers} {
		if len(s.dbs) < 2 {
			break // not opened to the end: some sessions were never made
		}
		for range cap(sessions) {
			errs = append(errs, (<-sessions).close())
		}
	}
	for _, db := range slices.Backward(s.dbs) {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// Tx is a running transaction. It is used by one goroutine and ends with the
// function it was given to.
type Tx struct {
	*session
	ctx    context.Context
	months map[int32]flattr.State // states of months, as read or written by this transaction
}

// Write runs work in one transaction that sees nothing of others and is
// durable when Write returns. When work fails, nothing of it is kept.
func (s *Store) Write(ctx context.Context, work func(*Tx) error) error { return s.write(ctx, work) }

func (s *Store) write(ctx context.Context, work func(*Tx) error) error {
	return transact(ctx, s.writers, "BEGIN IMMEDIATE", work)
}

// read runs work on one unchanging view of the database.
func (s *Store) read(ctx context.Context, work func(*Tx) error) error {
	return transact(ctx, s.readers, "BEGIN", work)
}

// transact runs work between begin and COMMIT on the next free session.
func transact(ctx context.Context, sessions chan *session, begin string, work func(*Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var on *session
	select {
	case on = <-sessions:
		defer func() { sessions <- on }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := on.conn.ExecContext(ctx, begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done {
			// The context may be over; what was begun must end all the same.
			if _, failed := on.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); failed != nil {
				err = errors.Join(err, fmt.Errorf("roll back: %w", failed))
			}
		}
	}()
	if err := work(&Tx{session: on, ctx: ctx, months: make(map[int32]flattr.State)}); err != nil {
		return err
	}
	if _, err := on.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// close gives the connection back. Statements that are left open would keep it.
func (on *session) close() error {
	var errs []error
	for _, st := range on.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, on.conn.Close())...)
}

// statement is the prepared form of query.
func (on *session) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := on.statements[query]; ok {
		return st, nil
	}
	st, err := on.conn.PrepareContext(ctx, query)
	if err == nil {
		on.statements[query] = st
	}
	return st, err
}

// exec runs a statement and says how many rows it touched.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	st, err := tx.statement(tx.ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := st.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one holds that a statement touched exactly one row.
func one(n int64, err error) error {
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows changed instead of 1", n)
	}
	return err
}

// ignoreNone lets a query find nothing.
func ignoreNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// row is the one row of a query.
type row struct {
	*sql.Row
	err error
}

// Scan reads the row's columns; it answers sql.ErrNoRows when there is none.
func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.Row.Scan(to...)
}

func (tx *Tx) row(query string, args ...any) row {
	st, err := tx.statement(tx.ctx, query)
	if err != nil {
		return row{err: err}
	}
	return row{Row: st.QueryRowContext(tx.ctx, args...)}
}

func (tx *Tx) rows(query string, args ...any) (*sql.Rows, error) {
	st, err := tx.statement(tx.ctx, query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(tx.ctx, args...)
}

// each runs scan for every row of a query.
func (tx *Tx) each(query string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := tx.rows(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// micros is how times are stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

// timeOf is the time that was stored.
func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
