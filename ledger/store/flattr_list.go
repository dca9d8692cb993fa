package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// flattredColumns go with the table names c (counted), e (the click), t (its
// thing), o (what that stands for) and m (its reader).
const flattredColumns = `
SELECT o.id, e.at, m.id, m.name FROM counted c JOIN event e ON e.id = c.click JOIN thing t ON t.id = c.thing
JOIN thing o ON o.id = COALESCE(t.alias_of, t.id) JOIN member m ON m.id = c.reader`

// openOnly leaves of clicks those whose readers show them: since they have. What
// was promised before then stays hidden, though it became a click later, and so do
// the clicks of a subscription that began before; those are of the instant in
// which a month begins, as no reader's is.
const openOnly = ` JOIN profile p ON p.member = c.reader AND p.public_since <= e.at
AND NOT EXISTS (SELECT 1 FROM promise q WHERE q.became = c.click AND q.at < p.public_since)
AND NOT (e.at % 86400000000 = 0 AND EXISTS (
    SELECT 1 FROM subscription s WHERE s.bucket = c.bucket AND s.reader = c.reader AND s.thing = e.thing AND s.at < p.public_since))`

// outOfView holds of a thing o that its owner has withdrawn, or who had registered
// it: who does not own it cannot hide what others have flattred.
const outOfView = `(o.withdrawn IS NOT NULL AND (o.owner IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM month v JOIN counted w ON w.month = v.month AND w.thing = o.id)))`

// inView leaves of clicks those on things that lists show. What only a registrar
// hides is hidden where they had it shown, in search, and not where others flattr.
const inView = ` AND (o.hidden = 0 OR o.owner IS NULL AND o.registrar IS NOT NULL) AND NOT ` + outOfView

const newestFirst = ` ORDER BY e.at DESC, o.id, m.id LIMIT $%d OFFSET $%d`

const ofReader = ` WHERE c.month IN (SELECT month FROM month) AND c.bucket = $1 AND c.reader = $2 AND m.deleted IS NULL AND NOT ` + outOfView

var (
	selectFlattrsOf = flattredColumns + ofReader + fmt.Sprintf(newestFirst, 3, 4)

	selectOpenFlattrsOf = flattredColumns + openOnly + ofReader + inView + fmt.Sprintf(newestFirst, 3, 4)

	selectFlattrsOn = flattredColumns + openOnly + `
WHERE c.month IN (SELECT month FROM month) AND c.thing IN ` + withAliases + ` AND m.deleted IS NULL` + fmt.Sprintf(newestFirst, 2, 3)

	selectFlattrsFor = flattredColumns + openOnly + `
WHERE c.month IN (SELECT month FROM month) AND c.thing IN (
    SELECT id FROM thing WHERE owner = $1 UNION ALL SELECT a.id FROM thing a JOIN thing b ON b.id = a.alias_of WHERE b.owner = $1)
AND o.owner = $1 AND m.deleted IS NULL` + inView + fmt.Sprintf(newestFirst, 2, 3)
)

// FlattrsOf are a reader's clicks that count, newest first. Without own they are
// those that everybody may see: none while the profile is private, and else those
// since it is public.
func (s *Store) FlattrsOf(ctx context.Context, now time.Time, reader flattr.MemberID, own bool, limit, offset int) ([]flattr.Flattred, error) {
	query := selectOpenFlattrsOf
	if own {
		if err := s.begin(ctx, now, reader); err != nil {
			return nil, err
		}
		query = selectFlattrsOf
	}
	return s.flattrs(ctx, query, reader.Bucket(), int64(reader), limit, offset)
}

// FlattrsOn are the clicks on a thing of readers who show them, newest first. It
// refuses with not_found.
func (s *Store) FlattrsOn(ctx context.Context, id flattr.ThingID, limit, offset int) ([]flattr.Flattred, error) {
	t, err := s.Thing(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.flattrs(ctx, selectFlattrsOn, int64(t.ID), limit, offset)
}

// FlattrsFor are the clicks on an author's things, of readers who show them,
// newest first.
func (s *Store) FlattrsFor(ctx context.Context, author flattr.MemberID, limit, offset int) ([]flattr.Flattred, error) {
	return s.flattrs(ctx, selectFlattrsFor, int64(author), limit, offset)
}

func (s *Store) flattrs(ctx context.Context, query string, args ...any) (list []flattr.Flattred, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		list = []flattr.Flattred{}
		err := tx.each(query, func(rows *sql.Rows) error {
			var f flattr.Flattred
			var at int64
			err := rows.Scan(&f.Thing.ID, &at, &f.ReaderID, &f.Reader)
			f.At = timeOf(at)
			list = append(list, f)
			return err
		}, args...)
		if err != nil {
			return fmt.Errorf("read clicks: %w", err)
		}
		known := map[flattr.ThingID]flattr.Thing{}
		for i := range list {
			id := list[i].Thing.ID
			if _, ok := known[id]; !ok {
				if known[id], err = tx.listed(id); err != nil {
					return err
				}
			}
			list[i].Thing = known[id]
		}
		return nil
	})
	return list, err
}

// Profiles are what members say of themselves.
func (s *Store) Profiles(ctx context.Context, members []flattr.MemberID) (all map[flattr.MemberID]flattr.Profile, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all = make(map[flattr.MemberID]flattr.Profile, len(members))
		for _, member := range members {
			if _, ok := all[member]; ok {
				continue
			}
			if all[member], err = tx.profile(member); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}
