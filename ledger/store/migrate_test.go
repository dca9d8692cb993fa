package store

import (
	"database/sql"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

// TestOldClicksGetTheirPlace brings a ledger up to date that has clicks from
// before they had a place.
func TestOldClicksGetTheirPlace(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		e, db := sqliteEngine(where), storetest.DB(t, where)
		if isURL(where) {
			e = postgresEngine(where)
		}
		provider, err := e.provider(db)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.UpTo(t.Context(), placesVersion-1); err != nil {
			t.Fatal(err)
		}
		const insert = `INSERT INTO event (id, kind, bucket, reader, at, arrived, month, thing, late, click, body, result, code)
VALUES ($1, $2, 1, 2, 3, 4, $3, 5, 0, NULL, $1, 'accepted', '')`
		for i := range 2*placesAtOnce/1000 + 3 {
			id := event(i)
			if _, err := db.ExecContext(t.Context(), insert, id[:], "click", 202610+i%3); err != nil {
				t.Fatal(err)
			}
		}
		undone := event(99_999)
		if _, err := db.ExecContext(t.Context(), insert, undone[:], "undo", nil); err != nil {
			t.Fatal(err)
		}
		s := openFor(t, where)
		clicks := 0
		err = s.View(t.Context(), func(tx *Tx) error {
			return tx.each("SELECT id, COALESCE(month, 0), place FROM event", func(rows *sql.Rows) error {
				var id flattr.EventID
				var month flattr.Month
				var place sql.NullInt64
				if err := scanID(rows, &id, &month, &place); err != nil {
					return err
				}
				if id == undone {
					if place.Valid {
						t.Errorf("an undo has the place %d", place.Int64)
					}
					return nil
				}
				clicks++
				if want := flattr.Place(month, id); !place.Valid || place.Int64 != want {
					t.Errorf("click %s has the place %v, want %d", id, place, want)
				}
				return nil
			})
		})
		if err != nil || clicks == 0 {
			t.Errorf("%d clicks, %v", clicks, err)
		}
		if _, err := db.ExecContext(t.Context(), "UPDATE event SET place = 0"); err == nil {
			t.Error("the log can be changed after the migration")
		}
	})
}
