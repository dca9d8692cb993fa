package database_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"flattr/daemon/database"
)

// A copy changes nothing of what it copies. Closing the last connection that
// may write would fold in and delete the write-ahead log by its name, which is
// that of another file once a restore has come between.
func TestACopyLeavesTheWriteAheadLogAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := database.Open(t.Context(), path, migrations("CREATE TABLE a (x INTEGER) STRICT"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Write.Exec("INSERT INTO a VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "x.db") // as a kill leaves it
	before := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		if before[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(killed+suffix, before[suffix], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made := filepath.Join(t.TempDir(), "copy.db")
	if err := database.Copy(t.Context(), killed, made); err != nil {
		t.Fatal(err)
	}
	for suffix, want := range before {
		if got, err := os.ReadFile(killed + suffix); err != nil || !bytes.Equal(got, want) {
			t.Errorf("x.db%s has changed: %v", suffix, err)
		}
	}
	copied, err := database.Reader(made)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	var x int
	if err := copied.QueryRow("SELECT x FROM a").Scan(&x); err != nil || x != 7 {
		t.Errorf("in the copy x = %d, %v, want 7: what was in the log", x, err)
	}
}
