package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

const insertChange = `
INSERT INTO claim_change (key, seq, former, owner, how, at, payable) VALUES ($1, $2, $3, $4, $5, $6, $7)`

const selectLastChange = `SELECT seq, payable FROM claim_change WHERE key = $1 ORDER BY seq DESC LIMIT 1`

const selectOtherOwner = `
SELECT 1 FROM claim_change WHERE key >= $1 AND key < $2 AND (owner NOT IN (0, $3) OR former NOT IN (0, $3)) LIMIT 1`

// noteChange notes who owned and who owns what a key covers. What another member
// has had before is paid out later: the same URL, one around it or one below it,
// even with nobody in between.
func (tx *Tx) noteChange(now time.Time, key flattr.Key, former, owner flattr.MemberID, how string) error {
	var seq, payable int64
	if err := ignoreNone(tx.row(selectLastChange, string(key)).Scan(&seq, &payable)); err != nil {
		return fmt.Errorf("read change of claim: %w", err)
	}
	from := now
	if owner != 0 {
		others, err := tx.hadOthers(key, owner)
		if err != nil {
			return err
		}
		if others || former != 0 && former != owner {
			from = now.Add(flattr.PayoutCooling)
		}
	}
	_, err := tx.exec(insertChange, string(key), seq+1, int64(former), int64(owner), how, micros(now), max(payable, micros(from)))
	if err != nil {
		return fmt.Errorf("note change of claim: %w", err)
	}
	return nil
}

// hadOthers reports whether anybody but the owner has ever owned what a key
// covers, a part of it, or what covers it.
func (tx *Tx) hadOthers(key flattr.Key, owner flattr.MemberID) (bool, error) {
	had := func(keys span) (bool, error) {
		var found int
		err := tx.row(selectOtherOwner, keys.from, keys.to, int64(owner)).Scan(&found)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read former owner: %w", err)
		}
		return true, nil
	}
	if others, err := had(covered(key)); others || err != nil {
		return others, err
	}
	for key = upper(key); key != ""; key = upper(key) {
		if others, err := had(only(key)); others || err != nil {
			return others, err
		}
	}
	return false, nil
}

const selectChange = `SELECT former, owner, how, at, payable FROM claim_change WHERE key = $1 ORDER BY seq DESC LIMIT 1`

// LastChange is the last change of who owns what a key covers; ok is false where
// there was none.
func (s *Store) LastChange(ctx context.Context, key flattr.Key) (change flattr.ClaimChange, ok bool, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		var at, payable int64
		err := tx.row(selectChange, string(key)).Scan(&change.Former, &change.Owner, &change.How, &at, &payable)
		ok = err == nil
		change.Key, change.At, change.Payable = key, timeOf(at), timeOf(payable)
		return ignoreNone(err)
	})
	if err != nil {
		return change, false, fmt.Errorf("read change of claim: %w", err)
	}
	return change, ok, nil
}
