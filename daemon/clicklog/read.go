package clicklog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"flattr/daemon/database"
	"flattr/daemon/wire"
)

// Row is one click with what became of it.
type Row struct {
	Seq      int64
	Event    Event
	State    wire.State
	Outcome  string // of the ledger; "" before it has answered
	Code     string // why the click, or its undo, was refused
	Sentence string
	Month    string // where it counts, as far as known
	Counts   string // of a duplicate: the click that counts
	CountsAt string // its time, when it is in this log
	ThingID  string
	URL      string // canonical, once known
	Title    string
	Promise  bool
	Unsent   bool // the ledger has not answered the click
	UndoSent bool // the ledger knows that it was taken back
}

// selectClick reads a click with its undo. Of several undos the last one that
// was not refused counts, else the last. The ledger, too, can have said that a
// click was taken back.
const selectClick = `
SELECT e.seq, e.account, e.id, e.at, e.month, e.thing, e.form, e.answered_ms IS NULL, e.outcome, e.code, e.sentence,
       e.counts_in, e.thing_id, e.url, e.title, e.promise, e.counts, coalesce(c.at, ''), e.undone,
       u.id IS NOT NULL, coalesce(u.answered_ms IS NOT NULL, 0), coalesce(u.outcome, ''), coalesce(u.code, ''), coalesce(u.sentence, '')
FROM event e LEFT JOIN event u ON u.seq = (
  SELECT x.seq FROM event x WHERE x.account = e.account AND x.click = e.id AND x.kind = 'undo'
  ORDER BY x.outcome = 'refused', x.seq DESC LIMIT 1)
LEFT JOIN event c ON c.account = e.account AND c.id = e.counts AND c.kind = 'click'
WHERE e.kind = 'click' AND e.account = $1 `

const clickByID = selectClick + `AND e.id = $2`

const history = selectClick + `AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3`

// inMonths takes a list of months as JSON; clicks the ledger has not answered,
// and those it may take later, belong to every present month.
const inMonths = selectClick + `
AND e.seq < $2 AND (e.answered_ms IS NULL OR (e.retry = 1 AND u.id IS NULL) OR coalesce(nullif(e.counts_in, ''), e.month) IN (SELECT value FROM json_each($3)))
ORDER BY e.seq DESC LIMIT $4`

// scan reads rows of selectClick.
func scan(rows *sql.Rows, err error) ([]Row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Row
	for rows.Next() {
		var r Row
		var thing, countsIn, undoOutcome, undoCode, undoSentence string
		var undo, undone bool
		err := rows.Scan(&r.Seq, &r.Event.Account, &r.Event.ID, &r.Event.At, &r.Event.Month, &thing, &r.Event.Form, &r.Unsent,
			&r.Outcome, &r.Code, &r.Sentence, &countsIn, &r.ThingID, &r.URL, &r.Title, &r.Promise, &r.Counts, &r.CountsAt, &undone,
			&undo, &r.UndoSent, &undoOutcome, &undoCode, &undoSentence)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(thing), &r.Event.Thing); err != nil {
			return nil, err
		}
		r.Event.Kind = Click
		r.Month = countsIn
		if r.Month == "" {
			r.Month = r.Event.Month
		}
		r.State = stateFrom(r.Unsent, r.Outcome)
		switch {
		case undone, undo && undoOutcome != refused:
			r.State, r.UndoSent = wire.StateUndone, r.UndoSent || undone
		case undo:
			r.Code, r.Sentence = undoCode, undoSentence
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// The ledger's outcomes, as they stand in the table.
const (
	accepted  = "accepted"
	late      = "late"
	duplicate = "duplicate"
	refused   = "refused"
)

func stateFrom(unsent bool, outcome string) wire.State {
	switch {
	case unsent:
		return wire.StateWaiting
	case outcome == accepted:
		return wire.StateAccepted
	case outcome == late:
		return wire.StateLate
	default: // refused, or a duplicate of a click that counts
		return wire.StateRefused
	}
}

const hasEvent = `SELECT EXISTS (SELECT 1 FROM event WHERE account = $1 AND id = $2)`

// Has tells whether an event is stored for the account.
func (l *Log) Has(ctx context.Context, account int64, id string) (has bool, err error) {
	if err := l.db.Read.QueryRowContext(ctx, hasEvent, account, id).Scan(&has); err != nil {
		return false, fmt.Errorf("look for an event: %w", l.notice(err))
	}
	return has, nil
}

// History gives clicks of all months, newest first, older than the one with
// the sequence number before.
func (l *Log) History(ctx context.Context, account, before int64, limit int) ([]Row, error) {
	rows, err := scan(l.db.Read.QueryContext(ctx, history, account, before, limit))
	if err != nil {
		return nil, fmt.Errorf("read clicks: %w", l.notice(err))
	}
	return rows, nil
}

// InMonths gives clicks of the named months, and those the ledger has not
// answered, newest first.
func (l *Log) InMonths(ctx context.Context, account int64, months []string, before int64, limit int) ([]Row, error) {
	list, err := json.Marshal(months)
	if err != nil {
		return nil, fmt.Errorf("read clicks: %w", l.notice(err))
	}
	rows, err := scan(l.db.Read.QueryContext(ctx, inMonths, account, before, string(list), limit))
	if err != nil {
		return nil, fmt.Errorf("read clicks: %w", l.notice(err))
	}
	return rows, nil
}

const (
	selectEvent = `SELECT id, kind, at, month, click, thing, form, digest FROM event `
	unanswered  = selectEvent + `WHERE account = $1 AND answered_ms IS NULL ORDER BY seq LIMIT $2`
	// An undone click is not tried again.
	retryable = selectEvent + `WHERE account = $1 AND retry = 1 AND NOT EXISTS (
SELECT 1 FROM event u WHERE u.account = event.account AND u.click = event.id AND u.kind = 'undo') ORDER BY seq LIMIT $2`
	countUnanswered = `SELECT count(*) FROM event WHERE account = $1 AND answered_ms IS NULL`
)

// Pending gives the oldest events the ledger has not answered.
func (l *Log) Pending(ctx context.Context, account int64, limit int) ([]Event, error) {
	return l.events(ctx, account, unanswered, account, limit)
}

// Retryable gives clicks the ledger refused and may take later.
func (l *Log) Retryable(ctx context.Context, account int64, limit int) ([]Event, error) {
	return l.events(ctx, account, retryable, account, limit)
}

func (l *Log) events(ctx context.Context, account int64, query string, parameters ...any) ([]Event, error) {
	rows, err := l.db.Read.QueryContext(ctx, query, parameters...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", l.notice(err))
	}
	defer rows.Close()
	var all []Event
	for rows.Next() {
		e := Event{Account: account}
		var thing string
		var digest []byte
		if err := rows.Scan(&e.ID, &e.Kind, &e.At, &e.Month, &e.Click, &thing, &e.Form, &digest); err != nil {
			return nil, fmt.Errorf("read events: %w", l.notice(err))
		}
		// What is sent to the ledger is what the reader clicked.
		if !(stored{row: row{Event: e, thing: thing, digest: digest}}).proved() {
			return nil, fmt.Errorf("read events: %w", l.notice(fmt.Errorf("%w: event %s is not what was stored", database.ErrDamaged, e.ID)))
		}
		if err := json.Unmarshal([]byte(thing), &e.Thing); err != nil {
			return nil, fmt.Errorf("read events: %w", l.notice(err))
		}
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read events: %w", l.notice(err))
	}
	return all, nil
}

// Unsent counts the events the ledger has not answered.
func (l *Log) Unsent(ctx context.Context, account int64) (int, error) {
	var n int
	if err := l.db.Read.QueryRowContext(ctx, countUnanswered, account).Scan(&n); err != nil {
		return 0, fmt.Errorf("count unsent events: %w", l.notice(err))
	}
	return n, nil
}

// Summary is what the ledger last said about an account.
type Summary struct {
	Months     []wire.MonthSummary
	MeansMicro int64
	Synced     time.Time // zero: never
}

const readSummary = `SELECT months, means_micro, synced_ms FROM summary WHERE account = $1`

// Summary gives what the ledger last said; the zero value before the first sync.
func (l *Log) Summary(ctx context.Context, account int64) (Summary, error) {
	var s Summary
	var months string
	var synced int64
	err := l.db.Read.QueryRowContext(ctx, readSummary, account).Scan(&months, &s.MeansMicro, &synced)
	if errors.Is(err, sql.ErrNoRows) {
		return Summary{}, nil
	}
	if err == nil {
		err = json.NewDecoder(strings.NewReader(months)).Decode(&s.Months)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("read summary: %w", l.notice(err))
	}
	s.Synced = time.UnixMilli(synced)
	return s, nil
}
