package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// span is the keys from one up to, but without, another.
type span struct{ from, to string }

// only is the span of one key: no key has a space in it.
func only(key flattr.Key) span { return span{string(key), string(key) + " "} }

// coversBelow reports whether what is said of a URL holds for everything below
// it: its path ends in `/`.
func coversBelow(key flattr.Key) bool {
	return strings.HasSuffix(string(key), "/") && !strings.ContainsAny(string(key), "?#")
}

// covered is the span of the keys for which something said of a URL holds.
func covered(key flattr.Key) span {
	if !coversBelow(key) {
		return only(key)
	}
	return span{string(key), strings.TrimSuffix(string(key), "/") + string(rune('/'+1))}
}

const claimBefore = `SELECT key, owner FROM claim WHERE key <= $1 ORDER BY key DESC LIMIT 1`

const partsBefore = `SELECT key, 0 FROM parts WHERE key <= $1 ORDER BY key DESC LIMIT 1`

// covering finds the longest key that covers another, by claimBefore or
// partsBefore; there may be none. What covers a key and is not the key itself
// is a beginning of it that ends in `/`. Of the keys up to the last possible
// beginning the greatest either is one, or tells with what it has in common how
// long a beginning can still be: so the steps are few, and never more than the
// URL has slashes.
func (tx *Tx) covering(before string, key flattr.Key) (found flattr.Key, owner flattr.MemberID, err error) {
	path := string(key)
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	for upTo := string(key); ; {
		err := tx.row(before, upTo).Scan(&found, &owner)
		if errors.Is(err, sql.ErrNoRows) {
			return "", 0, nil
		}
		if err != nil {
			return "", 0, fmt.Errorf("read what covers a URL: %w", err)
		}
		if found == key || coversBelow(found) && strings.HasPrefix(string(key), string(found)) {
			return found, owner, nil
		}
		common := 0
		for common < min(len(path), len(found)) && path[common] == found[common] {
			common++
		}
		if upTo = path[:strings.LastIndexByte(path[:common], '/')+1]; upTo == "" {
			return "", 0, nil
		}
	}
}

// expected is the owner and the parts that a thing of that key has when it is met.
func (tx *Tx) expected(key flattr.Key) (t storedThing, err error) {
	if _, t.owner, err = tx.covering(claimBefore, key); err != nil {
		return t, err
	}
	if t.owner == 0 {
		author, ok, err := tx.profiled(key)
		if err != nil {
			return t, err
		}
		if ok {
			t.owner, t.title, t.profile = author.ID, author.Name, true
		}
	}
	if t.owner != 0 {
		out, err := tx.optedOut(key)
		if err != nil {
			return t, err
		}
		if out {
			t.owner = 0
		}
	}
	t.parts, _, err = tx.covering(partsBefore, key)
	return t, err
}

const insertClaim = `
INSERT INTO claim (key, url, owner, site, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

const selectClaim = `SELECT owner FROM claim WHERE key = $1`

// Claim books that the member owns the URL, which somebody has verified, and,
// where its path ends in `/`, everything below it, also what is met later
// (product rule 11). What has a verified owner keeps it. It refuses with claimed
// what another member has claimed before, with opted_out what its owner wants no
// money for, and with invalid_request what is no URL.
func (tx *Tx) Claim(now time.Time, owner flattr.MemberID, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	if err := tx.takesMoney(key); err != nil {
		return err
	}
	n, err := tx.exec(insertClaim, string(key), url, int64(owner), number(coversBelow(key)), micros(now))
	if err != nil {
		return fmt.Errorf("write claim: %w", err)
	}
	if n == 0 {
		var has flattr.MemberID
		if err := tx.row(selectClaim, string(key)).Scan(&has); err != nil {
			return fmt.Errorf("read claim: %w", err)
		}
		if has != owner {
			return flattr.Refuse(flattr.Claimed, "Another member has claimed this URL. If it is yours, ask the operator of this ledger.")
		}
	}
	return tx.give(now, owner, covered(key))
}

var selectNewAuthors = `
SELECT DISTINCT p.author FROM thing t JOIN parts_author p ON p.key = t.parts_key
WHERE t.key >= $1 AND t.key < $2 AND (t.owner IS NULL OR t.granted = 2) AND t.alias_of IS NULL` + notOptedOut + `
AND ` + partsHold("t", "$3") + ` ORDER BY p.author`

const selectOwnerless = `
SELECT t.id FROM thing t WHERE t.key >= $1 AND t.key < $2 AND t.owner IS NULL AND t.alias_of IS NULL` + notOptedOut + ` AND (` + isPromised + `) ORDER BY t.key`

// ofAnother holds of a thing t that another member than $1 has registered or that
// was withdrawn: the new owner has neither hidden it nor taken it away.
const ofAnother = `(t.withdrawn IS NOT NULL OR t.registrar IS NOT NULL AND t.registrar <> $1)`

const selectUnlisted = `
SELECT t.id FROM thing t WHERE (` + ofAnother + ` OR t.registrar IS NULL AND t.hidden = 0)
AND t.key >= $2 AND t.key < $3 AND (t.owner IS NULL OR t.granted = 2) ORDER BY t.key`

// giveThings also ends what another member's registration said of being shown.
const giveThings = `
UPDATE thing AS t SET owner = $1, granted = CASE t.granted WHEN 2 THEN 0 ELSE t.granted END,
hidden = CASE WHEN ` + ofAnother + ` THEN 0 ELSE t.hidden END, withdrawn = NULL, registrar = CASE WHEN t.registrar = $1 THEN t.registrar END
WHERE t.key >= $2 AND t.key < $3 AND (t.owner IS NULL OR t.granted = 2)` + notOptedOut

// give makes the member the owner of the known things of a span that have none, or
// one whom only their page names: voids the own clicks of those who are authors by
// that, and makes promises clicks (product rules 2 and 12).
func (tx *Tx) give(now time.Time, owner flattr.MemberID, keys span) error {
	authors := []flattr.MemberID{owner}
	asking, err := tx.optOutsAt(keys)
	if err != nil {
		return err
	}
	err = tx.each(asking(selectNewAuthors), func(rows *sql.Rows) error {
		var author flattr.MemberID
		err := rows.Scan(&author)
		if author != owner {
			authors = append(authors, author)
		}
		return err
	}, keys.from, keys.to, int64(owner))
	if err != nil {
		return fmt.Errorf("read authors: %w", err)
	}
	targets, err := tx.things(asking(selectOwnerless), keys.from, keys.to)
	if err != nil {
		return err
	}
	unlisted, err := tx.things(selectUnlisted, int64(owner), keys.from, keys.to)
	if err != nil {
		return err
	}
	taken, err := tx.replacedBy(asking(selectReplaced), owner, keys)
	if err != nil {
		return err
	}
	return tx.own(now, authors, func() ([]flattr.ThingID, error) {
		if _, err := tx.exec(asking(giveThings), int64(owner), keys.from, keys.to); err != nil {
			return nil, err
		}
		if _, err := tx.exec(deletePageProofsIn, keys.from, keys.to); err != nil {
			return nil, err
		}
		for _, t := range taken {
			if err := tx.noteChange(now, t.key, t.former, owner, "claim"); err != nil {
				return nil, err
			}
		}
		return targets, tx.listAll(unlisted)
	})
}

// things reads ids of things.
func (tx *Tx) things(query string, args ...any) (ids []flattr.ThingID, err error) {
	err = tx.each(query, func(rows *sql.Rows) error {
		var id flattr.ThingID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read things: %w", err)
	}
	return ids, nil
}

// own does a change by which members become authors, or cease to be: before it
// all subscriptions are brought up to now, after it the authors' own clicks are
// voided, their own promises lapse, and the promises of others for the targets
// that the change answers become clicks.
func (tx *Tx) own(now time.Time, authors []flattr.MemberID, change func() ([]flattr.ThingID, error)) error {
	if err := tx.dueAll(now); err != nil {
		return err
	}
	targets, err := change()
	if err != nil {
		return fmt.Errorf("change who owns what: %w", err)
	}
	for _, author := range authors {
		if err := tx.lapseOwn(author); err != nil {
			return err
		}
		if err := tx.voidOwn(now, author); err != nil {
			return err
		}
	}
	for _, target := range targets {
		if err := tx.keepPromisesFor(now, target); err != nil {
			return err
		}
	}
	return nil
}
