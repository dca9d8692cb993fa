package clicklog

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flattr/daemon/wire"
)

const (
	// groupSize bounds one transaction: one sync of the disk acknowledges all
	// events that arrived while the one before was under way.
	groupSize = 128
	// groupTimeout ends a transaction that a failing disk holds up.
	groupTimeout = 10 * time.Second
)

// row is an event ready for the table.
type row struct {
	Event
	thing    string
	digest   []byte
	received time.Time
}

// request is an event waiting for its place in a transaction.
type request struct {
	row  row
	done chan result
}

type result struct {
	state wire.State
	err   error
}

// encode makes the row of an event. The digest covers everything the
// extension said about it.
func encode(now time.Time, event Event) (row, error) {
	thing, err := json.Marshal(event.Thing)
	if err != nil {
		return row{}, err
	}
	digest, err := digestOfBody(event, string(thing))
	if err != nil {
		return row{}, err
	}
	return row{Event: event, thing: string(thing), digest: digest, received: now}, nil
}

// write is the only goroutine that appends. It takes what is waiting and
// commits it together.
func (l *Log) write() {
	defer close(l.ended)
	for {
		var group []request
		select {
		case r := <-l.queue:
			group = append(group, r)
		case <-l.closed:
			l.refuseRest()
			return
		}
		for len(group) < groupSize && len(l.queue) > 0 {
			group = append(group, <-l.queue)
		}
		results, err := l.commit(group)
		for i, r := range group {
			if err != nil {
				results[i] = result{err: err}
			}
			r.done <- results[i]
		}
	}
}

func (l *Log) refuseRest() {
	for {
		select {
		case r := <-l.queue:
			r.done <- result{err: ErrClosed}
		default:
			return
		}
	}
}

// commit appends a group in one transaction. Its error is for all of them.
func (l *Log) commit(group []request) ([]result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), groupTimeout)
	defer cancel()
	results := make([]result, len(group))
	err := l.db.Change(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, insertEvent)
		if err != nil {
			return err
		}
		defer insert.Close()
		for i, r := range group {
			if results[i], err = appendRow(ctx, tx, insert, r.row); err != nil {
				return err
			}
		}
		return nil
	})
	l.failing.Store(&failing{l.notice(err)})
	if err != nil {
		return results, fmt.Errorf("%w: %w", ErrDegraded, err)
	}
	return results, nil
}

// failing is how the last transaction of clicks ended.
type failing struct{ err error }

// Failing says why the log took no clicks when it was last asked to; nil when
// it did.
func (l *Log) Failing() error {
	if last := l.failing.Load(); last != nil {
		return last.err
	}
	return nil
}

const insertEvent = `
INSERT INTO event (account, id, kind, at, month, click, thing, form, digest, received_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (account, id) DO NOTHING`

const digestOf = `SELECT digest FROM event WHERE account = $1 AND id = $2`

// appendRow inserts one event or finds it. Its error is the file's; that the
// id was reused is a result.
func appendRow(ctx context.Context, tx *sql.Tx, insert *sql.Stmt, r row) (result, error) {
	done, err := insert.ExecContext(ctx, r.Account, r.ID, r.Kind, r.At, r.Month, r.Click, r.thing, r.Form, r.digest, r.received.UnixMilli())
	if err != nil {
		return result{}, err
	}
	inserted, err := done.RowsAffected()
	if err != nil {
		return result{}, err
	}
	if inserted == 0 {
		var digest []byte
		if err := tx.QueryRowContext(ctx, digestOf, r.Account, r.ID).Scan(&digest); err != nil {
			return result{}, err
		}
		if !bytes.Equal(digest, r.digest) {
			return result{err: ErrReused}, nil
		}
	}
	state, err := stateOf(ctx, tx, r)
	return result{state: state}, err
}

// stateOf gives the state an acknowledgement names. An undo of a click that
// is not here yet is as good as any: it is kept and applies when its click comes.
func stateOf(ctx context.Context, tx *sql.Tx, r row) (wire.State, error) {
	id := r.ID
	if r.Kind == Undo {
		id = r.Click
	}
	rows, err := scan(tx.QueryContext(ctx, clickByID, r.Account, id))
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		if r.Kind == Undo {
			return wire.StateUndone, nil
		}
		return "", errors.New("an event that was just stored is not there")
	}
	return rows[0].State, nil
}
