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

// statements are what the writer says for each group, prepared once.
type statements struct{ insert, undone *sql.Stmt }

// prepare prepares the writer's statements.
func (l *Log) prepare(ctx context.Context) (err error) {
	if l.say.insert, err = l.db.Write.PrepareContext(ctx, insertEvent); err != nil {
		return err
	}
	l.say.undone, err = l.db.Write.PrepareContext(ctx, undoneBefore)
	return err
}

// commit appends a group in one transaction. Its error is for all of them. It
// has no deadline: SQLite waits 5 s for a lock, and a disk that hangs in a
// sync heeds nobody.
func (l *Log) commit(group []request) ([]result, error) {
	ctx := context.Background()
	results := make([]result, len(group))
	err := l.db.Change(ctx, func(tx *sql.Tx) error {
		insert := tx.StmtContext(ctx, l.say.insert)
		fresh := make([]clickName, 0, len(group)) // clicks that were not here
		for i, r := range group {
			inserted, err := insertRow(ctx, insert, r.row)
			switch {
			case err != nil:
				return err
			case !inserted:
				if results[i], err = repeated(ctx, tx, r.row); err != nil {
					return err
				}
			case r.row.Kind == Undo:
				results[i].state = wire.StateUndone
			default:
				results[i].state = wire.StateWaiting
				fresh = append(fresh, clickName{r.row.Account, r.row.ID, i})
			}
		}
		return markUndone(ctx, tx.StmtContext(ctx, l.say.undone), fresh, results)
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

// insertRow inserts an event unless its id is there already.
func insertRow(ctx context.Context, insert *sql.Stmt, r row) (inserted bool, err error) {
	done, err := insert.ExecContext(ctx, r.Account, r.ID, r.Kind, r.At, r.Month, r.Click, r.thing, r.Form, r.digest, r.received.UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

const digestOf = `SELECT digest FROM event WHERE account = $1 AND id = $2`

// repeated answers an event whose id is there already: with its state, or, if
// the id stands for another event, with that.
func repeated(ctx context.Context, tx *sql.Tx, r row) (result, error) {
	var digest []byte
	if err := tx.QueryRowContext(ctx, digestOf, r.Account, r.ID).Scan(&digest); err != nil {
		return result{}, err
	}
	if !bytes.Equal(digest, r.digest) {
		return result{err: ErrReused}, nil
	}
	state, err := stateOf(ctx, tx, r)
	return result{state: state}, err
}

// clickName names a click of a group.
type clickName struct {
	Account int64
	ID      string
	at      int // in the group
}

// undoneBefore finds the places of those clicks of a list that are undone.
const undoneBefore = `
SELECT j.key FROM json_each($1) j WHERE EXISTS (
SELECT 1 FROM event u WHERE u.account = j.value ->> 'Account' AND u.click = j.value ->> 'ID' AND u.kind = 'undo' AND u.outcome <> 'refused')`

// markUndone sets the state of new clicks whose undo came before them.
func markUndone(ctx context.Context, undone *sql.Stmt, fresh []clickName, results []result) error {
	if len(fresh) == 0 {
		return nil
	}
	list, err := json.Marshal(fresh)
	if err != nil {
		return err
	}
	rows, err := undone.QueryContext(ctx, string(list))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		if err := rows.Scan(&i); err != nil {
			return err
		}
		results[fresh[i].at].state = wire.StateUndone
	}
	return rows.Err()
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
