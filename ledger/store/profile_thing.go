package store

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// SetHome names the origin under which this ledger is reached, before anything is
// recorded: an author's page there is a thing whose owner the ledger knows itself.
func (s *Store) SetHome(origin *url.URL) error {
	key, err := flattr.KeyOf(origin.JoinPath("/").String())
	if err != nil {
		return fmt.Errorf("name the ledger's own address: %w", err)
	}
	s.home = string(key)
	return nil
}

// profilePaths begin the addresses of authors' pages, as web has them; the name
// follows, and may have a slash behind it.
var profilePaths = []string{"profile/", "user/", "@"}

// profiled is the member whose page here a key names. ok is false where it names
// none.
func (tx *Tx) profiled(key flattr.Key) (m flattr.Member, ok bool, err error) {
	if tx.home == "" || !strings.HasPrefix(string(key), tx.home) {
		return m, false, nil
	}
	path := string(key)[len(tx.home):]
	for _, begin := range profilePaths {
		name, found := strings.CutPrefix(path, begin)
		if !found {
			continue
		}
		name, err := url.PathUnescape(strings.TrimSuffix(name, "/"))
		if err != nil { // whether it is a name, the members tell: those of before may have one that is refused today
			return m, false, nil
		}
		m, err = tx.memberByName(name)
		if flattr.CodeOf(err) == flattr.NotFound {
			return m, false, nil
		}
		return m, err == nil, err
	}
	return m, false, nil
}

// ownProfile gives an author's page that was met while nobody knew whose it is to
// them, and answers it anew. Other things are answered as they are.
func (tx *Tx) ownProfile(now time.Time, t storedThing) (storedThing, error) {
	if tx.home == "" || t.target != t.id {
		return t, nil
	}
	key, err := flattr.KeyOf(t.url)
	if err != nil {
		return t, err
	}
	m, ok, err := tx.profiled(key)
	if err != nil || !ok {
		return t, err
	}
	err = tx.AddThing(now, t.url, m.Name, m.ID)
	if flattr.CodeOf(err) == flattr.OptedOut {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	return tx.thing(t.id)
}

const assertOwner = `
UPDATE thing SET asserted = $1, look = 0, looks = 0
WHERE id = $2 AND owner IS NULL AND (asserted = '' OR asserted <> $1 AND look = $3)`

// assert notes whom a button names where none has named anybody. Who was named
// first stays, since whoever comes later could be anybody too, until the ledger
// has looked often enough to know that the page does not name them.
func (tx *Tx) assert(t storedThing, owner string) error {
	owner = cut(owner, maxWord)
	if owner == "" || t.named != 0 {
		return nil
	}
	if _, err := tx.exec(assertOwner, owner, int64(t.id), micros(flattr.Never)); err != nil {
		return fmt.Errorf("note whom a button names: %w", err)
	}
	return nil
}
