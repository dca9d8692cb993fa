package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// clicksOf is how often a thing was flattred and by how many.
type clicksOf struct{ flattrs, readers int }

const selectKept = `SELECT thing, flattrs, readers FROM popularity`

const selectRecounted = `
SELECT COALESCE(t.alias_of, t.id), COUNT(*) - COUNT(p.thing), COUNT(DISTINCT c.reader)
FROM counted c JOIN thing t ON t.id = c.thing ` + keptPromise + ` GROUP BY 1`

// popularities reads what clicks things have; those with none are left out.
func popularities(t *testing.T, s *Store, query string) map[flattr.ThingID]clicksOf {
	t.Helper()
	var all map[flattr.ThingID]clicksOf
	err := s.read(context.Background(), func(tx *Tx) error {
		all = make(map[flattr.ThingID]clicksOf)
		return tx.each(query, func(rows *sql.Rows) error {
			var thing flattr.ThingID
			var of clicksOf
			err := rows.Scan(&thing, &of.flattrs, &of.readers)
			if of != (clicksOf{}) {
				all[thing] = of
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// popularityHolds holds that what is kept is what a recount says.
func popularityHolds(t *testing.T, s *Store, after string) map[flattr.ThingID]clicksOf {
	t.Helper()
	kept, counted := popularities(t, s, selectKept), popularities(t, s, selectRecounted)
	if !maps.Equal(kept, counted) {
		t.Fatalf("after %s: kept is %v, counted again %v", after, kept, counted)
	}
	return kept
}

// In a made-up world in which clicks come, go, come late and meet by aliases,
// the popularity that is kept stays what a recount says.
func TestPopularityIsWhatARecountSays(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, random := context.Background(), rand.New(rand.NewPCG(7, 7))
		bob := join(t, s, "bob", 0)
		var readers []flattr.MemberID
		for i := range 9 {
			readers = append(readers, join(t, s, fmt.Sprintf("reader%d", i), 40*money.Euro))
		}
		url := func() string { return fmt.Sprintf("https://bob.example/%d", random.IntN(12)) }
		n := 0
		var clicks []int
		for month := flattr.Month(202607); month <= 202610; month = month.Next() {
			now := month.Start().Add(20 * 24 * time.Hour)
			for range 12 {
				reader := readers[random.IntN(len(readers))]
				batch := []flattr.Event{}
				for range 1 + random.IntN(9) {
					n++
					e := click(n, url(), now)
					switch random.IntN(4) {
					case 0:
						if len(clicks) > 0 {
							e = undo(n, clicks[random.IntN(len(clicks))], now)
						}
					default:
						clicks = append(clicks, n)
					}
					batch = append(batch, e)
				}
				if _, err := s.RecordAndSum(ctx, now, reader, batch); err != nil {
					t.Fatal(err)
				}
				popularityHolds(t, s, "a batch")
			}
			for _, to := range [][2]string{{url(), url()}, {url(), url()}} {
				err := s.Write(ctx, func(tx *Tx) error { return tx.Alias(now, to[0], to[1]) })
				if err != nil && flattr.CodeOf(err) != flattr.Invalid {
					t.Fatal(err)
				}
				popularityHolds(t, s, "an alias")
			}
			if month == 202608 {
				do(t, s, func(tx *Tx) error { return tx.Claim(now, bob, "https://bob.example/") })
				popularityHolds(t, s, "a claim")
			}
			do(t, s, func(tx *Tx) error { return tx.FreezeThrough(month.FreezeAt(), month) })
			popularityHolds(t, s, "a freeze")
		}
		again, shared := 0, 0
		for id, of := range popularityHolds(t, s, "all of it") {
			again += of.flattrs - of.readers
			shared += of.readers
			thing, err := s.Thing(ctx, id)
			if err != nil || thing.Flattrs != of.flattrs || thing.Readers != of.readers {
				t.Errorf("Thing(%d) = %+v, %v, want %+v", id, thing, err, of)
			}
		}
		var aliases, merged int
		do(t, s, func(tx *Tx) error {
			return tx.row(`SELECT COUNT(*), (SELECT COUNT(*) FROM snapshot_merged) FROM thing WHERE alias_of IS NOT NULL`).Scan(&aliases, &merged)
		})
		if again == 0 || shared < 20 || aliases < 3 || merged == 0 {
			t.Errorf("%d clicks of readers again, %d readers, %d aliases, %d clicks merged: this world shows too little", again, shared, aliases, merged)
		}
	})
}

// Two processes that write at the same time, also while owners change and things
// become aliases, lose no batch and keep what a recount says.
func TestPopularityHoldsForWritersAtTheSameTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		stores := []*Store{openFor(t, where), openFor(t, where)}
		now := at("10-20 12:00:00")
		bob := join(t, stores[0], "bob", 0)
		var writers sync.WaitGroup
		for i := range 8 {
			reader := join(t, stores[0], fmt.Sprintf("reader%d", i), 50*money.Euro)
			writers.Go(func() {
				for n := range 8 {
					var batch []flattr.Event
					for k := range 6 {
						id := i*1000 + n*10 + k
						e := click(id, fmt.Sprintf("https://bob.example/%d", (k*(1+i%3)+n)%9), now)
						if k%3 == 2 {
							e = undo(id, id-1, now)
						}
						batch = append(batch, e)
					}
					if _, err := stores[i%2].Record(t.Context(), now, reader, batch); err != nil {
						t.Errorf("batch %d of reader %d: %v", n, i, err)
					}
				}
			})
		}
		for i := range 4 {
			do(t, stores[1], func(tx *Tx) error {
				return tx.Alias(now, fmt.Sprintf("https://bob.example/%d", i), fmt.Sprintf("https://bob.example/%d", 8-i))
			})
		}
		do(t, stores[0], func(tx *Tx) error { return tx.Claim(now, bob, "https://bob.example/") })
		writers.Wait()
		if len(popularityHolds(t, stores[0], "all of it")) == 0 {
			t.Error("nothing was flattred")
		}
	})
}

// A promise that became a click is one flattr, however many months were promised.
func TestAKeptPromiseIsOneFlattr(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const page = "https://bob.example/1"
		ann, zoe, bob := join(t, s, "ann", 50*money.Euro), join(t, s, "zoe", 50*money.Euro), join(t, s, "bob", 0)
		for n, month := range []flattr.Month{202608, 202609} {
			now := month.Start().Add(20 * 24 * time.Hour)
			record(t, s, now, ann, click(2*n+1, page, now))
			record(t, s, now, zoe, click(2*n+2, page, now))
			do(t, s, func(tx *Tx) error { return tx.FreezeThrough(month.FreezeAt(), month) })
		}
		now := at("10-05 12:00:00")
		record(t, s, now, zoe, click(9, page, now)) // hers are not made another click
		flattrs := func(what string, want int) {
			t.Helper()
			for _, of := range popularityHolds(t, s, what) {
				if of.flattrs != want || of.readers != 2 {
					t.Errorf("%s: %+v, want %d flattrs of 2 readers", what, of, want)
				}
			}
		}
		flattrs("promises", 5)
		do(t, s, func(tx *Tx) error { return tx.Claim(now, bob, "https://bob.example/") })
		flattrs("ann's two promises are one click", 4)
		do(t, s, func(tx *Tx) error { return tx.Alias(now, page, "https://bob.example/2") })
		flattrs("the thing has become an alias", 4)
	})
}

// A search orders things by the number that each of them shows.
func TestASearchOrdersByWhatThingsShow(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const promised, clicked = "https://bob.example/promised", "https://bob.example/clicked"
		ann, zoe, bob := join(t, s, "ann", 50*money.Euro), join(t, s, "zoe", 50*money.Euro), join(t, s, "bob", 0)
		for n, month := range []flattr.Month{202607, 202608, 202609} {
			now := month.Start().Add(20 * 24 * time.Hour)
			record(t, s, now, ann, click(n+1, promised, now))
			do(t, s, func(tx *Tx) error { return tx.FreezeThrough(month.FreezeAt(), month) })
		}
		now := at("10-05 12:00:00")
		do(t, s, func(tx *Tx) error { return tx.Claim(now, bob, "https://bob.example/") })
		first := record(t, s, now, ann, click(8, clicked, now))
		record(t, s, now, zoe, click(9, clicked, now))
		found, err := s.Search(t.Context(), now, Search{Sort: ByFlattrs, Count: 9})
		if err != nil || len(found.Things) != 2 || found.Things[0] != first.ThingID {
			t.Errorf("found %+v, %v, want the one with two flattrs before the one with one of three promises", found, err)
		}
	})
}

// What counted before popularity was kept counts in it.
func TestOldClicksAreCounted(t *testing.T) {
	everyEmpty(t, func(t *testing.T, where string) {
		_, db := before(t, where, popularityVersion)
		for _, query := range []string{
			`INSERT INTO month (month, state, next_bucket) VALUES (202609, 'open', 0), (202610, 'open', 0)`,
			`INSERT INTO thing (id, key, url, title, description, category, language, tags, hidden, owner, asserted, since, alias_of)
			VALUES (1, 'a.example', 'https://a.example', '', '', '', '', '', 0, NULL, '', 1, NULL),
			(2, 'b.example', 'https://b.example', '', '', '', '', '', 0, NULL, '', 1, 1)`,
			`INSERT INTO counted (month, bucket, reader, thing, click, late) VALUES
			(202609, 3, 7, 1, CAST('c1' AS BYTEA), 0), (202610, 3, 7, 2, CAST('c2' AS BYTEA), 0), (202610, 4000, 8, 2, CAST('c3' AS BYTEA), 0)`,
		} {
			if !isURL(where) {
				query = strings.ReplaceAll(query, "BYTEA", "BLOB")
			}
			if _, err := db.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		s := openFor(t, where)
		popularityHolds(t, s, "the migration")
		for _, id := range []flattr.ThingID{1, 2} {
			if thing, err := s.Thing(t.Context(), id); err != nil || thing.ID != 1 || thing.Flattrs != 3 || thing.Readers != 2 {
				t.Errorf("Thing(%d) = %+v, %v, want thing 1 with 3 clicks of 2 readers", id, thing, err)
			}
		}
	})
}
