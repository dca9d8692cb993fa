// Package storetest gives every test fresh ledgers, one on each engine; it is
// imported by tests only.
//
// PostgreSQL is the server that FLATTR_TEST_POSTGRES names, or a private one
// that is started once for the test process and ends with it, however that
// ends. Where PostgreSQL is not installed, its half of the tests is skipped.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// ServerVariable names a server for the tests: a postgres:// URL with the right
// to make databases.
const ServerVariable = "FLATTR_TEST_POSTGRES"

// Each runs a test on a fresh SQLite file, and on a fresh PostgreSQL database.
// where is what store.Open and --db take; nothing is in it yet.
func Each(t *testing.T, run func(t *testing.T, where string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, Postgres(t)) })
}

// SQLite is the path of a file that is not there yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "ledger.db")
}

// Schema makes the tables of a ledger; a test package sets it with MadeBy (this
// package cannot import the store, whose own tests use it). Then
// PostgreSQL databases are copied from one that has its tables, which takes a
// third of the time; else they are empty.
var Schema func(ctx context.Context, where string) error

// MadeBy is a Schema that opens a ledger and closes it again: storetest.MadeBy(store.Open).
func MadeBy[S io.Closer](open func(ctx context.Context, where string) (S, error)) func(ctx context.Context, where string) error {
	return func(ctx context.Context, where string) error {
		s, err := open(ctx, where)
		if err != nil {
			return err
		}
		return s.Close()
	}
}

// shared is the server of the test process.
var shared struct {
	sync.Once
	url, absent string
}

// template is the database that others are copied from.
var template struct {
	sync.Once
	name string
	err  error
}

// Postgres makes a database, which goes with the test, and answers its URL. It
// skips the test where there is no server.
func Postgres(t testing.TB) string {
	t.Helper()
	server := reach(t)
	if Schema == nil {
		return database(t, server, "")
	}
	template.Do(func() {
		template.name = newName()
		run(t, server, "CREATE DATABASE "+template.name)
		template.err = Schema(context.WithoutCancel(t.Context()), inDatabase(server, template.name))
	})
	if template.err != nil {
		t.Fatalf("make tables: %v", template.err)
	}
	return database(t, server, " TEMPLATE "+template.name)
}

// EmptyPostgres is Postgres for a database without tables.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return database(t, reach(t), "")
}

// reach finds or starts the server of the test process.
func reach(t testing.TB) string {
	t.Helper()
	shared.Do(func() {
		if shared.url = os.Getenv(ServerVariable); shared.url != "" {
			return
		}
		s, err := start()
		if err != nil {
			shared.absent = err.Error()
			return
		}
		shared.url = s.url // it ends when its standard input, which this process holds, is closed
	})
	if shared.absent != "" {
		t.Skipf("no PostgreSQL: %s", shared.absent)
	}
	return shared.url
}

// database makes a database on a server, and drops it after the test.
func database(t testing.TB, server, from string) string {
	t.Helper()
	name := newName()
	run(t, server, "CREATE DATABASE "+name+from)
	t.Cleanup(func() { run(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return inDatabase(server, name)
}

func newName() string { return "t" + strings.ToLower(rand.Text()) }

// inDatabase is the URL of a database on a server.
func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // it was connected to
	}
	u.Path = "/" + name
	return u.String()
}

// run runs a statement outside of any transaction.
func run(t testing.TB, server, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatalf("open %s: %v", ServerVariable, err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// DB opens a ledger beside the store, to look at its rows or to break them.
func DB(t testing.TB, where string) *sql.DB {
	t.Helper()
	driver := "sqlite3" // which the store has brought
	if strings.HasPrefix(where, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, where)
	if err != nil {
		t.Fatalf("open %s: %v", where, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// Server is a PostgreSQL server of one test's own, which it may kill.
type Server struct {
	t testing.TB
	*process
}

// Private starts a server that ends with the test. It skips the test where
// PostgreSQL is not installed.
func Private(t testing.TB) *Server {
	t.Helper()
	p, err := start()
	if err != nil {
		t.Skipf("no PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Errorf("end PostgreSQL: %v", err)
		}
	})
	return &Server{t: t, process: p}
}

// Database makes an empty database, which goes with the server.
func (s *Server) Database() string {
	s.t.Helper()
	name := newName()
	run(s.t, s.url, "CREATE DATABASE "+name)
	return inDatabase(s.url, name)
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() { s.order("kill", "killed") }

// Start starts it again after Kill, on the same socket, and waits until it has
// recovered.
func (s *Server) Start() { s.order("start", s.url) }

func (s *Server) order(order, want string) {
	s.t.Helper()
	answer, err := s.ask(order)
	if err == nil && answer != want {
		err = fmt.Errorf("it answers %q", answer)
	}
	if err != nil {
		s.t.Fatalf("%s PostgreSQL: %v", order, err)
	}
}

// Copy copies a ledger that nobody has open, and answers where the copy is.
func Copy(t testing.TB, where string) string {
	t.Helper()
	if u, err := url.Parse(where); err == nil && u.Scheme == "postgres" {
		name := newName()
		run(t, inDatabase(where, "postgres"), "CREATE DATABASE "+name+" TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
		t.Cleanup(func() { run(t, inDatabase(where, "postgres"), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
		return inDatabase(where, name)
	}
	text, err := os.ReadFile(where)
	if err != nil {
		t.Fatal(err)
	}
	to := SQLite(t)
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
