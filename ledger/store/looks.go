package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// lookAgain is how long after each look in vain the ledger looks again whether a
// page names its owner; after the last it does not any more.
var lookAgain = []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour}

// Look is a thing of which somebody has named the owner, and nobody verified it.
type Look struct {
	Thing    flattr.ThingID
	URL      string
	Asserted string // whom the button or link named that was clicked first
}

const selectLooks = `
SELECT id, url, asserted FROM thing WHERE look <= $1 AND owner IS NULL AND asserted <> '' ORDER BY look LIMIT $2`

const leaseLook = `UPDATE thing SET look = $1 WHERE id = $2`

// DueLooks takes at most limit things whose page is to be looked at, and puts
// them off by lease.
func (s *Store) DueLooks(ctx context.Context, now time.Time, lease time.Duration, limit int) (looks []Look, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		looks = nil
		err := tx.each(selectLooks, func(rows *sql.Rows) error {
			var l Look
			err := rows.Scan(&l.Thing, &l.URL, &l.Asserted)
			looks = append(looks, l)
			return err
		}, micros(now), limit)
		if err != nil {
			return fmt.Errorf("read things to look at: %w", err)
		}
		for _, l := range looks {
			if _, err := tx.exec(leaseLook, micros(now.Add(lease)), int64(l.Thing)); err != nil {
				return fmt.Errorf("put off thing: %w", err)
			}
		}
		return nil
	})
	return looks, err
}

const selectLooked = `SELECT key, looks FROM thing WHERE id = $1`

const countLook = `UPDATE thing SET looks = $1, look = $2 WHERE id = $3`

// Looked books what the page of a thing said: owner is the one member whom it
// names itself, and named what it calls them. They are verified by that for this
// thing alone (product rule 11); 0 is nobody. Else the ledger looks again some
// other day.
func (s *Store) Looked(ctx context.Context, now time.Time, thing flattr.ThingID, owner flattr.MemberID, named string) error {
	return s.write(ctx, func(tx *Tx) error {
		var key flattr.Key
		looks := 0
		if err := tx.row(selectLooked, int64(thing)).Scan(&key, &looks); err != nil {
			return found(err, "thing")
		}
		next := flattr.Never
		if looks < len(lookAgain) {
			next = now.Add(lookAgain[looks])
		}
		if _, err := tx.exec(countLook, looks+1, micros(next), int64(thing)); err != nil {
			return fmt.Errorf("count look: %w", err)
		}
		if owner == 0 {
			return nil
		}
		return tx.ownPage(now, thing, key, owner, named)
	})
}
