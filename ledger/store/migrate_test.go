package store

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

// before is a database that lacks a migration, and those after it.
func before(t *testing.T, where string, version int64) (*engine, *sql.DB) {
	t.Helper()
	e, db := sqliteEngine(where), storetest.DB(t, where)
	if isURL(where) {
		e = postgresEngine(where)
	}
	provider, err := e.provider(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version-1); err != nil {
		t.Fatal(err)
	}
	return e, db
}

// TestOldClicksGetTheirPlace brings a ledger up to date that has clicks from
// before they had a place.
func TestOldClicksGetTheirPlace(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		_, db := before(t, where, placesVersion)
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
		err := s.View(t.Context(), func(tx *Tx) error {
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

// An owner whom a page named before pages were looked at again hangs on it, and
// who has the operator's word or a claim does not; a kept promise counts once.
func TestOwnersOfPagesAreLookedAtAfterAnUpgrade(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		e, db := before(t, where, popularityVersion)
		const thing = `INSERT INTO thing (id, key, url, title, description, category, language, tags, hidden, owner, asserted, since, granted)
			VALUES ($1, $2, $3, '', '', '', '', '', 0, 7, 'bob', 1, $4)`
		for id, granted := range map[int]int{1: 1, 2: 1, 3: 0} {
			key := fmt.Sprintf("%d.example/", id)
			if _, err := db.ExecContext(t.Context(), thing, id, key, "https://"+key, granted); err != nil {
				t.Fatal(err)
			}
		}
		for _, query := range []string{
			`INSERT INTO claim_change (key, seq, former, owner, how, at, payable) VALUES
			('1.example/', 1, 0, 7, 'page', 1, 1), ('3.example/', 1, 0, 7, 'page', 1, 1), ('3.example/', 2, 7, 7, 'dns', 2, 2)`,
			`INSERT INTO month (month, state, next_bucket) VALUES (202609, 'closed', 0), (202610, 'open', 0)`,
			`INSERT INTO counted (month, bucket, reader, thing, click, late) VALUES
			(202609, 3, 9, 1, CAST('c1' AS BLOB), 0), (202610, 3, 9, 1, CAST('c2' AS BLOB), 0)`,
			`INSERT INTO promise (thing, bucket, reader, month, click, at, state, became) VALUES
			(1, 3, 9, 202609, CAST('c1' AS BLOB), 1, 'kept', CAST('c2' AS BLOB))`,
		} {
			if _, err := db.ExecContext(t.Context(), e.dialected(query)); err != nil {
				t.Fatal(err)
			}
		}
		s := openFor(t, where)
		popularityHolds(t, s, "the migrations")
		due, err := s.DuePageOwners(t.Context(), at("10-02 12:00:00"), time.Hour, 9)
		if err != nil || len(due) != 1 || due[0] != (PageOwner{Thing: 1, URL: "https://1.example/", Owner: 7}) {
			t.Errorf("pages to look at again = %+v, %v, want the one of thing 1", due, err)
		}
		if known, err := s.Thing(t.Context(), 1); err != nil || known.Flattrs != 1 || known.Readers != 1 {
			t.Errorf("Thing(1) = %+v, %v, want one flattr of one reader", known, err)
		}
	})
}
