//go:build bench

package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"flattr/benchtable"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// The things among which old clients ask.
const (
	oneInWord   = 2000 // things have a word that is looked for
	countedOnes = 1000 // things of each popularity are asked for
	theAuthor   = "author"
)

// popularities are how many clicks the things have that are asked for, and how
// many such things there are: enough not to be asked the same again and again.
var popularities = []struct{ clicks, things int }{{0, countedOnes}, {10, countedOnes}, {10_000, 10}}

// load fills an empty ledger with things of one author, with clicks on some of
// them, and with readers who have flattred nothing.
func (w *restWorld) load() {
	w.Helper()
	start := time.Now()
	author := w.join()
	for range w.listed { // in order: the table is written from its beginning to its end
		w.ids = append(w.ids, w.random.Int64N(flattr.MaxID)+1)
	}
	slices.Sort(w.ids)
	w.engine.load(w.bench, w.where, func(into func(table string, columns ...string) inserter) error {
		things := into("thing", "id", "key", "url", "title", "description", "category", "language", "tags", "hidden", "owner", "asserted", "since", "granted")
		words := w.engine.words(into)
		for i, id := range w.ids {
			key, err := flattr.KeyOf(thingURL(i))
			if err == nil {
				err = things.add(id, string(key), thingURL(i), titleOf(i), "", "", "", "", 0, int64(author), "", start.UnixMicro(), 1)
			}
			if err == nil {
				err = w.engine.list(words, i+1, id, titleOf(i))
			}
			if err != nil {
				return err
			}
		}
		if err := errors.Join(things.flush(), words.flush()); err != nil {
			return err
		}
		return w.loadClicks(into, start)
	})
	w.sameAsListed(author)
	w.Tell("%s things, made in %s on %s", benchtable.Grouped(w.listed), time.Since(start).Round(time.Second), w.engine.name)
}

// loadClicks writes clicks of as many readers on the things that are asked for.
func (w *restWorld) loadClicks(into func(table string, columns ...string) inserter, now time.Time) error {
	month := into("month", "month", "state", "next_bucket")
	err := month.add(int64(flattr.MonthOf(now)), "open", 0)
	if err := errors.Join(err, month.flush()); err != nil {
		return err
	}
	counted := into("counted", "month", "bucket", "reader", "thing", "click", "late")
	chosen := w.random.Perm(w.listed)
	for _, p := range popularities {
		var things []int64
		for _, i := range chosen[:p.things] {
			things = append(things, w.ids[i])
		}
		chosen = chosen[p.things:]
		w.popular = append(w.popular, things)
		for _, thing := range things {
			for range p.clicks {
				reader := flattr.MemberID(w.random.Int64N(flattr.MaxID) + 1)
				id := make([]byte, len(uuid.UUID{}))
				binary.BigEndian.PutUint64(id, w.random.Uint64())
				binary.BigEndian.PutUint64(id[8:], w.random.Uint64())
				if err := counted.add(int64(flattr.MonthOf(now)), reader.Bucket(), int64(reader), thing, id, 0); err != nil {
					return err
				}
			}
		}
	}
	return counted.flush()
}

// join makes the author and the readers.
func (w *restWorld) join() (author flattr.MemberID) {
	w.Helper()
	s, err := store.Open(w.Context(), w.where)
	if err != nil {
		w.Fatal(err)
	}
	err = s.Write(w.Context(), func(tx *store.Tx) error {
		w.readers = nil
		author, err = tx.AddMember(time.Now(), store.NewMember{Name: theAuthor, Budget: flattr.DefaultBudget})
		for i := 0; err == nil && i < w.readersPerRound()*w.alternations(); i++ {
			var id flattr.MemberID
			id, err = tx.AddMember(time.Now(), store.NewMember{Name: fmt.Sprintf("reader%d", i), Budget: flattr.DefaultBudget, Means: 10 * money.Euro})
			w.readers = append(w.readers, id)
		}
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		w.Fatal(err)
	}
	return author
}

// sameAsListed holds that what was loaded past the store is in the index as the
// store would have put it there, by one more thing that it puts there itself.
func (w *restWorld) sameAsListed(author flattr.MemberID) {
	w.Helper()
	s, err := store.Open(w.Context(), w.where)
	if err == nil {
		err = s.Write(w.Context(), func(tx *store.Tx) error {
			return tx.AddThing(time.Now(), thingURL(w.listed), titleOf(w.listed), author)
		})
	}
	if err == nil {
		err = s.Close()
	}
	db := w.engine.open(w.bench, w.where)
	defer db.Close() // it was only read
	same := 0
	if err == nil {
		err = db.QueryRowContext(w.Context(), w.engine.same, strings.Split(titleOf(w.listed-1), " ")[2], strings.Split(titleOf(w.listed), " ")[2],
			"subject"+fmt.Sprint((w.listed-1)%oneInWord), "subject"+fmt.Sprint(w.listed%oneInWord)).Scan(&same)
	}
	if err != nil || same != 1 {
		w.Fatalf("what was loaded is not what the store lists: %v", err)
	}
}

// titleOf is that of a thing; one in oneInWord has a word that others have not.
func titleOf(i int) string {
	return fmt.Sprintf("Thing number %d of many about subject%d", i, i%oneInWord)
}

// restEngine is how a database is loaded, and asked past the store.
type restEngine struct {
	name  string
	load  func(b *bench, where string, fill func(into func(table string, columns ...string) inserter) error)
	open  func(b *bench, where string) *sql.DB
	words func(into func(table string, columns ...string) inserter) inserter
	list  func(words inserter, number int, id int64, title string) error
	same  string // whether the words of two things are the same but for two of them each
	bare  string // finds the things of a word
	index string // what finds them is called
}

var restOnSQLite = restEngine{
	name: "SQLite",
	open: func(b *bench, where string) *sql.DB { return openRaw(b, where, "FULL") },
	load: func(b *bench, where string, fill func(func(string, ...string) inserter) error) {
		db := openRaw(b, where, "OFF")
		var index string
		if err := db.QueryRowContext(b.Context(), "SELECT sql FROM sqlite_master WHERE name = 'thing_by_key'").Scan(&index); err != nil {
			b.Fatal(err)
		}
		b.execute(db, "DROP INDEX thing_by_key")
		tx, err := db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		err = fill(func(table string, columns ...string) inserter {
			return newSQLiteRows(tx, "INSERT INTO "+table, columns, rowsPerStatement)
		})
		if err := errors.Join(err, tx.Commit()); err != nil {
			b.Fatal(err)
		}
		b.execute(db, index)
		b.execute(db, "PRAGMA wal_checkpoint(TRUNCATE)")
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	},
	words: func(into func(string, ...string) inserter) inserter {
		return both{into("listed", "docid", "thing"), into("words", "docid", "title", "rest", "facets")}
	},
	list: func(words inserter, number int, id int64, title string) error {
		to := words.(both)
		return errors.Join(to[0].add(number, id), to[1].add(number, strings.ToLower(title), "", "xall"))
	},
	same: `SELECT COUNT(*) FROM words a JOIN words b ON b.docid = a.docid + 1 WHERE a.docid = (SELECT MAX(docid) - 1 FROM listed)
AND REPLACE(REPLACE(a.title, ' ' || $1 || ' ', ' ' || $2 || ' '), $3, $4) = b.title AND a.rest = b.rest AND a.facets = b.facets`,
	bare:  `SELECT docid FROM words WHERE words MATCH $1`,
	index: "FTS4",
}

// both are two tables that are filled side by side.
type both [2]inserter

func (b both) add(...any) error { return errors.New("each table has rows of its own") }

func (b both) flush() error { return errors.Join(b[0].flush(), b[1].flush()) }

var restOnPostgres = restEngine{
	name: "PostgreSQL",
	open: func(b *bench, where string) *sql.DB {
		b.Helper()
		db, err := sql.Open("pgx", where)
		if err != nil {
			b.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		return db
	},
	load: func(b *bench, where string, fill func(func(string, ...string) inserter) error) {
		conn := b.connect(where)
		execute := func(statements ...string) {
			b.Helper()
			for _, statement := range statements {
				if _, err := conn.Exec(context.Background(), statement); err != nil {
					b.Fatal(err)
				}
			}
		}
		execute("DROP INDEX thing_by_key, listed_by_words", "CREATE TABLE loaded (thing BIGINT, words TEXT)")
		if err := fill(func(table string, columns ...string) inserter {
			return &copied{conn: conn, table: table, columns: columns}
		}); err != nil {
			b.Fatal(err)
		}
		execute(
			"INSERT INTO listed SELECT thing, CAST(words AS TSVECTOR) FROM loaded", "DROP TABLE loaded",
			"CREATE UNIQUE INDEX thing_by_key ON thing (key)", "CREATE INDEX listed_by_words ON listed USING GIN (words)",
			"VACUUM ANALYZE", "CHECKPOINT", // as its own housekeeping does by and by
		)
		if err := conn.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	},
	words: func(into func(string, ...string) inserter) inserter { return into("loaded", "thing", "words") },
	list: func(words inserter, _ int, id int64, title string) error {
		var b strings.Builder
		found := strings.Fields(strings.ToLower(title))
		for i, word := range found {
			fmt.Fprintf(&b, "'%s':%dA ", word, i+1)
		}
		fmt.Fprintf(&b, "'xall':%dD", len(found)+1)
		return words.add(id, b.String())
	},
	same: `SELECT COUNT(*) FROM listed a JOIN listed b ON true WHERE CAST(REPLACE(REPLACE(CAST(a.words AS TEXT), '''' || $1 || '''', '''' || $2 || ''''),
'''' || $3 || '''', '''' || $4 || '''') AS TSVECTOR) = b.words
AND a.words @@ CAST($1 AS TSQUERY) AND b.words @@ CAST($2 AS TSQUERY)`,
	bare:  `SELECT thing FROM listed WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY)`,
	index: "tsvector",
}
