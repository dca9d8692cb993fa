package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// PageOwner is the owner of a thing whom only its page names.
type PageOwner struct {
	Thing flattr.ThingID
	URL   string
	Owner flattr.MemberID
}

const selectDuePages = `
SELECT p.thing, t.url, p.owner FROM page_proof p JOIN thing t ON t.id = p.thing WHERE p.due <= $1 ORDER BY p.due LIMIT $2`

const leasePage = `UPDATE page_proof SET due = $1 WHERE thing = $2`

// DuePageOwners takes at most limit things whose page is to be looked at, whether
// it still names their owner, and puts them off by lease.
func (s *Store) DuePageOwners(ctx context.Context, now time.Time, lease time.Duration, limit int) (due []PageOwner, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		due = nil
		err := tx.each(selectDuePages, func(rows *sql.Rows) error {
			var p PageOwner
			err := rows.Scan(&p.Thing, &p.URL, &p.Owner)
			due = append(due, p)
			return err
		}, micros(now), limit)
		if err != nil {
			return fmt.Errorf("read owners of pages: %w", err)
		}
		for _, p := range due {
			if _, err := tx.exec(leasePage, micros(now.Add(lease)), int64(p.Thing)); err != nil {
				return fmt.Errorf("put off page: %w", err)
			}
		}
		return nil
	})
	return due, err
}

const selectPageProof = `
SELECT t.key, p.owner, p.lost FROM page_proof p JOIN thing t ON t.id = p.thing WHERE p.thing = $1`

const updatePageProof = `UPDATE page_proof SET checked = $1, lost = $2, due = $3 WHERE thing = $4`

// PageChecked books whom a page names when it was looked at again; 0 is nobody.
// An owner whom it does not name for flattr.ClaimLapse owns the thing no more;
// frozen months stay as they are. It answers whether that is so. What hangs on a
// page no more by now is left alone.
func (s *Store) PageChecked(ctx context.Context, now time.Time, thing flattr.ThingID, names flattr.MemberID) (lapsed bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		lapsed = false
		var key flattr.Key
		var owner flattr.MemberID
		var since int64
		err := tx.row(selectPageProof, int64(thing)).Scan(&key, &owner, &since)
		if none := ignoreNone(err); none != nil || err != nil {
			return none
		}
		lost, due := time.Time{}, now.Add(flattr.ClaimRecheck)
		if names != owner {
			lost, due, lapsed = flattr.Missing(now, timeOrZero(since))
		}
		if lapsed {
			return tx.endPage(now, thing, key, owner, "lapsed")
		}
		if _, err := tx.exec(updatePageProof, micros(now), microsOrZero(lost), micros(due), int64(thing)); err != nil {
			return fmt.Errorf("write proof of page: %w", err)
		}
		return nil
	})
	return lapsed, err
}

const upsertPageProof = `
INSERT INTO page_proof (thing, owner, named, checked, lost, due) VALUES ($1, $2, $3, $4, 0, $5)
ON CONFLICT (thing) DO UPDATE SET owner = excluded.owner, named = excluded.named, checked = excluded.checked, lost = 0, due = excluded.due`

const hangOnPage = `UPDATE thing SET granted = 2 WHERE id = $1`

// ownPage makes a member the owner of one thing whose page names them, where it
// has none by now.
func (tx *Tx) ownPage(now time.Time, thing flattr.ThingID, key flattr.Key, owner flattr.MemberID, named string) error {
	if _, err := tx.member(owner); err != nil {
		return err
	}
	out, err := tx.optedOut(key)
	if err != nil || out {
		return err
	}
	t, err := tx.thing(thing)
	if err != nil || t.named != 0 {
		return err
	}
	if err := tx.give(now, owner, only(key)); err != nil {
		return err
	}
	if _, err := tx.exec(hangOnPage, int64(thing)); err != nil {
		return fmt.Errorf("let thing hang on its page: %w", err)
	}
	_, err = tx.exec(upsertPageProof, int64(thing), int64(owner), cut(named, maxWord), micros(now), micros(now.Add(flattr.ClaimRecheck)))
	if err != nil {
		return fmt.Errorf("write proof of page: %w", err)
	}
	return tx.noteChange(now, key, 0, owner, "page")
}

const disownPage = `UPDATE thing SET owner = NULL, granted = 0, look = $1, looks = 0 WHERE id = $2 AND granted = 2`

const deletePageProof = `DELETE FROM page_proof WHERE thing = $1`

const deletePageProofsIn = `DELETE FROM page_proof WHERE thing IN (SELECT id FROM thing WHERE key >= $1 AND key < $2 AND granted <> 2)`

const deletePageProofsOf = `DELETE FROM page_proof WHERE owner = $1`

// endPage takes a thing from the owner whom its page named. The page is looked at
// anew: it may name another one.
func (tx *Tx) endPage(now time.Time, thing flattr.ThingID, key flattr.Key, owner flattr.MemberID, how string) error {
	err := tx.own(now, nil, func() ([]flattr.ThingID, error) {
		if _, err := tx.exec(disownPage, micros(now), int64(thing)); err != nil {
			return nil, err
		}
		if _, err := tx.exec(deletePageProof, int64(thing)); err != nil {
			return nil, err
		}
		return nil, tx.list(thing)
	})
	if err != nil {
		return fmt.Errorf("end proof of page: %w", err)
	}
	return tx.noteChange(now, key, owner, 0, how)
}

// replaced is a thing that a claim takes from the owner whom its page named.
type replaced struct {
	key    flattr.Key
	former flattr.MemberID
}

const selectReplaced = `
SELECT t.key, t.owner FROM thing t WHERE t.key >= $1 AND t.key < $2 AND t.granted = 2 AND t.owner <> $3` + notOptedOut + ` ORDER BY t.key`

// replacedBy are the things of a span that a claim of the member takes from others,
// by selectReplaced.
func (tx *Tx) replacedBy(query string, owner flattr.MemberID, keys span) (all []replaced, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		var r replaced
		err := rows.Scan(&r.key, &r.former)
		all = append(all, r)
		return err
	}, keys.from, keys.to, int64(owner))
	if err != nil {
		return nil, fmt.Errorf("read what pages name: %w", err)
	}
	return all, nil
}
