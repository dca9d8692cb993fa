package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"flattr/ledger/flattr"
)

// placesVersion is the number of the migration that gives old clicks their place.
const placesVersion = 5

// placesAtOnce is how many clicks are read before their places are written.
const placesAtOnce = 10_000

const selectUnplaced = `
SELECT id, month FROM event WHERE kind = 'click' AND month IS NOT NULL AND place IS NULL AND id > $1
ORDER BY id LIMIT $2`

const placeEvent = `UPDATE event SET place = $1 WHERE id = $2`

// placesMigration fills event.place of clicks that were logged before there was
// one. The log is only ever appended to, and says so; for this once its
// trigger is put aside, in the one transaction of the migration.
func (e *engine) placesMigration() *goose.Migration {
	return goose.NewGoMigration(placesVersion, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, e.dropTrigger("event_stays", "event")); err != nil {
			return fmt.Errorf("put the trigger aside: %w", err)
		}
		for after := []byte{}; ; {
			next, err := placeSome(ctx, tx, after)
			if err != nil {
				return err
			}
			if next == nil {
				break
			}
			after = next
		}
		if _, err := tx.ExecContext(ctx, e.dialected(eventStays)); err != nil {
			return fmt.Errorf("put the trigger back: %w", err)
		}
		return nil
	}}, nil)
}

// eventStays is the trigger as the first migration made it.
const eventStays = `CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never changed'); END;`

// placeSome gives the next clicks after an id their places, and answers the
// last of them, or nil when there are none.
func placeSome(ctx context.Context, tx *sql.Tx, after []byte) (last []byte, err error) {
	type click struct {
		id    flattr.EventID
		month flattr.Month
	}
	rows, err := tx.QueryContext(ctx, selectUnplaced, after, placesAtOnce)
	if err != nil {
		return nil, fmt.Errorf("read clicks: %w", err)
	}
	defer rows.Close()
	var clicks []click
	for rows.Next() {
		var c click
		if err := scanID(rows, &c.id, &c.month); err != nil {
			return nil, fmt.Errorf("read clicks: %w", err)
		}
		clicks = append(clicks, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read clicks: %w", err)
	}
	for _, c := range clicks {
		if _, err := tx.ExecContext(ctx, placeEvent, flattr.Place(c.month, c.id), c.id[:]); err != nil {
			return nil, fmt.Errorf("write place of click %s: %w", c.id, err)
		}
		last = c.id[:]
	}
	return last, nil
}
