package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// withAliases are a thing and all that stand for it.
const withAliases = `(SELECT CAST($1 AS BIGINT) UNION ALL SELECT id FROM thing WHERE alias_of = $1)`

// selectListed reads a thing, and which one it stands for, where it is an alias.
// What was taken out of view is not there.
const selectListed = `
SELECT COALESCE(o.alias_of, 0), COALESCE(p.flattrs, 0), COALESCE(p.readers, 0), o.id, o.url, o.title, o.description, o.category, o.language, o.tags, o.hidden, COALESCE(o.owner, 0), COALESCE(m.name, ''),
       o.asserted, o.since, COALESCE(o.registrar, 0), COALESCE(o.updated, o.since)
FROM thing o LEFT JOIN member m ON m.id = o.owner LEFT JOIN popularity p ON p.thing = o.id
WHERE o.id = $1 AND (o.alias_of IS NOT NULL OR NOT ` + outOfView + `)`

// Thing is the thing of that id as everybody may see it, or a refusal with
// not_found. An alias is answered as the thing that it stands for.
func (s *Store) Thing(ctx context.Context, id flattr.ThingID) (t flattr.Thing, err error) {
	err = s.glance(ctx, func(tx *Tx) error {
		t, err = tx.listed(id)
		return err
	})
	return t, err
}

// Things are the things of those ids in their order; those that are not known
// are left out.
func (s *Store) Things(ctx context.Context, ids []flattr.ThingID) (things []flattr.Thing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		things, err = tx.listedAll(ids)
		return err
	})
	return things, err
}

func (tx *Tx) listedAll(ids []flattr.ThingID) ([]flattr.Thing, error) {
	things := make([]flattr.Thing, 0, len(ids))
	for _, id := range ids {
		t, err := tx.listed(id)
		if flattr.CodeOf(err) == flattr.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		things = append(things, t)
	}
	return things, nil
}

func (tx *Tx) listed(id flattr.ThingID) (flattr.Thing, error) {
	var t flattr.Thing
	var of flattr.ThingID
	var tags string
	var since, updated int64
	err := tx.row(selectListed, int64(id)).Scan(&of, &t.Flattrs, &t.Readers, &t.ID, &t.URL, &t.Title, &t.Description, &t.Category, &t.Language, &tags,
		&t.Hidden, &t.OwnerID, &t.Owner, &t.Asserted, &since, &t.Registrar, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return t, flattr.Refuse(flattr.NotFound, "There is no such thing.")
	}
	if err != nil {
		return t, fmt.Errorf("read thing: %w", err)
	}
	if of != 0 {
		return tx.listed(of) // which is no alias
	}
	t.Since, t.Updated = timeOf(since), timeOf(updated)
	if tags != "" {
		t.Tags = strings.Split(tags, ",")
	}
	return t, nil
}

// What everybody sees of what a member owns, and what the member sees: also what
// is hidden, or was only registered by them.
const (
	selectListedThings = `
SELECT id FROM thing WHERE owner = $1 AND alias_of IS NULL AND withdrawn IS NULL AND hidden = 0
ORDER BY since DESC, id LIMIT $2 OFFSET $3`
	selectOwnThings = `
SELECT id FROM thing WHERE alias_of IS NULL AND withdrawn IS NULL AND (owner = $1 OR owner IS NULL AND registrar = $1)
ORDER BY since DESC, id LIMIT $2 OFFSET $3`
)

// ThingsOf are the things of a member, newest first. With own they are those that
// the member sees: also hidden ones, and those they registered and do not own.
func (s *Store) ThingsOf(ctx context.Context, member flattr.MemberID, own bool, limit, offset int) (things []flattr.Thing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		query := selectListedThings
		if own {
			query = selectOwnThings
		}
		ids, err := tx.things(query, int64(member), limit, offset)
		if err != nil {
			return err
		}
		things, err = tx.listedAll(ids)
		return err
	})
	return things, err
}

const selectFlattredBy = `
SELECT 1 FROM counted c WHERE c.thing IN ` + withAliases + ` AND c.month = $2 AND c.bucket = $3 AND c.reader = $4 LIMIT 1`

const selectSubscribedBy = `
SELECT 1 FROM subscription u WHERE u.thing IN ` + withAliases + ` AND u.bucket = $2 AND u.reader = $3 AND u.stopped IS NULL LIMIT 1`

// Regards says how a reader stands to things, in their order.
func (s *Store) Regards(ctx context.Context, now time.Time, reader flattr.MemberID, ids []flattr.ThingID) (all []flattr.Regard, err error) {
	if err := s.begin(ctx, now, reader); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		all = make([]flattr.Regard, len(ids))
		running, err := tx.runningMonth(now)
		if err != nil {
			return err
		}
		for i, id := range ids {
			var one int
			err := tx.row(selectFlattredBy, int64(id), int32(running), reader.Bucket(), int64(reader)).Scan(&one)
			all[i].Flattred = err == nil
			if ignoreNone(err) != nil {
				return fmt.Errorf("look for a click: %w", err)
			}
			err = tx.row(selectSubscribedBy, int64(id), reader.Bucket(), int64(reader)).Scan(&one)
			all[i].Subscribed = err == nil
			if ignoreNone(err) != nil {
				return fmt.Errorf("look for a subscription: %w", err)
			}
		}
		return nil
	})
	return all, err
}

const selectLastFlattr = `
SELECT COALESCE(MAX(e.at), 0), COUNT(DISTINCT c.reader) FROM counted c JOIN event e ON e.id = c.click
WHERE c.thing IN ` + withAliases + ` AND c.month = (
    SELECT COALESCE(MAX(l.month), 0) FROM counted l WHERE l.month IN (SELECT month FROM month) AND l.thing IN ` + withAliases + `)`

// dayReaders is from how many readers on an author sees days and not only months.
const dayReaders = 5

// LastFlattr is when a thing was last flattred, as its author may know it: the
// day where enough readers did so in that month, else the month's start. It is
// zero where nobody has.
func (s *Store) LastFlattr(ctx context.Context, id flattr.ThingID) (at time.Time, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var last int64
		var readers int
		if err := tx.row(selectLastFlattr, int64(id)).Scan(&last, &readers); err != nil {
			return fmt.Errorf("look for the last click: %w", err)
		}
		if at = (time.Time{}); last == 0 {
			return nil
		}
		exact := timeOf(last)
		at = time.Date(exact.Year(), exact.Month(), 1, 0, 0, 0, 0, time.UTC)
		if readers >= dayReaders {
			at = exact.Truncate(24 * time.Hour)
		}
		return nil
	})
	return at, err
}
