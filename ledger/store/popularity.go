package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"flattr/ledger/flattr"
)

// How often a thing was flattred, and by how many, is read with every look at
// it, and is kept: counting would take the longer the more popular it is.
// Triggers on the table of what counts keep it, so that whatever makes a click
// count, or takes one back, has done so in the same transaction.

// popularityVersion is the number of the migration that makes it.
const popularityVersion = 14

const createPopularity = `
CREATE TABLE popularity (
    thing   INTEGER NOT NULL, -- after aliases
    first   INTEGER NOT NULL, -- no click that counts is of an earlier month
    flattrs INTEGER NOT NULL, -- clicks of all months that count
    readers INTEGER NOT NULL, -- members whose they are
    PRIMARY KEY (thing)
) STRICT, WITHOUT ROWID;`

// sqlitePopularity are the triggers of SQLite, which run after each row.
var sqlitePopularity = []string{`
CREATE TRIGGER counted_more AFTER INSERT ON counted BEGIN
INSERT INTO popularity (thing, first, flattrs, readers)
SELECT COALESCE(alias_of, id), NEW.month, 1, 1 FROM thing WHERE id = NEW.thing
ON CONFLICT (thing) DO UPDATE SET flattrs = flattrs + 1, first = MIN(first, NEW.month), readers = readers + ` + aloneOnSQLite("NEW") + `;
END`, `
CREATE TRIGGER counted_less AFTER DELETE ON counted BEGIN
UPDATE popularity SET flattrs = flattrs - 1, readers = readers - ` + aloneOnSQLite("OLD") + `
WHERE thing = (SELECT COALESCE(alias_of, id) FROM thing WHERE id = OLD.thing);
END`}

// aloneOnSQLite is 1 where no other click of the reader on the thing counts.
func aloneOnSQLite(row string) string {
	return `NOT EXISTS (
    SELECT 1 FROM month m CROSS JOIN counted c WHERE m.month >= popularity.first
    AND c.month = m.month AND c.bucket = ` + row + `.bucket AND c.reader = ` + row + `.reader
    AND c.thing IN (SELECT popularity.thing UNION ALL SELECT a.id FROM thing a WHERE a.alias_of = popularity.thing)
    AND (c.month <> ` + row + `.month OR c.thing <> ` + row + `.thing))`
}

// postgresPopularity are those of PostgreSQL, which run after a statement, with all its rows:
// a reader is new where these are all that there are of theirs, and gone where
// none is left.
var postgresPopularity = []string{
	keepOnPostgres, `
CREATE TRIGGER counted_more AFTER INSERT ON counted REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION counted_changed('1')`, `
CREATE TRIGGER counted_less AFTER DELETE ON counted REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION counted_changed('-1')`,
}

// keepOnPostgres is told by its argument whether clicks came or went.
const keepOnPostgres = `
CREATE FUNCTION counted_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE sign BIGINT := TG_ARGV[0];
BEGIN
INSERT INTO popularity (thing, first, flattrs, readers)
SELECT thing, MIN(month), sign * SUM(clicks), sign * SUM(CASE WHEN left_over = GREATEST(sign, 0) * clicks THEN 1 ELSE 0 END)
FROM (
    SELECT g.*, (
        SELECT COUNT(*) FROM month m JOIN counted c ON c.month = m.month AND c.bucket = g.bucket AND c.reader = g.reader
        AND c.thing IN (SELECT g.thing UNION ALL SELECT a.id FROM thing a WHERE a.alias_of = g.thing)
        WHERE m.month >= LEAST(g.month, p.first)) AS left_over
    FROM (
        SELECT COALESCE(t.alias_of, t.id) AS thing, r.bucket, r.reader, MIN(r.month) AS month, COUNT(*) AS clicks
        FROM changed r JOIN thing t ON t.id = r.thing GROUP BY 1, 2, 3) g
    LEFT JOIN popularity p ON p.thing = g.thing) k
GROUP BY thing ORDER BY thing
ON CONFLICT (thing) DO UPDATE SET first = LEAST(popularity.first, excluded.first),
    flattrs = popularity.flattrs + excluded.flattrs, readers = popularity.readers + excluded.readers;
RETURN NULL;
END $$`

// recount counts the clicks on things, by what they stand for. A promise that
// became a click counts as that click only.
const recount = `
INSERT INTO popularity (thing, first, flattrs, readers)
SELECT COALESCE(t.alias_of, t.id), MIN(c.month), COUNT(*) - COUNT(p.thing), COUNT(DISTINCT c.reader)
FROM counted c JOIN thing t ON t.id = c.thing ` + keptPromise

const groupRecount = ` GROUP BY 1`

// keptPromise joins to what counts of c the promise p that has become another click.
const keptPromise = `LEFT JOIN promise p ON p.thing = c.thing AND p.bucket = c.bucket AND p.reader = c.reader AND p.month = c.month AND p.state = 'kept'`

const uncountPromise = `
UPDATE popularity SET flattrs = flattrs - 1 WHERE thing = (SELECT COALESCE(t.alias_of, t.id) FROM thing t WHERE t.id = $1)`

// uncountPromise counts a promise no more, that has become a click.
func (tx *Tx) uncountPromise(thing flattr.ThingID) error {
	if err := one(tx.exec(uncountPromise, int64(thing))); err != nil {
		return fmt.Errorf("count a promise no more: %w", err)
	}
	return nil
}

// popularityMigration makes the table, counts what is there already and has it kept.
func (e *engine) popularityMigration() *goose.Migration {
	return goose.NewGoMigration(popularityVersion, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		for _, query := range append([]string{e.dialected(createPopularity), recount + groupRecount}, e.popularity...) {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return fmt.Errorf("count clicks on things: %w", err)
			}
		}
		return nil
	}}, nil)
}

const recountOne = recount + ` WHERE c.month IN (SELECT month FROM month) AND c.thing IN ` + withAliases + groupRecount

const forgetPopularity = `DELETE FROM popularity WHERE thing IN ($1, $2)`

// mergePopularity counts the clicks on a thing anew for which another one has
// become an alias: who has clicked on both is one reader.
func (tx *Tx) mergePopularity(of, alias flattr.ThingID) error {
	if _, err := tx.exec(forgetPopularity, int64(of), int64(alias)); err != nil {
		return fmt.Errorf("forget clicks on an alias: %w", err)
	}
	if _, err := tx.exec(recountOne, int64(of)); err != nil {
		return fmt.Errorf("count clicks on an alias: %w", err)
	}
	return nil
}
