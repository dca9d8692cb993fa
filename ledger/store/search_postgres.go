package store

import (
	"database/sql"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
)

// postgresWordIndex is the index of PostgreSQL. Words are cut in Go, so that no
// dictionary and no locale of the server decides what is found.
var postgresWordIndex = wordIndex{
	tables: []string{
		`CREATE TABLE listed (thing BIGINT NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)`,
		`CREATE INDEX listed_by_words ON listed USING GIN (words)`,
	},
	put: func(id flattr.ThingID, w words) []statement {
		return []statement{{
			`INSERT INTO listed (thing, words) VALUES ($1, CAST(CAST($2 AS TEXT) AS TSVECTOR))
			ON CONFLICT (thing) DO UPDATE SET words = excluded.words`, []any{int64(id), vector(w)},
		}}
	},
	remove: func(id flattr.ThingID) []statement {
		return []statement{{`DELETE FROM listed WHERE thing = $1`, []any{int64(id)}}}
	},
	matching: postgresMatching,
	name:     func(*Tx, []hit) error { return nil },
}

// vector writes words as PostgreSQL reads a tsvector; none of them has a quote.
// Those of the title weigh most (A). Its bound of 16,383 positions is far above
// maxWords.
func vector(w words) string {
	var b strings.Builder
	at := 0
	add := func(words []string, weight string) {
		for _, word := range words {
			at++
			b.WriteString("'" + word + "':" + strconv.Itoa(at) + weight + " ")
		}
	}
	add(w.title, "A")
	add(w.rest, "C")
	add(w.facets, "D")
	return b.String()
}

const matchPostgres = `SELECT thing, CAST(0 AS REAL) FROM listed WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY)`

const rankPostgres = `
SELECT thing, ts_rank(words, CAST(CAST($1 AS TEXT) AS TSQUERY)) FROM listed WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY)`

// postgresMatching finds things by their tsvector.
func postgresMatching(tx *Tx, m match) (hits []hit, err error) {
	query, args := matchPostgres, []any{m.write(postgresTerms)}
	if m.ranked {
		query = rankPostgres
	}
	where, args := m.within("thing", args)
	err = tx.each(query+where, func(rows *sql.Rows) error {
		var h hit
		err := rows.Scan(&h.thing, &h.rank)
		hits = append(hits, h)
		return err
	}, args...)
	return hits, err
}

// postgresTerms writes an expression as PostgreSQL reads a tsquery.
var postgresTerms = terms{
	word: func(w string) string { return "'" + w + "'" },
	and:  " & ", or: " | ",
	not: func(yes, no string) string {
		if yes == "" {
			return "!(" + no + ")"
		}
		return "(" + yes + ") & !(" + no + ")"
	},
}
