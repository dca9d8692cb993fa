package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"flattr/ledger/flattr"
)

// selectListed reads a thing; one that is an alias is read as what it stands for.
const selectListed = `
SELECT o.id, o.url, o.title, o.description, o.category, o.language, o.tags, o.hidden, COALESCE(o.owner, 0), COALESCE(m.name, ''), o.asserted, o.since
FROM thing t JOIN thing o ON o.id = COALESCE(t.alias_of, t.id) LEFT JOIN member m ON m.id = o.owner WHERE t.id = $1`

// countFlattrs goes through the index of clicks by month and thing.
const countFlattrs = `
SELECT COUNT(*), COUNT(DISTINCT c.reader) FROM counted c
WHERE c.month IN (SELECT month FROM month) AND c.thing IN (SELECT CAST($1 AS BIGINT) UNION ALL SELECT id FROM thing WHERE alias_of = $1)`

// Thing is the thing of that id as everybody may see it, or a refusal with
// not_found. An alias is answered as the thing that it stands for.
func (s *Store) Thing(ctx context.Context, id flattr.ThingID) (t flattr.Thing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		t, err = tx.listed(id)
		return err
	})
	return t, err
}

// Things are the things of those ids in their order; those that are not known
// are left out.
func (s *Store) Things(ctx context.Context, ids []flattr.ThingID) (things []flattr.Thing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		things = make([]flattr.Thing, 0, len(ids))
		for _, id := range ids {
			t, err := tx.listed(id)
			if flattr.CodeOf(err) == flattr.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			things = append(things, t)
		}
		return nil
	})
	return things, err
}

func (tx *Tx) listed(id flattr.ThingID) (flattr.Thing, error) {
	var t flattr.Thing
	var tags string
	var since int64
	err := tx.row(selectListed, int64(id)).Scan(&t.ID, &t.URL, &t.Title, &t.Description, &t.Category, &t.Language, &tags,
		&t.Hidden, &t.OwnerID, &t.Owner, &t.Asserted, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return t, flattr.Refuse(flattr.NotFound, "There is no such thing.")
	}
	if err != nil {
		return t, fmt.Errorf("read thing: %w", err)
	}
	t.Since = timeOf(since)
	if tags != "" {
		t.Tags = strings.Split(tags, ",")
	}
	if err := tx.row(countFlattrs, int64(t.ID)).Scan(&t.Flattrs, &t.Readers); err != nil {
		return t, fmt.Errorf("count clicks on a thing: %w", err)
	}
	return t, nil
}
