package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// Authorship is how an author stands to a thing.
type Authorship string

// The ways in which a thing is an author's.
const (
	Owned    Authorship = "owned"    // verified, alone or with others
	Shared   Authorship = "shared"   // another member's, whose parts name the author
	Asserted Authorship = "asserted" // a button or the author said so; nobody has proved it
)

// AuthorThing is a thing as one of its authors sees it.
type AuthorThing struct {
	ID         flattr.ThingID
	URL, Title string
	As         Authorship
	BP         int // the author's part in basis points; 0 of what is only asserted
	Clicks     int // of all time that brought something; of what is asserted: promises that wait
	Now, Last  flattr.RevenueThing

	parts flattr.Key
	owner flattr.MemberID
	since int64
}

// AuthorThings is a page of an author's things.
type AuthorThings struct {
	Things []AuthorThing // what brings most in the two months first, then the newest
	Total  int           // that were found
	Cut    bool          // there are older things than were looked at
	Now    flattr.Month  // the running month
	Last   flattr.Month  // the last closed one; 0: none yet
	AsOf   time.Time     // when the running month was summed
}

// maxAuthorThings bounds how many things of an author, the newest, are put in
// order at once.
const maxAuthorThings = 10_000

// Titles are read where they are searched, and else of the things that are shown:
// without them an index answers.
const (
	authorThing = `SELECT o.id, '', COALESCE(o.parts_key, ''), COALESCE(o.owner, 0), o.since FROM thing o
WHERE o.alias_of IS NULL AND o.withdrawn IS NULL AND `
	nothingRead = "o.id, '',"
	titleRead   = "o.id, o.title || ' ' || o.url,"
)

const latestThings = ` ORDER BY o.since DESC, o.id LIMIT `

var (
	selectOwnedThings  = authorThing + `o.owner = $1` + latestThings + `$2`
	selectSharedThings = authorThing + `o.owner IS NOT NULL AND o.owner <> $1
AND o.parts_key IN (SELECT key FROM parts_author WHERE author = $2)
AND ` + partsHold("o", "o.owner") + latestThings + `$3`
	selectAssertedThings = authorThing + `o.owner IS NULL AND o.asserted <> '' AND LOWER(o.asserted) IN ($1, $2)` + latestThings + `$3`
)

// ThingSearch says which of an author's things are wanted.
type ThingSearch struct {
	Words         string // all of them are in title or URL; "": every thing
	Limit, Offset int
}

// AuthorThings are an author's things: those they own, those in which they have a
// part, and those of which only a button says that they are theirs.
func (s *Store) AuthorThings(ctx context.Context, now time.Time, author flattr.MemberID, search ThingSearch) (list AuthorThings, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		list = AuthorThings{}
		all, looked, err := tx.authorThings(author, searchedWords(search.Words))
		if err != nil {
			return err
		}
		list.Cut = looked > maxAuthorThings
		if err := tx.bringing(now, author, all, &list); err != nil {
			return err
		}
		slices.SortStableFunc(all, func(a, b AuthorThing) int {
			return cmp.Or(cmp.Compare(b.Now.Gross+b.Last.Gross, a.Now.Gross+a.Last.Gross), rank(a.As)-rank(b.As), cmp.Compare(b.since, a.since))
		})
		list.Total = len(all)
		all = all[min(max(search.Offset, 0), len(all)):]
		list.Things = all[:min(max(search.Limit, 0), len(all))]
		for i := range list.Things {
			if err := tx.fillAuthorThing(now, author, &list.Things[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// rank puts what is proved before what is not.
func rank(as Authorship) int {
	if as == Asserted {
		return 1
	}
	return 0
}

// authorThings reads an author's things in whose title or URL all the words are,
// the newest of each kind first, without title and URL. looked is among how many.
func (tx *Tx) authorThings(author flattr.MemberID, words []string) (all []AuthorThing, looked int, err error) {
	name, code, err := tx.saidAs(author)
	if err != nil {
		return nil, 0, err
	}
	for _, kind := range []struct {
		as    Authorship
		query string
		args  []any
	}{
		{Owned, selectOwnedThings, []any{int64(author)}},
		{Shared, selectSharedThings, []any{int64(author), int64(author)}},
		{Asserted, selectAssertedThings, []any{name, cmp.Or(code, name)}},
	} {
		query := kind.query
		if len(words) > 0 {
			query = strings.Replace(query, nothingRead, titleRead, 1)
		}
		err := tx.each(query, func(rows *sql.Rows) error {
			t := AuthorThing{As: kind.as}
			var text string
			err := rows.Scan(&t.ID, &text, &t.parts, &t.owner, &t.since)
			looked++
			text = strings.ToLower(text)
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
				all = append(all, t)
			}
			return err
		}, append(kind.args, maxAuthorThings+1)...)
		if err != nil {
			return nil, 0, fmt.Errorf("read things of an author: %w", err)
		}
	}
	return all, looked, nil
}

// saidAs is how buttons name a member: by name, in lower case, or by flattr:id;
// "" is none.
func (tx *Tx) saidAs(member flattr.MemberID) (name, code string, err error) {
	m, err := tx.member(member)
	if err != nil {
		return "", "", err
	}
	if err := ignoreNone(tx.row(selectFlattrID, int64(member)).Scan(&code)); err != nil {
		return "", "", fmt.Errorf("read flattr:id: %w", err)
	}
	return flattr.NameKey(m.Name), code, nil
}

// bringing fills in what things bring in the running month, as it stands, and
// brought in the last closed one.
func (tx *Tx) bringing(now time.Time, author flattr.MemberID, all []AuthorThing, list *AuthorThings) (err error) {
	if list.Now, err = tx.runningMonth(now); err != nil {
		return err
	}
	running, err := tx.preview(now, list.Now, flattr.Open, author)
	if err != nil {
		return err
	}
	list.AsOf = running.AsOf
	var last flattr.RevenueMonth
	if list.Last, err = tx.lastClosed(); err != nil {
		return err
	}
	if list.Last != 0 {
		if last, err = tx.earned(list.Last, author); err != nil {
			return err
		}
	}
	byID := func(m flattr.RevenueMonth) map[flattr.ThingID]flattr.RevenueThing {
		things := make(map[flattr.ThingID]flattr.RevenueThing, len(m.Things))
		for _, t := range m.Things {
			things[t.ID] = t
		}
		return things
	}
	inNow, inLast := byID(running), byID(last)
	for i := range all {
		all[i].Now, all[i].Last = inNow[all[i].ID], inLast[all[i].ID]
	}
	return nil
}

// lastClosed is the last closed month; 0: there is none yet.
func (tx *Tx) lastClosed() (month flattr.Month, err error) {
	if err := tx.row(selectLastClosed).Scan(&month); err != nil {
		return 0, fmt.Errorf("read the last closed month: %w", err)
	}
	return month, nil
}

const sumEarnedClicks = `
SELECT CAST(COALESCE(SUM(e.clicks), 0) AS BIGINT) FROM earning e JOIN month m ON m.month = e.month
WHERE e.author = $1 AND e.thing = $2 AND m.month < $3`

const countPromisesFor = `
SELECT (SELECT COUNT(*) FROM promise p WHERE p.thing IN ` + withAliases + ` AND p.state = 'waiting' AND p.month >= $2)
+ (SELECT COUNT(*) FROM counted c WHERE c.month IN (SELECT month FROM month WHERE state = 'open') AND c.thing IN ` + withAliases + `
   AND (SELECT o.owner FROM thing o WHERE o.id = $1) IS NULL)`

// fillAuthorThing fills in what is read thing by thing.
func (tx *Tx) fillAuthorThing(now time.Time, author flattr.MemberID, t *AuthorThing) error {
	if err := tx.row(selectTitle, int64(t.ID)).Scan(&t.URL, &t.Title); err != nil {
		return fmt.Errorf("read thing: %w", err)
	}
	if t.As == Asserted {
		_, waiting, err := tx.promisesFor(now, t.ID)
		t.Clicks = waiting
		return err
	}
	parts, err := tx.authors(storedThing{id: t.ID, owner: t.owner, parts: t.parts})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.Author == author {
			t.BP = p.BP
		}
	}
	running, err := tx.runningMonth(now)
	if err != nil {
		return err
	}
	if err := tx.row(sumEarnedClicks, int64(author), int64(t.ID), int32(running)).Scan(&t.Clicks); err != nil {
		return fmt.Errorf("sum clicks on a thing: %w", err)
	}
	t.Clicks += t.Now.Clicks
	return nil
}

// promisesFor counts the promises for a thing and its aliases that wait, and
// names the oldest month whose promises do.
func (tx *Tx) promisesFor(now time.Time, id flattr.ThingID) (oldest flattr.Month, waiting int, err error) {
	if _, oldest, err = tx.promising(now); err != nil {
		return 0, 0, err
	}
	if err := tx.row(countPromisesFor, int64(id), int32(oldest)).Scan(&waiting); err != nil {
		return 0, 0, fmt.Errorf("count promises for a thing: %w", err)
	}
	return oldest, waiting, nil
}
