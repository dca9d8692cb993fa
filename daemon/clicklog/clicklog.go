// Package clicklog is the durable log of clicks: append, undo, pending,
// answered. What [Log.Append] has returned for is on the disk.
package clicklog

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"flattr/daemon/database"
	"flattr/daemon/wire"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Expected failures of Append.
var (
	// ErrReused says that the id stands for another event already.
	ErrReused = errors.New("the id belongs to another event")
	// ErrDegraded says that the log cannot be written now; the event is not stored.
	ErrDegraded = errors.New("the click log cannot be written")
	// ErrClosed says that the companion is stopping; the event is not stored.
	ErrClosed = errors.New("the click log is closed")
)

// Kind tells clicks and undos apart.
type Kind string

// The kinds of events.
const (
	Click Kind = "click"
	Undo  Kind = "undo"
)

// Event is a click or an undo as the reader made it.
type Event struct {
	Account int64
	ID      string // UUID in lower case
	Kind    Kind
	At      string     // the reader's time, RFC 3339
	Month   string     // of At, such as 2026-11
	Click   string     // of an undo: the click taken back
	Thing   wire.Thing // of a click
	Form    string     // of a click
}

// Log is the file. It is safe for concurrent use.
type Log struct {
	db     *database.DB
	say    statements
	queue  chan request
	closed chan struct{} // closed by Close
	ended  chan struct{} // closed when the writer has ended
	once   sync.Once

	damage  chan struct{} // closed when the file is found to be damaged
	damaged sync.Once
	failing atomic.Pointer[failing]
}

// Open opens or creates the log at path.
func Open(ctx context.Context, path string) (*Log, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open click log: %w", err)
	}
	db, err := database.Open(ctx, path, files)
	if err != nil {
		return nil, fmt.Errorf("open click log: %w", err)
	}
	l := &Log{
		db: db, queue: make(chan request, groupSize), closed: make(chan struct{}), ended: make(chan struct{}), damage: make(chan struct{}),
	}
	if err := l.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open click log: %w", errors.Join(err, db.Close()))
	}
	go l.write()
	return l, nil
}

// Close lets what is being written finish and closes the file.
func (l *Log) Close() error {
	l.once.Do(func() { close(l.closed) })
	<-l.ended
	return l.db.Close()
}

// Append stores an event and returns when it is durable. An event that is
// there already is not stored twice: the same body gives its present state,
// another body ErrReused. Any other failure is ErrDegraded or ErrClosed; then
// nothing is stored, or a repetition finds it.
func (l *Log) Append(ctx context.Context, now time.Time, event Event) (wire.State, error) {
	row, err := encode(now, event)
	if err != nil {
		return "", fmt.Errorf("append to click log: %w", err)
	}
	r := request{row: row, done: make(chan result, 1)}
	select {
	case <-l.closed:
		return "", ErrClosed
	case <-ctx.Done():
		return "", ErrClosed
	case l.queue <- r:
	}
	select {
	case answer := <-r.done:
		return answer.state, answer.err
	case <-ctx.Done():
	case <-l.ended:
	}
	// The writer may have answered before it ended.
	select {
	case answer := <-r.done:
		return answer.state, answer.err
	default:
		return "", ErrClosed
	}
}
