package store

import (
	"database/sql"
	"encoding/binary"
	"strconv"
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
	name:     sqliteName,
}

// matchSQLite answers the numbers of what matches. They come in one text, since
// to hand a row over takes longer than to find it.
const matchSQLite = `SELECT group_concat(number), rank FROM (SELECT words.docid AS number, x'' AS rank FROM words`

// rankSQLite has one text for each way in which words were found: how often each
// word in which column.
const rankSQLite = `SELECT group_concat(number), rank FROM (SELECT words.docid AS number, matchinfo(words, 'y') AS rank FROM words`

// sqliteMatching finds things by FTS4. It leaves open which things they are: to
// read that of each takes longer too.
func sqliteMatching(tx *Tx, m match) (hits []hit, err error) {
	query, args := matchSQLite, []any{m.write(sqliteTerms)}
	if m.ranked {
		query = rankSQLite
	}
	where, args := m.within("l.thing", args)
	if strings.Contains(where, "l.thing") {
		query += ` JOIN listed l ON l.docid = words.docid`
	}
	err = tx.each(query+` WHERE words MATCH $1`+where+`) GROUP BY rank`, func(rows *sql.Rows) error {
		var numbers string
		var found sql.RawBytes
		if err := rows.Scan(&numbers, &found); err != nil {
			return err
		}
		rank := rankOf(found)
		for text := range strings.SplitSeq(numbers, ",") {
			number, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return err
			}
			hits = append(hits, hit{number: number, rank: rank})
		}
		return nil
	}, args...)
	return hits, err
}

const selectListedUnder = `SELECT docid, thing FROM listed WHERE docid IN `

// sqliteName reads which things the numbers are of.
func sqliteName(tx *Tx, hits []hit) error {
	at := make(map[int64]*hit, len(hits))
	var numbers []any
	for i := range hits {
		if h := &hits[i]; h.thing == 0 {
			at[h.number] = h
			numbers = append(numbers, h.number)
		}
	}
	return tx.eachIn(selectListedUnder, numbers, func(rows *sql.Rows) error {
		var number int64
		var thing flattr.ThingID
		err := rows.Scan(&number, &thing)
		at[number].thing = thing
		return err
	})
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
