package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// TestMain lets scripts and tests run the test binary as flattr-ledger.
func TestMain(m *testing.M) {
	if os.Getenv(writerVariable) != "" {
		os.Exit(writeClicks(os.Stdout, os.Stderr))
	}
	if os.Getenv(programVariable) != "" {
		main()
		return
	}
	if os.Getenv(settlerVariable) != "" {
		os.Exit(settleForTest(os.Stdout, os.Stderr))
	}
	if folder := os.Getenv(lettersVariable); folder != "" {
		os.Exit(keepLetters(folder))
	}
	if at := os.Getenv(clockVariable); at != "" {
		os.Exit(serveMoved(at))
	}
	testscript.Main(m, map[string]func(){"flattr-ledger": main})
}

// TestScripts runs the manual in testdata on a file, and on PostgreSQL where it
// speaks of no file.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("sqlite", func(t *testing.T) { runScript(t, script, "ledger.db") })
		if !aboutAFile.Match(text) {
			t.Run("postgres", func(t *testing.T) { runScript(t, script, storetest.EmptyPostgres(t)) })
		}
	}
}

// appID finds the id of an application where it is printed.
var appID = regexp.MustCompile(`(?m)^id: ([0-9a-f]{32})$`)

// aboutAFile finds what a script says of the database's file.
var aboutAFile = regexp.MustCompile(`\.db\b|(?m)^(damage|mode) |FLATTR_LEDGER_DB`)

func runScript(t *testing.T, script, where string) {
	testscript.Run(t, testscript.Params{
		Files: []string{script},
		Setup: func(env *testscript.Env) error {
			env.Setenv("FLATTR_LEDGER_DB", where)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"damage": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(damage(ts.MkAbs(args[0]), args[1]))
			},
			"id": func(ts *testscript.TestScript, _ bool, args []string) {
				id := appID.FindStringSubmatch(ts.ReadFile(args[1]))
				if id == nil {
					ts.Fatalf("%s names no application", args[1])
				}
				ts.Setenv(args[0], id[1])
			},
			"mode": func(ts *testscript.TestScript, _ bool, args []string) {
				info, err := os.Stat(ts.MkAbs(args[1]))
				ts.Check(err)
				if got := info.Mode().String(); got != args[0] {
					ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
				}
			},
		},
	})
}

// damage changes a database as no part of the ledger would: without its
// triggers and checks.
func damage(path, statement string) error {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
	if err != nil {
		return err
	}
	statements := []string{"PRAGMA ignore_check_constraints = 1"}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		statements = append(statements, "DROP TRIGGER "+name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, st := range append(statements, statement) {
		if _, err := db.ExecContext(ctx, st); err != nil {
			return err
		}
	}
	return nil
}
