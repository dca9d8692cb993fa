package store

import (
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const selectAliasNamed = `SELECT COALESCE(alias_named, 0) FROM thing WHERE id = $1`

// makeAlias sets the alias and takes along those that stood for it so far.
const makeAlias = `UPDATE thing SET alias_of = $1 WHERE id = $2 OR alias_of = $2`

const nameAlias = `UPDATE thing SET alias_named = $1 WHERE id = $2`

// Alias makes url an alias of another, for good: what is given to it belongs to
// the other (product rule 10). Things that are not known yet are made. The same
// alias again changes nothing. It refuses with invalid_request what is no URL,
// an alias of something else already, and a circle.
func (tx *Tx) Alias(now time.Time, url, of string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	ofKey, err := flattr.KeyOf(of)
	if err != nil {
		return err
	}
	t, err := tx.thingByKey(key)
	if err != nil {
		return err
	}
	target, err := tx.thingByKey(ofKey)
	if err != nil {
		return err
	}
	if key == ofKey || t.id != 0 && t.id == target.target {
		return flattr.Refuse(flattr.Invalid, "This alias would stand for itself in a circle.")
	}
	if t.target != t.id {
		return tx.aliasAgain(t, target)
	}
	// The URL as first given is that of the line which names the thing first.
	if t.id == 0 {
		if t, err = tx.addThing(now, key, flattr.ThingRef{URL: url}, 0); err != nil {
			return err
		}
	}
	if target.id == 0 {
		if target, err = tx.addThing(now, ofKey, flattr.ThingRef{URL: of}, 0); err != nil {
			return err
		}
	}
	return tx.alias(now, t.id, target)
}

// aliasAgain refuses to make an alias one of something else.
func (tx *Tx) aliasAgain(t, of storedThing) error {
	var named flattr.ThingID
	if err := tx.row(selectAliasNamed, int64(t.id)).Scan(&named); err != nil {
		return fmt.Errorf("read alias: %w", err)
	}
	if named != of.id {
		return flattr.Refuse(flattr.Invalid, "This URL is an alias of another thing already, for good.")
	}
	return nil
}

// alias makes a thing that is no alias one of another thing. What was given to
// it, and to what stood for it, goes to the authors of the target from now on.
func (tx *Tx) alias(now time.Time, id flattr.ThingID, of storedThing) error {
	parts, err := tx.authors(of)
	if err != nil {
		return err
	}
	return tx.own(now, members(parts), func() ([]flattr.ThingID, error) {
		if _, err := tx.exec(makeAlias, int64(of.target), int64(id)); err != nil {
			return nil, err
		}
		if _, err := tx.exec(nameAlias, int64(of.id), int64(id)); err != nil {
			return nil, err
		}
		return []flattr.ThingID{of.target}, tx.mergePopularity(of.target, id)
	})
}
