package companion_test

import (
	"database/sql"
	"encoding/base64"
	"testing"

	"flattr/daemon/socket"
)

// lockDatabase holds the write lock of a file until the result is called.
func lockDatabase(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback(); db.Close() }
}

func encode(id socket.ID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
