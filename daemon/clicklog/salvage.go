package clicklog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"flattr/daemon/database"

	"github.com/google/uuid"
)

// salvageStep is how many events are read together; where one of them cannot
// be read, they are read one by one.
const salvageStep = 256

const (
	storedBetween = `SELECT ` + storedColumns + ` FROM event NOT INDEXED WHERE seq BETWEEN $1 AND $2 ORDER BY seq`
	seqFrom       = `SELECT seq FROM event NOT INDEXED WHERE seq >= $1 ORDER BY seq LIMIT 1`
	lastSeq       = `SELECT coalesce(max(seq), 0) FROM event NOT INDEXED`
	lastSeqNoted  = `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'`
	// The index holds account and id a second time: the digest does not cover them.
	seqByIndex = `SELECT seq FROM event INDEXED BY sqlite_autoindex_event_1 WHERE account = $1 AND id = $2`
)

// Salvage takes what can still be read of the damaged log at from into the
// log, and says how many events it did not have yet, and how many are there
// and cannot be read. An event is taken when its digest proves it; the ledger
// is asked about it again, for its answer proves nothing.
func (l *Log) Salvage(ctx context.Context, from string) (taken, unread int, err error) {
	old, err := database.Reader(from)
	if err != nil {
		return 0, 0, fmt.Errorf("salvage clicks: %w", err)
	}
	defer old.Close()
	// Without this nothing is read of a file that is cut off.
	if _, err := old.ExecContext(ctx, "PRAGMA writable_schema = ON"); err != nil && ctx.Err() != nil {
		return 0, 0, fmt.Errorf("salvage clicks: %w", err)
	}
	last, err := lastOf(ctx, old)
	if err != nil {
		return 0, 0, err
	}
	doubts, err := mostEvents(from)
	if err != nil {
		return 0, 0, fmt.Errorf("salvage clicks: %w", err)
	}
	for seq := int64(1); seq <= last && doubts > 0; seq = min(seq, math.MaxInt64-salvageStep) + salvageStep {
		next, err := nextSeq(ctx, old, seq)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return taken, unread, nil
		case err == nil:
			seq = next
		case ctx.Err() != nil:
			return taken, unread, fmt.Errorf("salvage clicks: %w", err)
		default:
			doubts -= salvageStep
		}
		events, lost, err := readBetween(ctx, old, seq, min(seq, math.MaxInt64-salvageStep)+salvageStep-1)
		if err != nil {
			return taken, unread, err
		}
		n, err := l.insertSalvaged(ctx, events)
		if err != nil {
			return taken, unread, fmt.Errorf("salvage clicks: %w", err)
		}
		taken, unread = taken+n, unread+lost
	}
	return taken, unread, nil
}

// leastEvent is less than an event takes of a file, in bytes: its id, digest
// and times.
const leastEvent = 100

// mostEvents bounds how many events a file and its write-ahead log can hold,
// whatever a damaged one says of itself.
func mostEvents(path string) (most int64, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err == nil {
			most += info.Size() / leastEvent
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return most + salvageStep, nil
}

// nextSeq is the first number from seq on that there is, sql.ErrNoRows if none.
func nextSeq(ctx context.Context, old *sql.DB, seq int64) (next int64, err error) {
	err = old.QueryRowContext(ctx, seqFrom, seq).Scan(&next)
	return next, err
}

// lastOf is the number of the last event, from the table or else from
// SQLite's own notes; 0 when neither can be read.
func lastOf(ctx context.Context, old *sql.DB) (last int64, err error) {
	for _, query := range []string{lastSeq, lastSeqNoted} {
		var n int64
		if err := old.QueryRowContext(ctx, query).Scan(&n); err == nil {
			last = max(last, n)
		} else if ctx.Err() != nil {
			return 0, fmt.Errorf("salvage clicks: %w", ctx.Err())
		}
	}
	return last, nil
}

// readBetween reads the proved events of a range, and counts those that are
// named by the range and cannot be read or proved.
func readBetween(ctx context.Context, old *sql.DB, first, last int64) (events []stored, lost int, err error) {
	events, doubtful, err := readStored(ctx, old, first, last)
	if err == nil {
		return events, doubtful, nil
	}
	if ctx.Err() != nil {
		return nil, 0, fmt.Errorf("salvage clicks: %w", ctx.Err())
	}
	events = nil
	for seq := first; seq <= last; seq++ {
		one, doubtful, err := readStored(ctx, old, seq, seq)
		if ctx.Err() != nil {
			return nil, 0, fmt.Errorf("salvage clicks: %w", ctx.Err())
		}
		if err != nil {
			lost++
			continue
		}
		events, lost = append(events, one...), lost+doubtful
	}
	return events, lost, nil
}

func readStored(ctx context.Context, old *sql.DB, first, last int64) (events []stored, doubtful int, err error) {
	rows, err := old.QueryContext(ctx, storedBetween, first, last)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var all []stored
	for rows.Next() {
		event, err := scanStored(rows)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, event)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, 0, err
	}
	for _, event := range all {
		if event.proved() && named(ctx, old, event) {
			events = append(events, event)
		} else {
			doubtful++
		}
	}
	return events, doubtful, nil
}

// named tells whether the index agrees with the table on account and id. Where
// the index cannot be read, an id that has its form is believed.
func named(ctx context.Context, old *sql.DB, event stored) bool {
	var seq int64
	err := old.QueryRowContext(ctx, seqByIndex, event.Account, event.ID).Scan(&seq)
	switch {
	case err == nil:
		return seq == event.seq
	case errors.Is(err, sql.ErrNoRows):
		return false
	}
	id, err := uuid.Parse(event.ID)
	return err == nil && id.String() == event.ID && event.Account > 0
}

// insertSalvaged adds the events that are not there, and counts them.
func (l *Log) insertSalvaged(ctx context.Context, events []stored) (taken int, err error) {
	err = l.db.Change(ctx, func(tx *sql.Tx) error {
		for _, e := range events {
			done, err := tx.ExecContext(ctx, insertEvent, e.Account, e.ID, e.Kind, e.At, e.Month, e.Click, e.thing, e.Form, e.digest, e.receivedMS)
			if err != nil {
				return err
			}
			n, err := done.RowsAffected()
			if err != nil {
				return err
			}
			taken += int(n)
		}
		return nil
	})
	return taken, err
}

const highestAccount = `SELECT coalesce(max(account), 0) FROM (SELECT max(account) AS account FROM event UNION ALL SELECT max(account) FROM summary)`

// HighestAccount is the highest account that has events or a summary; 0 without any.
func (l *Log) HighestAccount(ctx context.Context) (highest int64, err error) {
	if err := l.db.Read.QueryRowContext(ctx, highestAccount).Scan(&highest); err != nil {
		return 0, fmt.Errorf("read the accounts of clicks: %w", l.notice(err))
	}
	return highest, nil
}
