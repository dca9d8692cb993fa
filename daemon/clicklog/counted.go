package clicklog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// counted reads what the ledger has taken: clicks that count in the listed
// months, or that it knows to be duplicates there, and the undos of those. It
// begins after an event and leaves out what was answered in a span of time; and
// clicks that the ledger says were taken back: one that forgets it would count them.
const counted = selectEvent + `
WHERE account = $1 AND answered_ms IS NOT NULL AND outcome <> 'refused' AND undone = 0 AND answered_ms NOT BETWEEN $2 AND $3
  AND seq > coalesce((SELECT seq FROM event WHERE account = $1 AND id = $4), 0)
  AND coalesce((SELECT coalesce(nullif(c.counts_in, ''), c.month) FROM event c WHERE c.account = event.account AND c.id = event.click AND c.kind = 'click'),
               nullif(counts_in, ''), month) IN (SELECT value FROM json_each($5))
ORDER BY seq LIMIT $6`

// Counted gives the oldest events that the ledger has answered and not refused,
// of the named months, after the event with the id last; "" begins. Those that
// were answered between began and now are left out.
func (l *Log) Counted(ctx context.Context, account int64, months []string, last string, began, now time.Time, limit int) ([]Event, error) {
	list, err := json.Marshal(months)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return l.events(ctx, account, counted, account, began.UnixMilli(), now.UnixMilli(), last, string(list), limit)
}

const (
	readMatched = `SELECT matched_ms FROM summary WHERE account = $1`
	keepMatched = `UPDATE summary SET matched_ms = $1 WHERE account = $2`
)

// Matched gives when the ledger was last told again of what counts; zero when
// never, or there is doubt since.
func (l *Log) Matched(ctx context.Context, account int64) (time.Time, error) {
	var ms int64
	err := l.db.Read.QueryRowContext(ctx, readMatched, account).Scan(&ms)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && ms == 0) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last matching: %w", l.notice(err))
	}
	return time.UnixMilli(ms), nil
}

// KeepMatched keeps when the ledger was last told again of what counts; zero
// says that there is doubt. An account of which there is no summary has nothing
// to match.
func (l *Log) KeepMatched(ctx context.Context, account int64, at time.Time) error {
	ms := int64(0)
	if !at.IsZero() {
		ms = at.UnixMilli()
	}
	err := l.db.Change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, keepMatched, ms, account)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the last matching: %w", l.notice(err))
	}
	return nil
}
