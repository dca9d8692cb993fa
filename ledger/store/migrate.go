package store

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateAttempts is how often it is tried: processes that start at once on a
// new database race for its schema, and the losers find it made. One can lose at
// every migration anew, so that it is several times as many as there are.
const migrateAttempts = 100

// The marks by which one tells a ledger from another program's database.
var (
	// ErrForeign is what Open answers to a database of another program.
	ErrForeign = errors.New("this is not a ledger's database: name another one with --db")
	// ErrNewer is what Open answers to a ledger of a newer program.
	ErrNewer = errors.New("this ledger was written by a newer flattr-ledger: use that one")
)

// provider knows the migrations in the words of the engine.
func (e *engine) provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(e.dialect, db, dialectedFiles{files, e.dialected},
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(e.placesMigration(), e.listMigration(), e.popularityMigration()))
}

// migrate brings the schema up to date.
func (e *engine) migrate(ctx context.Context, db *sql.DB) error {
	provider, err := e.provider(db)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		pending, err := e.pending(ctx, db, provider)
		if err != nil || !pending {
			return err
		}
		if _, err = provider.Up(ctx); err == nil {
			return nil
		}
		if attempt == migrateAttempts || ctx.Err() != nil {
			return fmt.Errorf("bring schema up to date: %w", err)
		}
	}
}

// current holds that the schema is up to date, where it cannot be brought so.
func (e *engine) current(ctx context.Context, db *sql.DB) error {
	provider, err := e.provider(db)
	if err != nil {
		return err
	}
	pending, err := e.pending(ctx, db, provider)
	if err == nil && pending {
		err = errors.New("its schema is of an older flattr-ledger and it cannot be written to: run any command once where it can")
	}
	return err
}

// pending reports whether migrations wait. It tells apart databases that are
// no ledgers.
func (e *engine) pending(ctx context.Context, db *sql.DB, provider *goose.Provider) (bool, error) {
	have, err := e.version(ctx, db)
	if err != nil {
		return false, err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	if have > newest {
		return false, fmt.Errorf("%w (its schema is %d, this program knows %d)", ErrNewer, have, newest)
	}
	return have < newest, nil
}

const selectVersion = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`

// version is the schema a database has, 0 where it is empty.
func (e *engine) version(ctx context.Context, db *sql.DB) (int64, error) {
	tables, err := e.tables(ctx, db)
	if err != nil || len(tables) == 0 {
		return 0, err
	}
	if !tables["goose_db_version"] {
		return 0, ErrForeign
	}
	var have int64
	if err := db.QueryRowContext(ctx, selectVersion).Scan(&have); err != nil {
		return 0, fmt.Errorf("read version of schema: %w", err)
	}
	if have == 0 {
		return 0, nil
	}
	// Another process may have made them since they were looked at.
	if tables, err = e.tables(ctx, db); err != nil {
		return 0, err
	}
	if !(tables["event"] && tables["counted"] && tables["transfer"]) {
		return 0, ErrForeign
	}
	return have, nil
}

// tables are the names of all tables of a database.
func (e *engine) tables(ctx context.Context, db *sql.DB) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, e.listTables)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	defer rows.Close()
	tables := make(map[string]bool)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		tables[name] = true
	}
	return tables, rows.Err()
}

// dialectedFiles are migrations in the words of an engine.
type dialectedFiles struct {
	fs.FS
	dialected func(ddl string) string
}

// Open opens a file whose text is rewritten.
func (files dialectedFiles) Open(name string) (fs.File, error) {
	f, err := files.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return dialectedFile{f, bytes.NewReader([]byte(files.dialected(string(text))))}, nil
}

// dialectedFile is an open file with other text.
type dialectedFile struct {
	fs.File
	text *bytes.Reader
}

// Read reads the rewritten text.
func (f dialectedFile) Read(p []byte) (int, error) { return f.text.Read(p) }
