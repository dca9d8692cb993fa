package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// How a PostgreSQL database is used. Each process takes that many connections
// at most; a server has 100 where nobody set more.
const (
	serverWriters  = 4
	serverReaders  = 4
	connectTimeout = 10 * time.Second // where the URL says nothing
	lockTimeout    = "30s"            // as long as a SQLite file is waited for
)

// isURL reports whether where names a PostgreSQL database.
func isURL(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// postgresName is the address of a database without what could be a secret.
func postgresName(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return "postgres://…"
	}
	name := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if user := u.User.Username(); user != "" {
		name.User = url.User(user)
	}
	if name.Host == "" {
		if host := u.Query().Get("host"); host != "" {
			name.RawQuery = "host=" + host
		}
	}
	return name.String()
}

// postgresEngine is PostgreSQL.
func postgresEngine(name string) *engine {
	return &engine{
		dialect:    goose.DialectPostgres,
		name:       name,
		remote:     true,
		beginWrite: "BEGIN ISOLATION LEVEL SERIALIZABLE",
		beginRead:  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		sharing:    " FOR SHARE",
		gate:       "LOCK TABLE month IN EXCLUSIVE MODE",
		counting:   "ANALYZE counted, snapshot_thing",
		listTables: `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`,
		dropTrigger: func(trigger, table string) string {
			return fmt.Sprintf("DROP TRIGGER %s ON %s", trigger, table)
		},
		words:      postgresWordIndex,
		popularity: postgresPopularity,
		prepared:   func(query string) string { return query },
		dialected:  postgresWords,
		commit:     commitPostgres,
		ended:      func(raw any) bool { return raw.(*stdlib.Conn).Conn().IsClosed() },
		again:      lostAgainstAnother,
		named:      func(err error) error { return namedByPostgres(name, err) },
	}
}

// openPostgres opens the database at a URL. The store is not nil where
// something of it must be closed.
func openPostgres(ctx context.Context, where string, make bool) (*Store, error) {
	config, err := postgresConfig(where)
	if err != nil {
		return nil, err
	}
	s := &Store{engine: postgresEngine(postgresName(where))}
	// What writes finds single rows by their keys. A plan that reads a whole
	// table, as it is made while a table is small, would also clash with
	// everything that others write into it.
	writing := config.Copy()
	writing.RuntimeParams["enable_seqscan"] = "off"
	writing.RuntimeParams["jit"] = "off" // what reads a table all the same looks so costly then that it would be compiled
	writer := stdlib.OpenDB(*writing)
	s.dbs = append(s.dbs, writer)
	if !make {
		version, err := s.version(ctx, writer)
		if err != nil {
			return s, s.named(err)
		}
		if version == 0 {
			return s, ErrMissing
		}
	}
	if err := s.migrate(ctx, writer); err != nil {
		return s, s.named(err)
	}
	s.writers = s.pool(writer, serverWriters)
	// Pages ask for few rows, by keys that begin with whose they are. Where the
	// planner guesses many for somebody who has more than others, it would read what
	// all others have beside, start processes to help, or compile for a second what
	// is answered in a hundredth of one. Its plan for anybody asks for single rows.
	reading := config.Copy()
	reading.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	reading.RuntimeParams["max_parallel_workers_per_gather"] = "0"
	reading.RuntimeParams["jit"] = "off"
	reader := stdlib.OpenDB(*reading)
	s.dbs = append(s.dbs, reader)
	s.readers = s.pool(reader, serverReaders)
	return s, nil
}

// postgresConfig reads a URL. Its errors name no part of it, since any could be
// a piece of a password with a character that ends it.
func postgresConfig(where string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, errors.New("the postgres:// URL cannot be read: it is postgres://USER:PASSWORD@HOST:PORT/DATABASE, " +
			"with special characters of the password as %XX; leave the password out to take it from PGPASSWORD or ~/.pgpass")
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTimeout {
		config.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{"application_name": "flattr-ledger", "lock_timeout": lockTimeout} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// commitPostgres ends a transaction. PostgreSQL answers COMMIT without error
// where a statement had failed, and rolls back.
func commitPostgres(ctx context.Context, conn *sql.Conn) error {
	return conn.Raw(func(raw any) error {
		on := raw.(*stdlib.Conn).Conn()
		tag, err := on.Exec(ctx, "COMMIT")
		if err == nil && tag.String() != "COMMIT" {
			err = errors.New("the transaction was rolled back, since a statement had failed")
		}
		if err != nil && on.IsClosed() {
			return fmt.Errorf("the connection was lost meanwhile, and whether it was kept is not known; doing it again is harmless: %w", err)
		}
		return err
	})
}

// Words of the migrations, and PostgreSQL's for them.
var (
	ddlTail    = regexp.MustCompile(`\) STRICT(, WITHOUT ROWID)?;`)
	ddlInteger = regexp.MustCompile(`\bINTEGER\b`)
	ddlBlob    = regexp.MustCompile(`\bBLOB\b`)
	ddlText    = regexp.MustCompile(`\bTEXT\b`)
	ddlTrigger = regexp.MustCompile(`(?s)CREATE TRIGGER (\w+) BEFORE (UPDATE|DELETE) ON (\w+)( WHEN .*?)? BEGIN SELECT RAISE\(ABORT, ('[^']*')\); END;`)
)

// refuseFunction is what the triggers of PostgreSQL call.
const refuseFunction = `
-- +goose StatementBegin
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$;
-- +goose StatementEnd
`

// postgresWords rewrites a migration. Text is compared byte by byte, as SQLite
// does.
func postgresWords(ddl string) string {
	ddl = ddlTail.ReplaceAllString(ddl, ");")
	ddl = ddlInteger.ReplaceAllString(ddl, "BIGINT")
	ddl = ddlBlob.ReplaceAllString(ddl, "BYTEA")
	ddl = ddlText.ReplaceAllString(ddl, `TEXT COLLATE "C"`)
	ddl = ddlTrigger.ReplaceAllStringFunc(ddl, func(trigger string) string {
		part := ddlTrigger.FindStringSubmatch(trigger)
		when := ""
		if part[4] != "" {
			when = " WHEN (" + strings.TrimPrefix(part[4], " WHEN ") + ")"
		}
		return fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW%s EXECUTE FUNCTION refuse(%s);",
			part[1], part[2], part[3], when, part[5])
	})
	// The first migration makes the first table, and what its triggers call.
	return strings.Replace(ddl, "-- +goose Up\n-- The ledger:", "-- +goose Up\n"+refuseFunction+"-- The ledger:", 1)
}

// SQLSTATEs with a meaning of their own.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505" // also what a transaction sees that lost against another
	featureNotSupported  = "0A000" // a prepared statement whose table has changed since
	lockNotAvailable     = "55P03"
	diskFull             = "53100"
	tooManyConnections   = "53300"
	noSuchDatabase       = "3D000"
	undefinedTable       = "42P01"
	undefinedColumn      = "42703"
	duplicateTable       = "42P07"
)

// sqlState is the code of an error of PostgreSQL, else "".
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// lostAgainstAnother reports whether a transaction can be done again.
func lostAgainstAnother(err error) bool {
	switch sqlState(err) {
	case serializationFailure, deadlockDetected, uniqueViolation:
		return true
	}
	return false
}

// namedByPostgres names what an error means for the ledger.
func namedByPostgres(name string, err error) error {
	if err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrAway) {
		return err
	}
	code := sqlState(err)
	switch {
	case strings.HasPrefix(code, "XX"):
		return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	case code == undefinedTable || code == undefinedColumn:
		return fmt.Errorf("%w: %s has not the tables of a ledger: %w", ErrDamaged, name, err)
	case code == noSuchDatabase:
		return fmt.Errorf("the server has no such database: make an empty one with createdb, then try again: %w", err)
	case code == duplicateTable:
		return fmt.Errorf("%w: %w", ErrForeign, err)
	case away(code, err):
		return fmt.Errorf("%w: %s: %w", ErrAway, name, err)
	}
	return err
}

// away reports whether err means that the server cannot be reached, or will not
// have us, just now.
func away(code string, err error) bool {
	if code != "" {
		// 08: connection; 57P01 to 57P05: ended by an operator, starting, stopping; 53: no room.
		return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || code == tooManyConnections
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false // we gave up ourselves
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}
