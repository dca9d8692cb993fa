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

const ofReader = ` WHERE c.month IN (SELECT month FROM month WHERE month >= $1) AND c.bucket = $2 AND c.reader = $3 AND m.deleted IS NULL AND NOT ` + outOfView

var (
	selectFlattrsOf = flattredColumns + ofReader + fmt.Sprintf(newestFirst, 4, 5)

	selectOpenFlattrsOf = flattredColumns + openOnly + ofReader + inView + fmt.Sprintf(newestFirst, 4, 5)

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
	if own {
		if err := s.begin(ctx, now, reader); err != nil {
			return nil, err
		}
	}
	return s.flattrs(ctx, func(tx *Tx) ([]flattr.Flattred, error) { return tx.latestFlattrs(reader, own, limit, offset) })
}

const selectAllMonths = `SELECT COALESCE(MIN(month), 0), COALESCE(MAX(month), 0) FROM month`

// latestFlattrs reads so many clicks of a reader from the latest months, and from
// more of them until it has what there is. A click that is late is in a later month
// than its own, and none in an earlier one: what is not older than the first month
// that was read has none in the months before it that should stand above it.
func (tx *Tx) latestFlattrs(reader flattr.MemberID, own bool, limit, offset int) (list []flattr.Flattred, err error) {
	var first, last flattr.Month
	if err := tx.row(selectAllMonths).Scan(&first, &last); err != nil {
		return nil, err
	}
	query := selectFlattrsOf
	if !own {
		query = selectOpenFlattrsOf
		shown, err := tx.profile(reader)
		if err != nil || !shown.Public {
			return nil, err
		}
		first = max(first, flattr.MonthOf(shown.PublicSince))
	}
	for months := 1; last >= first && last > 0; months *= moreMonths {
		from := max(first, last.Add(1-months))
		list, err = tx.flattrsBy(query, int32(from), reader.Bucket(), int64(reader), limit, offset)
		if err != nil || from == first || limit > 0 && len(list) == limit && !list[limit-1].At.Before(from.Start()) {
			break
		}
	}
	return list, err
}

// moreMonths is how many times as many months are read each time.
const moreMonths = 4

// FlattrsOn are the clicks on a thing of readers who show them, newest first. It
// refuses with not_found.
func (s *Store) FlattrsOn(ctx context.Context, id flattr.ThingID, limit, offset int) ([]flattr.Flattred, error) {
	t, err := s.Thing(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.flattrs(ctx, func(tx *Tx) ([]flattr.Flattred, error) {
		return tx.flattrsBy(selectFlattrsOn, int64(t.ID), limit, offset)
	})
}

// FlattrsFor are the clicks on an author's things, of readers who show them,
// newest first.
func (s *Store) FlattrsFor(ctx context.Context, author flattr.MemberID, limit, offset int) ([]flattr.Flattred, error) {
	return s.flattrs(ctx, func(tx *Tx) ([]flattr.Flattred, error) {
		return tx.flattrsBy(selectFlattrsFor, int64(author), limit, offset)
	})
}

func (tx *Tx) flattrsBy(query string, args ...any) (list []flattr.Flattred, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		var f flattr.Flattred
		var at int64
		err := rows.Scan(&f.Thing.ID, &at, &f.ReaderID, &f.Reader)
		f.At = timeOf(at)
		list = append(list, f)
		return err
	}, args...)
	return list, err
}

// flattrs are clicks as they are found, with their things.
func (s *Store) flattrs(ctx context.Context, find func(*Tx) ([]flattr.Flattred, error)) (list []flattr.Flattred, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		found, err := find(tx)
		if err != nil {
			return fmt.Errorf("read clicks: %w", err)
		}
		list = append([]flattr.Flattred{}, found...)
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
