package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// How SQLite's write-ahead log comes into the file.
const (
	// commitsPerCheckpoint is after how many writes it is taken over: a batch of
	// clicks writes some hundred pages, of which many are written again by the
	// next ones.
	commitsPerCheckpoint = 64
	// longestLog is how many pages it may have before the writer takes the rest
	// over itself, and begins it anew: 64 MB.
	longestLog = 16_000
)

// checkpointer takes the write-ahead log into the file on a connection of its
// own, while the next writer writes. Otherwise the writer does so by itself every
// thousand pages, and all the others wait for that.
type checkpointer struct {
	db      *sql.DB
	commits atomic.Int64
	running sync.Mutex
}

// committed is called after each write.
func (c *checkpointer) committed(ctx context.Context) {
	if c.commits.Add(1)%commitsPerCheckpoint != 0 || !c.running.TryLock() {
		return
	}
	defer c.running.Unlock()
	// It takes what it can without waiting for anybody. What it cannot, also
	// because of an error, is left for the next time or the writer.
	_, _ = c.db.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(PASSIVE)")
}
