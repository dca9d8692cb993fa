package store

import (
	"database/sql"
	"encoding/binary"
	"strings"

	"flattr/ledger/flattr"
)

// sqliteWords is the index of SQLite: FTS4, which the driver brings without
// being asked; FTS5 would need a build tag (sqlite_fts5), and a program or a test
// that was built without it could not even open a ledger. What FTS5 has more, a
// rank of its own and smaller indexes, does not matter here: words are cut in Go
// for both engines, and where a word was found says how well it fits.
//
// The tokenizer `simple` parts words at blanks, and keeps what is not ASCII as it
// is. A document has the number under which it was listed, since FTS4 writes
// those best that come in order, which the ids of things do not; so what was
// listed last is found first.
var sqliteWords = wordIndex{
	tables: []string{
		`CREATE TABLE listed (
			docid INTEGER NOT NULL PRIMARY KEY, -- in the order of listing
			thing INTEGER NOT NULL UNIQUE
		) STRICT`,
		`CREATE VIRTUAL TABLE words USING fts4(title, rest, facets, tokenize=simple, matchinfo="fts3", order=desc)`,
	},
	put: func(id flattr.ThingID, w words) []statement {
		return append([]statement{{`INSERT INTO listed (thing) VALUES ($1) ON CONFLICT DO NOTHING`, []any{int64(id)}}}, statement{
			`DELETE FROM words WHERE docid = (SELECT docid FROM listed WHERE thing = $1)`, []any{int64(id)},
		}, statement{
			`INSERT INTO words (docid, title, rest, facets) SELECT docid, $1, $2, $3 FROM listed WHERE thing = $4`,
			[]any{strings.Join(w.title, " "), strings.Join(w.rest, " "), strings.Join(w.facets, " "), int64(id)},
		})
	},
	remove: func(id flattr.ThingID) []statement {
		return []statement{
			{`DELETE FROM words WHERE docid = (SELECT docid FROM listed WHERE thing = $1)`, []any{int64(id)}},
			{`DELETE FROM listed WHERE thing = $1`, []any{int64(id)}},
		}
	},
	matching: sqliteMatching,
}

const matchSQLite = `SELECT l.thing, x'' FROM words JOIN listed l ON l.docid = words.docid WHERE words MATCH $1`

// rankSQLite has beside each thing how often each word was found in which column.
const rankSQLite = `SELECT l.thing, matchinfo(words, 'y') FROM words JOIN listed l ON l.docid = words.docid WHERE words MATCH $1`

// sqliteMatching finds things by FTS4.
func sqliteMatching(tx *Tx, m match) (hits []hit, err error) {
	query, args := matchSQLite, []any{m.write(sqliteTerms)}
	if m.ranked {
		query = rankSQLite
	}
	where, args := m.within("l.thing", args)
	err = tx.each(query+where, func(rows *sql.Rows) error {
		var h hit
		var found sql.RawBytes
		err := rows.Scan(&h.thing, &found)
		h.rank = rankOf(found)
		hits = append(hits, h)
		return err
	}, args...)
	return hits, err
}

// rankOf weighs what matchinfo says: three numbers of 4 bytes, one a column, for
// each word that was looked for. A word in the title is worth eight elsewhere.
func rankOf(found []byte) float64 {
	const columns, inTitle = 3, 8
	rank := uint32(0)
	for i := 0; i+4 <= len(found); i += 4 {
		n := binary.NativeEndian.Uint32(found[i:])
		if i/4%columns == 0 {
			n *= inTitle
		}
		rank += n
	}
	return float64(rank)
}

// sqliteTerms writes an expression for FTS4. It knows "not" only between two.
var sqliteTerms = terms{
	word: func(w string) string { return `"` + w + `"` },
	and:  " AND ", or: " OR ",
	not: func(yes, no string) string {
		if yes == "" {
			yes = facetAll
		}
		return "(" + yes + ") NOT (" + no + ")"
	},
}
