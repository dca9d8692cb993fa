package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"flattr/ledger/flattr"
)

// What is kept of a thing's description, in characters; the rest is cut off,
// not refused: a click is worth more than the end of a title.
const (
	maxTitle       = 300 // as the protocol between browser and companion has it
	maxDescription = 1000
	maxWord        = 64 // category, language, a tag, the asserted owner
	maxTags        = 20
)

// storedThing is a thing as clicks need it.
type storedThing struct {
	id     flattr.ThingID
	url    string
	title  string
	named  flattr.MemberID // verified owner of this very URL
	target flattr.ThingID  // what it stands for after aliases: itself where it is none
	owner  flattr.MemberID // verified, of the target; 0: its clicks are promises
	parts  flattr.Key      // longest key of parts that covers the target; "": none
	listed bool            // of one that is made: to be listed by who registers it
	// profile holds of a thing that is met where it is its owner's page here.
	profile bool
}

// thingColumns cost one look-up where the thing is no alias.
const thingColumns = `COALESCE(t.owner, 0), COALESCE(t.alias_of, t.id), ` + plainColumns

// plainColumns are what a plain click needs of its thing.
const plainColumns = `t.id, t.url, t.title,
	COALESCE(CASE WHEN t.alias_of IS NULL THEN t.owner ELSE (SELECT o.owner FROM thing o WHERE o.id = t.alias_of) END, 0),
	COALESCE(CASE WHEN t.alias_of IS NULL THEN t.parts_key ELSE (SELECT o.parts_key FROM thing o WHERE o.id = t.alias_of) END, '')`

const selectThingByKey = `SELECT ` + thingColumns + ` FROM thing t WHERE t.key = $1`

const selectThing = `SELECT ` + thingColumns + ` FROM thing t WHERE t.id = $1`

const insertThing = `
INSERT INTO thing (id, key, url, title, description, category, language, tags, hidden, owner, asserted, since, parts_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`

const nameThing = `UPDATE thing SET title = $1 WHERE id = $2 AND title = ''`

// thingByKey finds a thing; one that is not known has the id 0.
func (tx *Tx) thingByKey(key flattr.Key) (storedThing, error) {
	return scanThing(tx.row(selectThingByKey, string(key)))
}

func (tx *Tx) thing(id flattr.ThingID) (storedThing, error) {
	return scanThing(tx.row(selectThing, int64(id)))
}

func scanThing(r row) (storedThing, error) {
	var t storedThing
	err := r.Scan(&t.named, &t.target, &t.id, &t.url, &t.title, &t.owner, &t.parts)
	if errors.Is(err, sql.ErrNoRows) {
		return storedThing{}, nil
	}
	if err != nil {
		return t, fmt.Errorf("read thing: %w", err)
	}
	return t, nil
}

// addThing adds a thing whose key is not known yet. Without an owner it gets
// that of the longest claim which covers it.
func (tx *Tx) addThing(now time.Time, key flattr.Key, ref flattr.ThingRef, owner flattr.MemberID) (storedThing, error) {
	t, err := tx.expected(key)
	if err != nil {
		return t, err
	}
	if owner != 0 {
		t.owner = owner
	}
	return tx.addExpected(now, key, ref, t)
}

// addExpected adds a thing with the owner and the parts that t has already.
func (tx *Tx) addExpected(now time.Time, key flattr.Key, ref flattr.ThingRef, t storedThing) (storedThing, error) {
	if t.profile {
		ref.Title = t.title // of members the ledger knows the name itself
	}
	t.url, t.title, t.named = ref.URL, cut(ref.Title, maxTitle), t.owner
	for attempt := range idAttempts {
		t.id = thingID(t.listed || t.owner != 0 && !ref.Hidden, attempt)
		t.target = t.id
		n, err := tx.exec(insertThing, int64(t.id), string(key), t.url, t.title, cut(ref.Description, maxDescription),
			cut(ref.Category, maxWord), cut(ref.Language, maxWord), joined(ref.Tags),
			number(ref.Hidden), sql.NullInt64{Int64: int64(t.owner), Valid: t.owner != 0}, cut(ref.Owner, maxWord), micros(now),
			sql.NullString{String: string(t.parts), Valid: t.parts != ""})
		if err != nil {
			return t, fmt.Errorf("add thing: %w", err)
		}
		if n == 1 && t.profile {
			err = tx.grant(key)
		}
		if err == nil && n == 1 && t.owner != 0 && !ref.Hidden {
			err = tx.list(t.id)
		}
		if n == 1 {
			return t, err
		}
	}
	return storedThing{}, errors.New("add thing: no free id found")
}

// joined is a thing's tags in one text.
func joined(tags []string) string {
	kept := make([]string, min(len(tags), maxTags))
	for i := range kept {
		kept[i] = cut(tags[i], maxWord)
	}
	return strings.Join(kept, ",")
}

// cut shortens text to most characters and takes out what is no text.
func cut(s string, most int) string {
	kept := make([]rune, 0, min(len(s), most))
	for _, r := range s {
		if len(kept) == most {
			break
		}
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			r = ' '
		}
		kept = append(kept, r)
	}
	return string(kept)
}

// ErrOwnerChanged is what AddThing answers when another member owns the thing.
var ErrOwnerChanged = errors.New("the thing has another owner, which cannot be changed")

// AddThing registers a thing as the operator says it is: its owner, where one is
// named, is verified. A thing that is known keeps its URL, and gets title and
// owner where it had none; then a new owner is as with a claim. It refuses with
// invalid_request what is no URL, and with opted_out an owner where none is wanted.
func (tx *Tx) AddThing(now time.Time, url, title string, owner flattr.MemberID) error {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return err
	}
	t, err := tx.thingByKey(key)
	if err != nil {
		return err
	}
	if owner != 0 {
		if err := tx.takesMoney(key); err != nil {
			return err
		}
	}
	if t.id == 0 {
		if _, err := tx.addThing(now, key, flattr.ThingRef{URL: url, Title: title}, owner); err != nil || owner == 0 {
			return err
		}
		return tx.grant(key)
	}
	if owner != 0 && t.named != 0 && owner != t.named {
		return ErrOwnerChanged
	}
	if title != "" && t.title == "" {
		if _, err := tx.exec(nameThing, cut(title, maxTitle), int64(t.id)); err != nil {
			return fmt.Errorf("name thing: %w", err)
		}
		if err := tx.list(t.id); err != nil {
			return err
		}
	}
	if owner == 0 {
		return nil
	}
	if t.named != 0 {
		return tx.confirm(t.id)
	}
	if err := tx.grant(key); err != nil {
		return err
	}
	return tx.give(now, owner, only(key))
}

const grantThing = `UPDATE thing SET granted = 1 WHERE key = $1`

// grant notes that the owner of a thing does not hang on a claim.
func (tx *Tx) grant(key flattr.Key) error {
	if err := one(tx.exec(grantThing, string(key))); err != nil {
		return fmt.Errorf("grant thing: %w", err)
	}
	return nil
}

const confirmThing = `UPDATE thing SET granted = 1 WHERE id = $1 AND granted = 2`

// confirm notes that the owner whom only a page named has the operator's word.
func (tx *Tx) confirm(id flattr.ThingID) error {
	n, err := tx.exec(confirmThing, int64(id))
	if err == nil && n > 0 {
		_, err = tx.exec(deletePageProof, int64(id))
	}
	if err != nil {
		return fmt.Errorf("confirm owner: %w", err)
	}
	return nil
}
