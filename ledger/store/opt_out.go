package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// isOptedOut holds of a thing t whose owner wants no money for it.
const isOptedOut = `EXISTS (SELECT 1 FROM opt_out x WHERE t.key >= x.key AND t.key < x.until)`

// notOptedOut looks through all opt-outs with smaller keys, for each thing.
const notOptedOut = ` AND NOT ` + isOptedOut

const anyOptOut = `SELECT 1 FROM opt_out WHERE key >= $1 AND key < $2 LIMIT 1`

// optOutsAt answers how to ask for things of a span: without notOptedOut where no
// opt-out is of their host, since strangers can make many elsewhere.
func (tx *Tx) optOutsAt(keys span) (asking func(query string) string, err error) {
	host, _, _ := strings.Cut(keys.from, "/")
	var found int
	err = tx.row(anyOptOut, host+"/", host+string(rune('/'+1))).Scan(&found)
	if err := ignoreNone(err); err != nil {
		return nil, fmt.Errorf("look for opt-outs: %w", err)
	}
	return func(query string) string {
		if found == 0 {
			return strings.ReplaceAll(query, notOptedOut, "")
		}
		return query
	}, nil
}

const optOutBefore = `SELECT key, 0 FROM opt_out WHERE key <= $1 ORDER BY key DESC LIMIT 1`

const insertOptOut = `INSERT INTO opt_out (key, until, url, at, due) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

const putOffOptOut = `UPDATE opt_out SET due = $1 WHERE key = $2`

const selectDueOptOuts = `SELECT url FROM opt_out WHERE due <= $1 ORDER BY due LIMIT $2`

const deleteOptOut = `DELETE FROM opt_out WHERE key = $1`

const selectOwned = `SELECT id FROM thing WHERE key >= $1 AND key < $2 AND owner IS NOT NULL ORDER BY id`

const disownOptedOut = `UPDATE thing SET owner = NULL, granted = 0 WHERE key >= $1 AND key < $2 AND owner IS NOT NULL`

const optOutRequests = `UPDATE claim_request SET state = 'opted_out', proof = '', fault = 'opted_out', lost = 0 WHERE key >= $1 AND key < $2`

const readmitRequests = `
UPDATE claim_request SET state = 'waiting', due = $1 WHERE key >= $2 AND key < $3 AND state = 'opted_out'`

const readmitThings = `UPDATE thing SET look = $1, looks = 0 WHERE key >= $2 AND key < $3 AND owner IS NULL AND asserted <> ''`

// optedOut reports whether the owner of what a key names wants no money for it.
func (tx *Tx) optedOut(key flattr.Key) (bool, error) {
	covering, _, err := tx.covering(optOutBefore, key)
	return covering != "", err
}

// takesMoney refuses with opted_out what its owner wants no money for.
func (tx *Tx) takesMoney(key flattr.Key) error {
	out, err := tx.optedOut(key)
	if err != nil || !out {
		return err
	}
	return flattr.Refuse(flattr.OptedOut, "This site says that it wants no money. If it is yours, take `none` away there and have it looked at again.")
}

// optOut notes that nobody may own a URL, with all below where its path ends in
// `/`. Claims of it end; clicks on it are promises from then on.
func (tx *Tx) optOut(now time.Time, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	keys := covered(key)
	n, err := tx.exec(insertOptOut, string(key), keys.to, url, micros(now), micros(now.Add(flattr.ClaimRecheck)))
	if err != nil {
		return fmt.Errorf("write opt-out: %w", err)
	}
	if n == 0 {
		return nil
	}
	var ended []heir
	err = tx.each(selectClaimsWithin, func(rows *sql.Rows) error {
		var h heir
		err := rows.Scan(&h.key, &h.owner)
		ended = append(ended, h)
		return err
	}, keys.from, keys.to)
	if err != nil {
		return fmt.Errorf("read claims below: %w", err)
	}
	things, err := tx.things(selectOwned, keys.from, keys.to)
	if err != nil {
		return err
	}
	return tx.own(now, nil, func() ([]flattr.ThingID, error) {
		for _, claim := range ended {
			if _, err := tx.exec(deleteClaim, string(claim.key), int64(claim.owner)); err != nil {
				return nil, err
			}
			if err := tx.noteChange(now, claim.key, claim.owner, 0, "opted_out"); err != nil {
				return nil, err
			}
		}
		if _, err := tx.exec(optOutRequests, keys.from, keys.to); err != nil {
			return nil, err
		}
		for _, statement := range []string{disownOptedOut, deletePageProofsIn} {
			if _, err := tx.exec(statement, keys.from, keys.to); err != nil {
				return nil, err
			}
		}
		return nil, tx.listAll(things)
	})
}

// DueOptOuts takes at most limit URLs of which it is time to look whether they
// still want no money, and puts them off.
func (s *Store) DueOptOuts(ctx context.Context, now time.Time, limit int) (urls []string, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		urls = nil
		err := tx.each(selectDueOptOuts, func(rows *sql.Rows) error {
			var url string
			err := rows.Scan(&url)
			urls = append(urls, url)
			return err
		}, micros(now), limit)
		if err != nil {
			return fmt.Errorf("read opt-outs: %w", err)
		}
		for _, url := range urls {
			key, err := flattr.KeyOf(url)
			if err != nil {
				return err
			}
			if _, err := tx.exec(putOffOptOut, micros(now.Add(flattr.ClaimRecheck)), string(key)); err != nil {
				return fmt.Errorf("put off opt-out: %w", err)
			}
		}
		return nil
	})
	return urls, err
}

// OptOut notes that a site wants no money; OptIn, that it takes some again.
func (s *Store) OptOut(ctx context.Context, now time.Time, url string) error {
	return s.write(ctx, func(tx *Tx) error { return tx.optOut(now, url) })
}

// OptIn ends an opt-out: claims are looked at again, and so are pages that name
// somebody. What lies under a wider opt-out is looked at in vain.
func (s *Store) OptIn(ctx context.Context, now time.Time, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(deleteOptOut, string(key))
		if err != nil || n == 0 {
			return err
		}
		keys := covered(key)
		for _, statement := range []string{readmitRequests, readmitThings} {
			if _, err := tx.exec(statement, micros(now), keys.from, keys.to); err != nil {
				return fmt.Errorf("end opt-out: %w", err)
			}
		}
		return nil
	})
}

const selectOptOut = `SELECT url FROM opt_out WHERE key = $1`

// OptOutOf is the longest URL that was noted to want no money and covers a key,
// or "".
func (s *Store) OptOutOf(ctx context.Context, key flattr.Key) (url string, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		url = ""
		covering, _, err := tx.covering(optOutBefore, key)
		if err != nil || covering == "" {
			return err
		}
		return tx.row(selectOptOut, string(covering)).Scan(&url)
	})
	return url, err
}

// OptedOut reports whether the owner of a URL wants no money for it.
func (s *Store) OptedOut(ctx context.Context, url string) (out bool, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return false, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		out, err = tx.optedOut(key)
		return err
	})
	return out, err
}
