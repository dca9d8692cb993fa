package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// How SQLite's write-ahead log comes into the file.
const (
	// rowsPerCheckpoint is after how many changed rows it is taken over: of clicks
	// nearly each changes a page, and many pages are changed again by the next ones.
	rowsPerCheckpoint = 12_000
	// longestLog is how many pages it may have before the writer takes the rest
	// over itself, and begins it anew: 64 MB.
	longestLog = 16_000
)

// checkpointer takes the write-ahead log into the file on a connection of its
// own, while the next writer writes. Otherwise the writer does so by itself every
// thousand pages, and all the others wait for that.
type checkpointer struct {
	db      *sql.DB
	rows    atomic.Int64 // since it was taken over
	running sync.Mutex
}

// committed is called after each write, which has changed so many rows.
func (c *checkpointer) committed(ctx context.Context, changed int64) {
	if c.rows.Add(changed) < rowsPerCheckpoint || !c.running.TryLock() {
		return
	}
	defer c.running.Unlock()
	c.rows.Store(0)
	// It takes what it can without waiting for anybody. What it cannot, also
	// because of an error, is left for the next time or the writer.
	_, _ = c.db.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(PASSIVE)")
}
