package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"flattr/ledger/flattr"
)

const selectPartsAuthors = `SELECT author, bp FROM parts_author WHERE key = $1 ORDER BY position`

// partsHold holds of a thing whose parts have effect for an owner: they name the
// owner and, where a member has set them, that member is the owner. Else who owns a
// site could take a part in what others own below it by naming them, unasked.
func partsHold(thing, owner string) string {
	return `EXISTS (SELECT 1 FROM parts q JOIN parts_author w ON w.key = q.key
	WHERE q.key = ` + thing + `.parts_key AND w.author = ` + owner + ` AND COALESCE(q.setter, w.author) = w.author)`
}

// authors are those who share what is given to a thing, after aliases, in the
// order in which they were named; the owner alone where no parts hold, nobody
// where there is no owner.
func (tx *Tx) authors(t storedThing) ([]flattr.Part, error) {
	if t.owner == 0 {
		return nil, nil
	}
	alone := []flattr.Part{{Author: t.owner, BP: flattr.AllParts}}
	if t.parts == "" {
		return alone, nil
	}
	parts, err := tx.partsOf(t.parts)
	if err != nil || !names(parts, t.owner) {
		return alone, err
	}
	setter, err := tx.setterOf(t.parts)
	if err != nil || setter != 0 && setter != t.owner {
		return alone, err
	}
	return parts, nil
}

const selectSetter = `SELECT COALESCE(setter, 0) FROM parts WHERE key = $1`

// setterOf is the member who has set the parts of a key; 0 is the operator.
func (tx *Tx) setterOf(key flattr.Key) (setter flattr.MemberID, err error) {
	if err := tx.row(selectSetter, string(key)).Scan(&setter); err != nil {
		return 0, fmt.Errorf("read who set parts: %w", err)
	}
	return setter, nil
}

// partsOf are the parts set for a key.
func (tx *Tx) partsOf(key flattr.Key) (parts []flattr.Part, err error) {
	err = tx.each(selectPartsAuthors, func(rows *sql.Rows) error {
		var p flattr.Part
		err := rows.Scan(&p.Author, &p.BP)
		parts = append(parts, p)
		return err
	}, string(key))
	if err != nil {
		return nil, fmt.Errorf("read parts: %w", err)
	}
	return parts, nil
}

// names reports whether the member is one of the authors.
func names(parts []flattr.Part, member flattr.MemberID) bool {
	return slices.ContainsFunc(parts, func(p flattr.Part) bool { return p.Author == member })
}

// members are the authors that parts name.
func members(parts []flattr.Part) []flattr.MemberID {
	ids := make([]flattr.MemberID, len(parts))
	for i, p := range parts {
		ids[i] = p.Author
	}
	return ids
}

// ownedBy reports whether the member is an author of the thing after aliases.
func (tx *Tx) ownedBy(t storedThing, member flattr.MemberID) (bool, error) {
	if t.owner == member || t.owner == 0 || t.parts == "" {
		return t.owner == member, nil
	}
	parts, err := tx.authors(t)
	return names(parts, member), err
}

// authored holds of a thing o of which the member with that parameter is an
// author: the owner, or named in parts that hold. It is authors in SQL.
func authored(member string) string {
	return `(o.owner = ` + member + ` OR (
	EXISTS (SELECT 1 FROM parts_author p WHERE p.key = o.parts_key AND p.author = ` + member + `)
	AND ` + partsHold("o", "o.owner") + `))`
}

// checkParts refuses parts that are none.
func checkParts(parts []flattr.Part) error {
	sum := 0
	for i, p := range parts {
		switch {
		case p.BP < 1 || p.BP > flattr.AllParts:
			return flattr.Refuse(flattr.Invalid, fmt.Sprintf("A part is from 1 to %d basis points.", flattr.AllParts))
		case names(parts[:i], p.Author):
			return flattr.Refuse(flattr.Invalid, "An author is named twice in the parts. Name each once.")
		}
		if sum += p.BP; sum > flattr.AllParts {
			break // more authors than basis points are not worth comparing
		}
	}
	if sum != flattr.AllParts {
		return flattr.Refuse(flattr.Invalid, fmt.Sprintf("Parts add up to %d basis points.", flattr.AllParts))
	}
	return nil
}

const upsertParts = `
INSERT INTO parts (key, url, site, at, setter) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO UPDATE SET url = excluded.url, at = excluded.at, setter = excluded.setter`

const deletePartsAuthors = `DELETE FROM parts_author WHERE key = $1`

const insertPartsAuthor = `INSERT INTO parts_author (key, position, author, bp) VALUES ($1, $2, $3, $4)`

const coverThings = `
UPDATE thing SET parts_key = $1 WHERE key >= $2 AND key < $3 AND (parts_key IS NULL OR LENGTH(parts_key) < $4)`

// SetParts books who shares what the URL earns and, where its path ends in `/`,
// everything below it (product rule 13). It replaces what was set for the same
// URL. Parts that do not add up to 10,000, are below 1 or name an author twice
// are refused with invalid_request, as is what is no URL.
func (tx *Tx) SetParts(now time.Time, url string, parts []flattr.Part) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	return tx.setParts(now, key, url, parts, 0)
}

// setParts is SetParts for a key, set by a member or, with 0, by the operator.
func (tx *Tx) setParts(now time.Time, key flattr.Key, url string, parts []flattr.Part, setter flattr.MemberID) error {
	if err := checkParts(parts); err != nil {
		return err
	}
	return tx.own(now, members(parts), func() ([]flattr.ThingID, error) {
		keys := covered(key)
		if err := tx.writeParts(now, key, url, parts, setter); err != nil {
			return nil, err
		}
		_, err := tx.exec(coverThings, string(key), keys.from, keys.to, len(key))
		return nil, err // what has an owner has its promises kept already, or they wait for a top-up
	})
}

// writeParts replaces what was set for a key.
func (tx *Tx) writeParts(now time.Time, key flattr.Key, url string, parts []flattr.Part, setter flattr.MemberID) error {
	by := sql.NullInt64{Int64: int64(setter), Valid: setter != 0}
	if _, err := tx.exec(upsertParts, string(key), url, number(coversBelow(key)), micros(now), by); err != nil {
		return err
	}
	if _, err := tx.exec(deletePartsAuthors, string(key)); err != nil {
		return err
	}
	for i, p := range parts {
		if _, err := tx.exec(insertPartsAuthor, string(key), i+1, int64(p.Author), p.BP); err != nil {
			return err
		}
	}
	return nil
}
