package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/pressly/goose/v3"

	"flattr/ledger/flattr"
)

// A thing is listed, that is found by search, when somebody wants it to be seen:
// its verified owner, or who registered it, and they have not hidden it. What
// readers have only clicked is not: a list of it would tell what they read.
//
// The words of listed things are kept in an index of the engine. What is a word
// is decided here, so that both engines find the same.

// wordIndex is how an engine finds things by words.
type wordIndex struct {
	// tables makes what the index is kept in.
	tables []string
	// put are the statements that write the words of a thing, whether or not it is
	// in the index already, remove those that take it out.
	put    func(id flattr.ThingID, w words) []statement
	remove func(id flattr.ThingID) []statement
	// matching answers things that match, at most maxFound.
	matching func(tx *Tx, m match) ([]hit, error)
	// name finds out which things were found, where that is not known yet.
	name func(tx *Tx, hits []hit) error
}

// statement is one of SQL with its arguments.
type statement struct {
	query string
	args  []any
}

// words are what a thing is found by, each in lower case.
type words struct {
	title  []string
	rest   []string // description and tags
	facets []string // facetAll, category, language and tags as one word each
}

// What a word may be: longer ones are cut, and more are left out. The texts they
// come from are bounded too.
const (
	maxWordBytes = 64
	maxWords     = 1000
)

// wordsOf are the words of a text: runs of letters, digits and the marks on them.
func wordsOf(text string) []string {
	found := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	found = found[:min(len(found), maxWords)]
	for i, word := range found {
		if len(word) > maxWordBytes {
			found[i] = strings.ToValidUTF8(word[:maxWordBytes], "")
		}
	}
	return found
}

// facetAll is what every listed thing has.
const facetAll = "xall"

// The kinds of the other facets.
const (
	facetTag      = "t"
	facetCategory = "c"
	facetLanguage = "l"
)

// facet is a value that is looked for as a whole, as one word of letters; it is
// cut as that of a thing is.
func facet(kind, value string) string {
	value = strings.ToLower(strings.TrimSpace(cut(value, maxWord)))
	return kind + hex.EncodeToString([]byte(value))
}

const selectListing = `
SELECT title, description, category, language, tags,
CASE WHEN hidden = 0 AND withdrawn IS NULL AND (owner IS NOT NULL OR registrar IS NOT NULL) THEN 1 ELSE 0 END
FROM thing WHERE id = $1`

// listing is a thing as the index needs it.
type listing struct {
	id                                           flattr.ThingID
	title, description, category, language, tags string
	listed                                       bool
}

func (l *listing) columns() []any {
	return []any{&l.title, &l.description, &l.category, &l.language, &l.tags, &l.listed}
}

// words are what the thing is found by.
func (l *listing) words() words {
	w := words{title: wordsOf(l.title), rest: wordsOf(l.description + " " + l.tags), facets: []string{facetAll}}
	if l.category != "" {
		w.facets = append(w.facets, facet(facetCategory, l.category))
	}
	if l.language != "" {
		w.facets = append(w.facets, facet(facetLanguage, l.language))
	}
	for tag := range strings.SplitSeq(l.tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			w.facets = append(w.facets, facet(facetTag, tag))
		}
	}
	return w
}

// statements are those that bring the index up to date with the thing.
func (e *engine) statements(l *listing) []statement {
	if !l.listed {
		return e.words.remove(l.id)
	}
	return e.words.put(l.id, l.words())
}

// list brings the index up to date with a thing.
func (tx *Tx) list(id flattr.ThingID) error {
	l := listing{id: id}
	if err := tx.row(selectListing, int64(id)).Scan(l.columns()...); err != nil {
		return fmt.Errorf("read thing to list: %w", err)
	}
	for _, st := range tx.engine.statements(&l) {
		if _, err := tx.exec(st.query, st.args...); err != nil {
			return fmt.Errorf("list thing: %w", err)
		}
	}
	return nil
}

// listAll is list for many.
func (tx *Tx) listAll(ids []flattr.ThingID) error {
	for _, id := range ids {
		if err := tx.list(id); err != nil {
			return err
		}
	}
	return nil
}

// listVersion is the number of the migration that makes the index.
const listVersion = 11

// listedAtOnce is how many things are read before they are listed.
const listedAtOnce = 1000

const selectUnlistedYet = `
SELECT id, title, description, category, language, tags, 1 FROM thing
WHERE hidden = 0 AND (owner IS NOT NULL OR registrar IS NOT NULL) AND id > $1 ORDER BY id LIMIT $2`

// listMigration makes the index, and lists the things that are there already.
func (e *engine) listMigration() *goose.Migration {
	return goose.NewGoMigration(listVersion, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		for _, query := range e.words.tables {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return fmt.Errorf("make index of words: %w", err)
			}
		}
		for after, more := flattr.ThingID(0), true; more; {
			some, err := unlistedYet(ctx, tx, after)
			if err != nil {
				return fmt.Errorf("read things: %w", err)
			}
			for _, l := range some {
				for _, st := range e.statements(&l) {
					if _, err := tx.ExecContext(ctx, st.query, st.args...); err != nil {
						return fmt.Errorf("list thing %d: %w", l.id, err)
					}
				}
				after = l.id
			}
			more = len(some) > 0
		}
		return nil
	}}, nil)
}

// unlistedYet are the next things after an id.
func unlistedYet(ctx context.Context, tx *sql.Tx, after flattr.ThingID) (some []listing, err error) {
	rows, err := tx.QueryContext(ctx, selectUnlistedYet, int64(after), listedAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l listing
		if err := rows.Scan(append([]any{&l.id}, l.columns()...)...); err != nil {
			return nil, err
		}
		some = append(some, l)
	}
	return some, rows.Err()
}
