package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// upper is the next shorter key that covers a key, whether or not it is claimed;
// "" where there is none.
func upper(key flattr.Key) flattr.Key {
	path, _, _ := strings.Cut(string(key), "?")
	path, _, _ = strings.Cut(path, "#")
	if path == string(key) {
		path = strings.TrimSuffix(path, "/")
	}
	end := strings.LastIndexByte(path, '/')
	return flattr.Key(path[:end+1])
}

const deleteClaim = `DELETE FROM claim WHERE key = $1 AND owner = $2`

const selectClaimed = `SELECT id FROM thing WHERE key >= $1 AND key < $2 AND owner = $3 AND granted = 0 ORDER BY id`

const disownClaimed = `UPDATE thing SET owner = NULL WHERE key >= $1 AND key < $2 AND owner = $3 AND granted = 0`

const selectClaimsWithin = `SELECT key, owner FROM claim WHERE key >= $1 AND key < $2 ORDER BY key`

// heir is a claim that covers what another one no longer does.
type heir struct {
	key   flattr.Key
	owner flattr.MemberID
}

// drop takes a verified claim from its owner, and gives it to the next one, if
// there is one: things that hung on it have no owner, and get that of the longest
// claim which covers them then. What the operator granted stays, and so does every
// frozen month. Pages that named somebody are looked at anew.
func (tx *Tx) drop(now time.Time, key flattr.Key, owner flattr.MemberID, next *flattr.Claim) error {
	keys := covered(key)
	if err := tx.dropClaim(now, key, keys, owner, next); err != nil {
		return err
	}
	if _, err := tx.exec(readmitThings, micros(now), keys.from, keys.to); err != nil {
		return fmt.Errorf("look at pages anew: %w", err)
	}
	return nil
}

func (tx *Tx) dropClaim(now time.Time, key flattr.Key, keys span, owner flattr.MemberID, next *flattr.Claim) error {
	things, err := tx.things(selectClaimed, keys.from, keys.to, int64(owner))
	if err != nil {
		return err
	}
	err = tx.own(now, nil, func() ([]flattr.ThingID, error) {
		if err := one(tx.exec(deleteClaim, string(key), int64(owner))); err != nil {
			return nil, err
		}
		if _, err := tx.exec(disownClaimed, keys.from, keys.to, int64(owner)); err != nil {
			return nil, err
		}
		if next != nil {
			_, err := tx.exec(insertClaim, string(key), next.URL, int64(next.Member), number(coversBelow(key)), micros(now))
			if err != nil {
				return nil, err
			}
		}
		return nil, tx.listAll(things)
	})
	if err != nil {
		return fmt.Errorf("end claim: %w", err)
	}
	var heirs []heir
	err = tx.each(selectClaimsWithin, func(rows *sql.Rows) error {
		var h heir
		err := rows.Scan(&h.key, &h.owner)
		heirs = append(heirs, h)
		return err
	}, keys.from, keys.to)
	if err != nil {
		return fmt.Errorf("read claims below: %w", err)
	}
	slices.SortStableFunc(heirs, func(a, b heir) int { return len(b.key) - len(a.key) })
	for _, h := range heirs {
		if err := tx.give(now, h.owner, covered(h.key)); err != nil {
			return err
		}
	}
	wider := upper(key)
	if wider == "" {
		return nil
	}
	_, above, err := tx.covering(claimBefore, wider)
	if err != nil || above == 0 {
		return err
	}
	return tx.give(now, above, keys)
}

// endClaim is drop for a claim that ends by itself: those who wait for the URL
// are looked at next.
func (tx *Tx) endClaim(now time.Time, c flattr.Claim, how string) error {
	if err := tx.drop(now, c.Key, c.Member, nil); err != nil {
		return err
	}
	if err := tx.noteChange(now, c.Key, c.Member, 0, how); err != nil {
		return err
	}
	if _, err := tx.exec(hurryClaims, micros(now), string(c.Key), int64(c.Member)); err != nil {
		return fmt.Errorf("hurry claims: %w", err)
	}
	return nil
}
