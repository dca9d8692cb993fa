package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"flattr/ledger/flattr"
)

// A thing and what it stands for are looked up apart, so that each is one key.
const (
	selectView = `
SELECT o.id, o.url, o.title, o.description, o.category, o.language, o.tags, o.hidden, COALESCE(o.owner, 0), COALESCE(m.name, ''), o.asserted, o.since
FROM thing t JOIN thing o ON o.id = COALESCE(t.alias_of, t.id) LEFT JOIN member m ON m.id = o.owner `

	selectViewByID  = selectView + `WHERE t.id = $1`
	selectViewByKey = selectView + `WHERE t.key = $1`

	// Months are few; of each the index of clicks by thing is read.
	countClicksOfView = `
SELECT CAST(COALESCE(SUM((SELECT COUNT(*) FROM counted c WHERE c.month = m.month AND c.thing = a.id)), 0) AS BIGINT)
FROM month m, (SELECT CAST($1 AS BIGINT) AS id UNION ALL SELECT id FROM thing WHERE alias_of = $2) a`
)

// ViewThing is a thing as anybody may see it, after aliases, or not_found.
func (s *Store) ViewThing(ctx context.Context, id flattr.ThingID) (flattr.ThingView, error) {
	return s.viewThing(ctx, selectViewByID, int64(id))
}

// ViewThingByURL is ViewThing for the thing that a URL names. It refuses with
// not_found, and with invalid_request what is no URL.
func (s *Store) ViewThingByURL(ctx context.Context, url string) (flattr.ThingView, error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return flattr.ThingView{}, err
	}
	return s.viewThing(ctx, selectViewByKey, string(key))
}

func (s *Store) viewThing(ctx context.Context, query string, name any) (v flattr.ThingView, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var tags string
		var since int64
		v = flattr.ThingView{}
		err := tx.row(query, name).Scan(&v.ID, &v.URL, &v.Title, &v.Description, &v.Category, &v.Language, &tags, &v.Hidden,
			&v.Owner, &v.OwnerName, &v.Asserted, &since)
		if errors.Is(err, sql.ErrNoRows) {
			return flattr.Refuse(flattr.NotFound, "This ledger does not know the thing. Flattr it on its own page.")
		}
		if err != nil {
			return fmt.Errorf("read thing: %w", err)
		}
		v.Since = timeOf(since)
		if tags != "" {
			v.Tags = strings.Split(tags, ",")
		}
		if err := tx.row(countClicksOfView, int64(v.ID), int64(v.ID)).Scan(&v.Clicks); err != nil {
			return fmt.Errorf("count clicks of a thing: %w", err)
		}
		return nil
	})
	return v, err
}
