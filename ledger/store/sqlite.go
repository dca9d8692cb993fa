package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
)

// How a SQLite file is used. Writers wait for each other: a load or a freeze in
// another process may take this long.
const (
	busyMilliseconds = 30_000
	fileReaders      = 4 // connections that read; more would only compete for the processors

	// What a connection keeps of the file: the writer touches the log, what
	// counts and their indexes in random order, and a transaction that does not
	// fit is written to the disk twice.
	writerKibibytes = 64 << 10
	readerKibibytes = 8 << 10
)

// sqliteEngine is SQLite with one file.
func sqliteEngine(path string) *engine {
	return &engine{
		dialect:     goose.DialectSQLite3,
		name:        path,
		beginWrite:  "BEGIN IMMEDIATE",
		beginRead:   "BEGIN",
		listTables:  `SELECT name FROM sqlite_master WHERE type = 'table'`,
		proof:       "PRAGMA quick_check(1)",
		dropTrigger: func(trigger, _ string) string { return "DROP TRIGGER " + trigger },
		dialected:   func(ddl string) string { return ddl },
		prepared:    steady,
		words:       sqliteWords,
		popularity:  sqlitePopularity,
		shortWrites: true,
		commit: func(ctx context.Context, conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, "COMMIT")
			return err
		},
		ended: func(any) bool { return false },
		again: func(error) bool { return false }, // BEGIN IMMEDIATE waits its turn
		named: func(err error) error { return damagedFile(path, err) },
	}
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// steady keeps SQLite from looking at the values of parameters when it plans a
// statement: it would prepare most joins anew for each value, which takes ten
// times as long as running them. It does not look behind a sign.
func steady(query string) string { return parameter.ReplaceAllString(query, "+$0") }

// openSQLite opens the file at path. The store is not nil where something of it
// must be closed.
func openSQLite(ctx context.Context, path string, make bool) (*Store, error) {
	if make {
		if err := makePrivate(path); err != nil {
			return nil, err
		}
	} else if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil, ErrMissing
	} else if err != nil {
		return nil, err
	}
	s := &Store{engine: sqliteEngine(path)}
	if err := whole(path); err != nil {
		return nil, err
	}
	if !make && !writable(path) {
		return s, s.openReadOnly(ctx, path)
	}
	writer, err := sql.Open("sqlite3", dsn(path, writerKibibytes, "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	s.dbs = append(s.dbs, writer)
	writer.SetMaxOpenConns(1)
	if err := s.migrate(ctx, writer); err != nil {
		return s, s.named(err)
	}
	if _, err := writer.ExecContext(ctx, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", longestLog)); err != nil {
		return s, s.named(err)
	}
	s.writers = s.pool(writer, 1)
	beside, err := sql.Open("sqlite3", dsn(path, readerKibibytes, "mode=rw&_synchronous=FULL"))
	if err != nil {
		return s, err
	}
	beside.SetMaxOpenConns(1)
	s.dbs = append(s.dbs, beside)
	s.committed = (&checkpointer{db: beside}).committed
	reader, err := sql.Open("sqlite3", dsn(path, readerKibibytes, "mode=ro&_query_only=1"))
	if err != nil {
		return s, err
	}
	s.dbs = append(s.dbs, reader)
	s.readers = s.pool(reader, fileReaders)
	return s, nil
}

// openReadOnly opens a file that cannot be written to. Where no log lies beside
// it, nobody has it open, and SQLite is told that it does not change: else it
// would need to make a log.
func (s *Store) openReadOnly(ctx context.Context, path string) error {
	options := "mode=ro&_query_only=1"
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		options += "&immutable=1"
	}
	db, err := sql.Open("sqlite3", dsn(path, readerKibibytes, options))
	if err != nil {
		return err
	}
	s.dbs = append(s.dbs, db)
	if err := s.current(ctx, db); err != nil {
		return s.named(err)
	}
	s.readers = s.pool(db, fileReaders)
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

// Where the header of a SQLite file says how large the file is.
const (
	headerMagic    = "SQLite format 3\x00"
	headerBytes    = 100
	headerPageSize = 16 // 2 bytes; 1 means 65536
	headerPages    = 28 // 4 bytes
)

// whole holds that a file is as long as its header says, which SQLite finds out
// only when it reads what is missing. While there is a log beside it, pages may
// rightly be there alone.
func whole(path string) error {
	pages, size, err := lengths(path)
	if err != nil || size >= pages {
		return err
	}
	// Another process may just have taken its log into the file.
	if pages, size, err = lengths(path); err != nil || size >= pages {
		return err
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has %d bytes and should have %d", ErrDamaged, path, size, pages)
}

// lengths are how many bytes a file has by its header, 0 where it has none, and
// how many it has. A file that is used only grows, so the header is read first.
func lengths(path string) (byHeader, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close() // it is only read
	header := make([]byte, headerBytes)
	n, err := io.ReadFull(f, header)
	if err != nil && n > 0 {
		return 0, 0, fmt.Errorf("%w: %s ends within its header", ErrDamaged, path)
	}
	if bytes.HasPrefix(header, []byte(headerMagic)) { // else SQLite says itself what it is not
		pageSize := int64(binary.BigEndian.Uint16(header[headerPageSize:]))
		if pageSize == 1 {
			pageSize = 64 << 10
		}
		byHeader = pageSize * int64(binary.BigEndian.Uint32(header[headerPages:]))
	}
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	return byHeader, info.Size(), nil
}

// writable reports whether this process may write to the file.
func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// damagedFile names the damage that SQLite found.
func damagedFile(path string, err error) error {
	var lite sqlite3.Error
	if !errors.As(err, &lite) || errors.Is(err, ErrDamaged) {
		return err
	}
	switch lite.Code {
	case sqlite3.ErrNotADB:
		return fmt.Errorf("%w: %s is no SQLite database, or its beginning was overwritten: %w", ErrDamaged, path, err)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("%w: parts of %s are missing or were overwritten: %w", ErrDamaged, path, err)
	}
	if lite.ExtendedCode == sqlite3.ErrIoErrShortRead {
		return fmt.Errorf("%w: %s ends too early: %w", ErrDamaged, path, err)
	}
	return err
}
