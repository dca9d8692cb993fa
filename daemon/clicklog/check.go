package clicklog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"flattr/daemon/database"
)

// digestOfBody covers everything the extension said about an event; thing is
// the JSON as it is stored.
func digestOfBody(event Event, thing string) ([]byte, error) {
	body, err := json.Marshal([]string{string(event.Kind), event.At, event.Click, thing, event.Form})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(body)
	return digest[:], nil
}

// stored is an event as it stands in the table, with what proves it.
type stored struct {
	row
	seq        int64
	receivedMS int64
}

const (
	storedColumns = `seq, account, id, kind, at, month, click, thing, form, digest, received_ms`
	allStored     = `SELECT ` + storedColumns + ` FROM event NOT INDEXED ORDER BY seq`
)

func scanStored(rows *sql.Rows) (stored, error) {
	var s stored
	err := rows.Scan(&s.seq, &s.Account, &s.ID, &s.Kind, &s.At, &s.Month, &s.Click, &s.thing, &s.Form, &s.digest, &s.receivedMS)
	return s, err
}

// proved tells whether the event is the one that was acknowledged.
func (s stored) proved() bool {
	digest, err := digestOfBody(s.Event, s.thing)
	return err == nil && bytes.Equal(digest, s.digest)
}

// Check reads a whole log at path and compares each event with its digest:
// SQLite does not notice a letter that has changed. Thorough compares the
// indexes, too. The error satisfies database.Damaged if something is wrong.
func Check(ctx context.Context, path string, thorough bool) error {
	if err := database.Check(ctx, path, thorough); err != nil {
		return err
	}
	db, err := database.Reader(path)
	if err != nil {
		return fmt.Errorf("check click log: %w", err)
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, allStored)
	if err != nil {
		return fmt.Errorf("check click log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		event, err := scanStored(rows)
		if err != nil {
			return fmt.Errorf("check click log: %w", err)
		}
		if !event.proved() {
			return fmt.Errorf("check click log: %w: event %d is not what was stored", database.ErrDamaged, event.seq)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("check click log: %w", err)
	}
	return nil
}

// Damage is closed once a file is found to be damaged while it is in use.
func (l *Log) Damage() <-chan struct{} { return l.damage }

// notice has the damage known, if the error tells of any, and gives it back.
func (l *Log) notice(err error) error {
	if database.Damaged(err) {
		l.damaged.Do(func() { close(l.damage) })
	}
	return err
}
