// Package database opens the companion's SQLite files: durable, readable by
// their owner only, one writer, brought up to date by numbered migrations.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strconv"

	_ "github.com/mattn/go-sqlite3" // registers the driver sqlite3
)

// readers is the size of the read pool: pages and status of a few browsers.
const readers = 4

// cacheKiB is what each connection may keep of the file: the system keeps it
// too, and the companion rests most of its life.
const cacheKiB = 256

// DB is one file with its single writer and its readers.
type DB struct {
	Write *sql.DB // one connection; transactions begin immediately
	Read  *sql.DB // read only
}

// ErrNewer says that a newer version of the program has written the file.
var ErrNewer = errors.New("the file was written by a newer version; install that version again")

// Open opens or creates the file at path, mode 0600, and applies the
// migrations (files NNNN_name.sql in the top of the file system, in order)
// it does not have yet, each in its own transaction. A file that has data is
// copied first, to [BeforeMigration]. An error that satisfies [Damaged] says
// that the file is no database any more.
//
// A commit returns when the data is on the disk: write-ahead log and
// synchronous=FULL, so that an acknowledged click survives a loss of power.
func Open(ctx context.Context, path string, migrations fs.FS) (*DB, error) {
	// SQLite gives its -wal and -shm files the mode of the main file.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite3", dsn(path, url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_foreign_keys": {"1"},
	}))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxIdleTime(0)
	db := &DB{Write: write}
	if err := db.migrate(ctx, path, migrations); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	if db.Read, err = sql.Open("sqlite3", dsn(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}})); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	db.Read.SetMaxOpenConns(readers)
	db.Read.SetMaxIdleConns(1) // a connection's cache is memory that lies idle
	return db, nil
}

// dsn names the file with its options. A lock is waited for 5 s at most: only
// a backup or a curious reader can hold one.
func dsn(path string, options url.Values) string {
	options.Set("_busy_timeout", "5000")
	options.Set("_cache_size", "-"+strconv.Itoa(cacheKiB))
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}).String()
}

// Close closes both pools; the writer folds the log into the file.
func (db *DB) Close() error {
	return errors.Join(db.Read.Close(), db.Write.Close())
}

// Change runs one transaction of the writer. It is durable when Change
// returns nil, and has not happened when it returns an error.
func (db *DB) Change(ctx context.Context, change func(tx *sql.Tx) error) error {
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := change(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// readSchema has SQLite read what tables there are, which opening does not.
const readSchema = `SELECT count(*) FROM sqlite_schema`

// migrate brings the file to the newest version, kept in PRAGMA user_version.
func (db *DB) migrate(ctx context.Context, path string, migrations fs.FS) error {
	if runtime.GOOS == "darwin" {
		// fsync of macOS leaves data in the disk's own cache.
		if _, err := db.Write.ExecContext(ctx, "PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1"); err != nil {
			return err
		}
	}
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	var version, tables int
	if err := db.Write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := db.Write.QueryRowContext(ctx, readSchema).Scan(&tables); err != nil {
		return err
	}
	if version > len(names) {
		return ErrNewer
	}
	if version > 0 && version < len(names) {
		// Without room for a copy clicks are taken all the same: a migration
		// happens as a whole or not at all.
		if err := Copy(ctx, path, BeforeMigration(path, version)); err != nil && !Full(err) {
			return fmt.Errorf("copy the file before it is migrated: %w", err)
		}
	}
	for i := version; i < len(names); i++ {
		statements, err := fs.ReadFile(migrations, names[i])
		if err != nil {
			return err
		}
		err = db.Change(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(statements)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(i+1))
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate to %s: %w", names[i], err)
		}
	}
	return nil
}
