package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// Whoever breaks off a command is not told of another process.
func TestNoHintToWhoBrokeOff(t *testing.T) {
	if hint := hintFor(fmt.Errorf("post: %w", context.Canceled)); hint != "" {
		t.Errorf("hintFor(%v) = %q, want none", context.Canceled, hint)
	}
}

// A disk that is full is named with what can be done.
func TestHintOfAFullDisk(t *testing.T) {
	ctx := context.Background()
	where := storetest.SQLite(t)
	s, err := store.Open(ctx, where)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := storetest.DB(t, where).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// No page more than there are is what a full disk is to SQLite.
	if _, err := conn.ExecContext(ctx, `PRAGMA max_page_count = 1`); err != nil {
		t.Fatal(err)
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO secret (name, value) VALUES ('large', zeroblob(1000000))`)
	if err == nil {
		t.Fatal("a database took more pages than it may have")
	}
	if hint := hintFor(fmt.Errorf("post: %w", err)); !strings.Contains(hint, "make room") {
		t.Errorf("hintFor(%v) = %q, want to make room", err, hint)
	}
}
