package database_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"flattr/daemon/database"
)

func migrations(texts ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, text := range texts {
		files[string(rune('1'+i))+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a file with ?%# in its name.db")
	first := "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)"
	for _, files := range []fstest.MapFS{migrations(first), migrations(first), migrations(first, "UPDATE a SET x = x + 1")} {
		db, err := database.Open(t.Context(), path, files)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	db, err := database.Open(t.Context(), path, migrations(first, "UPDATE a SET x = x + 1"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var x int
	if err := db.Read.QueryRow("SELECT x FROM a").Scan(&x); err != nil || x != 2 {
		t.Errorf("x = %d, %v, want 2", x, err)
	}
	if _, err := db.Read.Exec("INSERT INTO a VALUES (9)"); err == nil {
		t.Error("the read pool wrote")
	}
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.Write.QueryRow("PRAGMA " + name).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s = %s, %v, want %s", name, got, err, want)
		}
	}
}

func TestABrokenMigrationLeavesTheFileAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := database.Open(t.Context(), path, migrations("CREATE TABLE a (x INTEGER) STRICT; CREATE NONSENSE")); err == nil {
		t.Fatal("Open with a broken migration = nil, want an error")
	}
	db, err := database.Open(t.Context(), path, migrations("CREATE TABLE a (x INTEGER) STRICT"))
	if err != nil {
		t.Fatalf("Open after the broken migration: %v", err)
	}
	db.Close()
}

func TestAFileOfANewerVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := database.Open(t.Context(), path, migrations("SELECT 1", "SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := database.Open(t.Context(), path, migrations("SELECT 1")); !errors.Is(err, database.ErrNewer) {
		t.Errorf("Open with fewer migrations = %v, want ErrNewer", err)
	}
}

func TestAFailedChangeHasNotHappened(t *testing.T) {
	db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), migrations("CREATE TABLE a (x INTEGER UNIQUE) STRICT"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Change(t.Context(), func(tx *sql.Tx) error {
		for range 2 {
			if _, err := tx.Exec("INSERT INTO a VALUES (1)"); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		t.Error("Change that breaks a constraint = nil, want an error")
	}
	var n int
	if err := db.Read.QueryRow("SELECT count(*) FROM a").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows after a failed change, %v, want 0", n, err)
	}
}

func TestAFileIsCopiedBeforeItIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	first := "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)"
	for _, files := range []fstest.MapFS{migrations(first), migrations(first, "UPDATE a SET x = 2", "UPDATE a SET x = 3")} {
		db, err := database.Open(t.Context(), path, files)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	}
	kept := database.BeforeMigration(path, 1)
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the copy before the migration: %v, %v, want mode 0600", info, err)
	}
	db, err := database.Reader(kept)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var x, version int
	if err := db.QueryRow("SELECT x, user_version FROM a, pragma_user_version").Scan(&x, &version); err != nil || x != 1 || version != 1 {
		t.Errorf("in the copy x = %d, version %d, %v, want 1, 1", x, version, err)
	}
}
