package store

import (
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// What only says that a thing is the member's has no other title than the name:
// the member's own page here.
const untitleThings = `UPDATE thing SET title = '' WHERE owner = $1 AND title = $2`

const unassertThings = `UPDATE thing SET asserted = '' WHERE owner IS NULL AND asserted <> '' AND LOWER(asserted) = $1`

const disownThings = `UPDATE thing SET owner = NULL, granted = 0 WHERE owner = $1`

const unregisterThings = `UPDATE thing SET registrar = NULL WHERE registrar = $1`

const selectThingsLeft = `SELECT id FROM thing WHERE owner = $1 OR registrar = $2`

const deleteClaimsOf = `DELETE FROM claim WHERE owner = $1`

const deleteClaimRequestsOf = `DELETE FROM claim_request WHERE member = $1`

const deleteFlattrIDOf = `DELETE FROM flattr_id WHERE member = $1`

const selectPartsOf = `SELECT DISTINCT key FROM parts_author WHERE author = $1 ORDER BY key`

// disown leaves the things and claims of an author who is deleted without owner,
// so that clicks on them are promises from then on, and takes the author out of the
// parts of others (product rule 16): what these leave each other stays.
func (tx *Tx) disown(now time.Time, author flattr.MemberID) error {
	things, err := tx.things(selectThingsLeft, int64(author), int64(author))
	if err != nil {
		return err
	}
	m, err := tx.member(author)
	if err != nil {
		return err
	}
	if _, err := tx.exec(untitleThings, int64(author), m.Name); err != nil {
		return fmt.Errorf("erase name from titles: %w", err)
	}
	for _, statement := range []string{disownThings, unregisterThings, deleteClaimsOf, deletePageProofsOf, deleteIdentitiesOf, deleteDisputesOf, deleteClaimRequestsOf, deleteFlattrIDOf} {
		if _, err := tx.exec(statement, int64(author)); err != nil {
			return fmt.Errorf("leave things without owner: %w", err)
		}
	}
	if _, err := tx.exec(unassertThings, flattr.NameKey(m.Name)); err != nil {
		return fmt.Errorf("erase name from things: %w", err)
	}
	if err := tx.listAll(things); err != nil {
		return err
	}
	var keys []flattr.Key
	err = tx.each(selectPartsOf, func(rows *sql.Rows) error {
		var key flattr.Key
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	}, int64(author))
	if err != nil {
		return fmt.Errorf("read parts: %w", err)
	}
	for _, key := range keys {
		sh, err := tx.sharingOf(key)
		if err != nil {
			return err
		}
		if err := tx.handOn(now, sh, author); err != nil {
			return err
		}
	}
	return nil
}

const deleteParts = `DELETE FROM parts WHERE key = $1`

const uncoverThings = `UPDATE thing SET parts_key = $1 WHERE key >= $2 AND key < $3 AND parts_key = $4`

// dropParts takes the parts of a key away. What lies below falls to the next
// shorter key that covers it, which covers the key as well and may make others
// authors.
func (tx *Tx) dropParts(now time.Time, key flattr.Key) error {
	for _, statement := range []string{deletePartsAuthors, deleteParts} {
		if _, err := tx.exec(statement, string(key)); err != nil {
			return fmt.Errorf("take parts away: %w", err)
		}
	}
	next, _, err := tx.covering(partsBefore, key)
	if err != nil {
		return err
	}
	parts, err := tx.partsOf(next)
	if err != nil {
		return err
	}
	return tx.own(now, members(parts), func() ([]flattr.ThingID, error) {
		keys := covered(key)
		_, err := tx.exec(uncoverThings, sql.NullString{String: string(next), Valid: next != ""}, keys.from, keys.to, string(key))
		return nil, err
	})
}
