package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// Limits of what members share.
const (
	// MaxAuthors bounds those who share one thing or site; with more, a click of
	// the least worth would leave some of them nothing.
	MaxAuthors = 20
	// maxSharings bounds the URLs for which one member has set parts: each is
	// looked up with every new thing.
	maxSharings = 200
	// MaxSharedURL bounds the URL for which parts are set, in bytes: it is on the
	// pages of all who share.
	MaxSharedURL = 500
)

// NamedPart is an author's part with the author's name.
type NamedPart struct {
	flattr.Part
	Name string
}

// Sharing is who shares what a thing, or everything below a URL, earns.
type Sharing struct {
	Key   flattr.Key
	URL   string
	Site  bool // holds for everything below too
	At    time.Time
	Owner flattr.MemberID // the verified owner of the URL today; 0: none
	Parts []NamedPart     // in the order in which they were named

	setter flattr.MemberID // who has set them; 0: the operator
}

// Holds reports whether the parts have effect: only those do that name the owner
// and were set by the owner or the operator.
func (s Sharing) Holds() bool {
	return s.Owner != 0 && (s.setter == 0 || s.setter == s.Owner) && slices.ContainsFunc(s.Parts, func(p NamedPart) bool { return p.Author == s.Owner })
}

const selectPartsURL = `SELECT url FROM parts WHERE key = $1`

const selectSharing = `SELECT url, site, at, COALESCE(setter, 0) FROM parts WHERE key = $1`

const selectSharings = `
SELECT key FROM parts WHERE setter = $1 UNION SELECT key FROM parts_author WHERE author = $2 ORDER BY 1 LIMIT $3 OFFSET $4`

const countSharingsBy = `SELECT COUNT(*) FROM parts WHERE setter = $1 AND key <> $2`

// selectShadowed finds things that are shared by parts which others of a key, as
// long or longer, would take the place of.
var selectShadowed = `
SELECT 1 FROM thing t WHERE t.key >= $1 AND t.key < $2 AND t.owner <> $3 AND LENGTH(t.parts_key) <= $4
AND ` + partsHold("t", "t.owner") + ` LIMIT 1`

// named adds the authors' names to parts.
func (tx *Tx) named(parts []flattr.Part) ([]NamedPart, error) {
	all := make([]NamedPart, len(parts))
	for i, p := range parts {
		m, err := scanMember(tx.row(selectMember, p.Author.Bucket(), int64(p.Author)))
		if err != nil {
			return nil, fmt.Errorf("read author: %w", err)
		}
		all[i] = NamedPart{Part: p, Name: m.Name}
	}
	return all, nil
}

// ownerAt is the verified owner of a URL: of what its longest claim covers, else
// of the thing that has this very key; 0 is nobody.
func (tx *Tx) ownerAt(key flattr.Key) (flattr.MemberID, error) {
	t, err := tx.thingByKey(key)
	if err != nil {
		return 0, err
	}
	if t.id != 0 && !coversBelow(key) {
		return t.named, nil
	}
	covered, err := tx.expected(key)
	if err != nil || covered.owner != 0 {
		return covered.owner, err
	}
	return t.named, nil
}

// sharingOf reads what is set for a key; without parts it names the owner alone.
func (tx *Tx) sharingOf(key flattr.Key) (sh Sharing, err error) {
	sh = Sharing{Key: key, Site: coversBelow(key)}
	if sh.Owner, err = tx.ownerAt(key); err != nil {
		return sh, err
	}
	var at int64
	err = tx.row(selectSharing, string(key)).Scan(&sh.URL, &sh.Site, &at, &sh.setter)
	if errors.Is(err, sql.ErrNoRows) {
		return sh, nil
	}
	if err != nil {
		return sh, fmt.Errorf("read parts: %w", err)
	}
	sh.At = timeOf(at)
	parts, err := tx.partsOf(key)
	if err == nil {
		sh.Parts, err = tx.named(parts)
	}
	return sh, err
}

// Sharings are a page of the parts that a member has set or that name them, in
// the order of their URLs.
func (s *Store) Sharings(ctx context.Context, member flattr.MemberID, limit, offset int) (all []Sharing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		all = nil
		var keys []flattr.Key
		err := tx.each(selectSharings, func(rows *sql.Rows) error {
			var key flattr.Key
			err := rows.Scan(&key)
			keys = append(keys, key)
			return err
		}, int64(member), int64(member), limit, offset)
		if err != nil {
			return fmt.Errorf("read what is shared: %w", err)
		}
		for _, key := range keys {
			sh, err := tx.sharingOf(key)
			if err != nil {
				return err
			}
			all = append(all, sh)
		}
		return nil
	})
	return all, err
}

// Sharing is who shares what a URL earns, for its verified owner; without parts
// nobody does. It refuses with forbidden everybody else, and with invalid_request
// what is no URL.
func (s *Store) Sharing(ctx context.Context, member flattr.MemberID, url string) (sh Sharing, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return sh, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		sh, err = tx.sharingOf(key)
		if sh.URL == "" {
			sh.URL = url
		}
		if err == nil && sh.Owner != member {
			err = notOwner()
		}
		return err
	})
	return sh, err
}

func notOwner() error {
	return flattr.Refuse(flattr.Forbidden, "You are not the verified owner of this address. Prove that it is yours first.")
}

// Share books, for the verified owner of a URL, who shares what it earns from the
// next freeze on (product rule 13). It replaces what was set for the URL. The
// owner is one of them: parts have no effect without. It refuses with forbidden
// who is not the owner, and where others share things below the URL by parts of
// their own, with invalid_request parts that are none, and with not_found who is
// no member.
func (s *Store) Share(ctx context.Context, now time.Time, member flattr.MemberID, url string, parts []flattr.Part) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	if len(url) > MaxSharedURL {
		return flattr.Refuse(flattr.Invalid, fmt.Sprintf("The address of what is shared has at most %d characters.", MaxSharedURL))
	}
	if len(parts) > MaxAuthors {
		return flattr.Refuse(flattr.Invalid, fmt.Sprintf("At most %d authors share one thing.", MaxAuthors))
	}
	if !names(parts, member) {
		return flattr.Refuse(flattr.Invalid, "The owner keeps a part, 0.01 percent at least.")
	}
	return s.write(ctx, func(tx *Tx) error {
		if err := tx.mayShare(member, key); err != nil {
			return err
		}
		for _, p := range parts {
			if _, err := tx.member(p.Author); err != nil {
				return err
			}
		}
		before, err := tx.partsOf(key)
		if err != nil {
			return err
		}
		if err := tx.setParts(now, key, url, parts, member); err != nil {
			return err
		}
		return tx.tellAuthors(now, member, key, before, parts)
	})
}

// tellAuthors sends a letter to the owner of a URL who shares it, and to those whom
// the owner has made co-authors unasked: they can give their part back.
func (tx *Tx) tellAuthors(now time.Time, owner flattr.MemberID, key flattr.Key, before, parts []flattr.Part) error {
	m, err := tx.member(owner)
	if err != nil {
		return err
	}
	host, _, _ := strings.Cut(string(key), "/")
	if !slices.Equal(before, parts) {
		if err := tx.notify(now, owner, LetterParts, host); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if p.Author == owner || names(before, p.Author) {
			continue
		}
		if err := tx.notify(now, p.Author, LetterShared, m.Name+" "+host); err != nil {
			return err
		}
	}
	return nil
}

// mayShare refuses who cannot set parts for a URL.
func (tx *Tx) mayShare(member flattr.MemberID, key flattr.Key) error {
	owner, err := tx.ownerAt(key)
	if err != nil {
		return err
	}
	if owner != member {
		return notOwner()
	}
	count := 0
	if err := tx.row(countSharingsBy, int64(member), string(key)).Scan(&count); err != nil {
		return fmt.Errorf("count what is shared: %w", err)
	}
	if count >= maxSharings {
		return flattr.Refuse(flattr.SharingsFull, fmt.Sprintf("You share %d addresses, which is as many as may be. Stop sharing one first.", count))
	}
	return tx.shadows(member, key)
}

// shadows refuses a change of parts by which others would lose theirs. The longest
// parts that cover a thing count, whoever they name: longer ones, or others of the
// same URL, would take away the parts of those with whom another owner shares.
func (tx *Tx) shadows(member flattr.MemberID, key flattr.Key) error {
	if !coversBelow(key) {
		return nil
	}
	keys, one := covered(key), 0
	err := tx.row(selectShadowed, keys.from, keys.to, int64(member), len(key)).Scan(&one)
	if err == nil {
		return flattr.Refuse(flattr.Forbidden, "Somebody else owns and shares things below this address. Share yours one by one.")
	}
	return ignoreNone(err)
}

// EndSharing takes the parts of a URL away, for its verified owner. It refuses
// with forbidden who is not, and with not_found where nothing is set.
func (s *Store) EndSharing(ctx context.Context, now time.Time, member flattr.MemberID, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		sh, err := tx.sharingOf(key)
		switch {
		case err != nil:
			return err
		case sh.Owner != member:
			return notOwner()
		case len(sh.Parts) == 0:
			return flattr.Refuse(flattr.NotFound, "Nothing is shared there.")
		}
		if err := tx.shadows(member, key); err != nil {
			return err
		}
		return tx.dropParts(now, key)
	})
}

// GiveBack takes a member's part of what a URL earns away, as the member wishes.
// It falls to the owner or, where the parts do not name the owner, to the first
// author named. It refuses with not_found who has none, and with invalid_request
// the owner, who can end the sharing.
func (s *Store) GiveBack(ctx context.Context, now time.Time, member flattr.MemberID, url string) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *Tx) error {
		sh, err := tx.sharingOf(key)
		switch {
		case err != nil:
			return err
		case !slices.ContainsFunc(sh.Parts, func(p NamedPart) bool { return p.Author == member }):
			return flattr.Refuse(flattr.NotFound, "You have no part there.")
		case sh.Owner == member:
			return flattr.Refuse(flattr.Invalid, "You own this. Change the parts, or stop sharing.")
		}
		return tx.handOn(now, sh, member)
	})
}

// handOn takes a member out of parts: what was the member's falls to the owner or,
// where the parts do not name the owner, to the first author named. Where one
// author is left, or the member has set the parts, they end.
func (tx *Tx) handOn(now time.Time, sh Sharing, member flattr.MemberID) error {
	mine, rest, heir := 0, []flattr.Part(nil), 0
	for _, p := range sh.Parts {
		if p.Author == member {
			mine += p.BP
			continue
		}
		if p.Author == sh.Owner {
			heir = len(rest)
		}
		rest = append(rest, p.Part)
	}
	if len(rest) < 2 || sh.setter == member {
		return tx.dropParts(now, sh.Key)
	}
	rest[heir].BP += mine
	return tx.setParts(now, sh.Key, sh.URL, rest, sh.setter)
}
