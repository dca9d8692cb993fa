package database_test

import (
	"os"
	"path/filepath"
	"testing"

	"flattr/daemon/database"
	"flattr/programtest"
)

// Where there is no room for the copy before a migration, clicks are taken all
// the same.
func TestAFileIsMigratedWithoutRoomForACopy(t *testing.T) {
	state := t.TempDir()
	path, copies := filepath.Join(state, "x.db"), filepath.Join(state, database.CopiesFolder)
	first := "CREATE TABLE a (x BLOB) STRICT; INSERT INTO a VALUES (randomblob(1000000))"
	db, err := database.Open(t.Context(), path, migrations(first))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.Mkdir(copies, 0o700); err != nil {
		t.Fatal(err)
	}
	programtest.SmallDisk(t, copies, "64k")
	if db, err = database.Open(t.Context(), path, migrations(first, "CREATE TABLE b (x TEXT) STRICT")); err != nil {
		t.Fatalf("Open without room for a copy: %v", err)
	}
	defer db.Close()
	if _, err := db.Write.Exec("INSERT INTO b VALUES ('x')"); err != nil {
		t.Errorf("after the migration: %v", err)
	}
	if left, err := os.ReadDir(copies); err != nil || len(left) > 0 {
		t.Errorf("left of the copy: %v, %v", left, err)
	}
}
