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
	"flattr/ledger/money"
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
}

// maxAuthorThings bounds how many things of an author, the newest, are put in
// order at once.
const maxAuthorThings = 20_000

const authorThing = `SELECT o.id, o.url, o.title, COALESCE(o.parts_key, ''), COALESCE(o.owner, 0), o.since FROM thing o
WHERE o.alias_of IS NULL AND o.withdrawn IS NULL AND `

const latestThings = ` ORDER BY o.since DESC, o.id LIMIT `

const (
	selectOwnedThings  = authorThing + `o.owner = $1` + latestThings + `$2`
	selectSharedThings = authorThing + `o.owner IS NOT NULL AND o.owner <> $1
AND o.parts_key IN (SELECT key FROM parts_author WHERE author = $2)
AND EXISTS (SELECT 1 FROM parts_author p WHERE p.key = o.parts_key AND p.author = o.owner)` + latestThings + `$3`
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
		all, err := tx.authorThings(author)
		if err != nil {
			return err
		}
		list.Cut = len(all) > maxAuthorThings
		all = matching(all, search.Words)
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

// authorThings reads an author's things, the newest of each kind first.
func (tx *Tx) authorThings(author flattr.MemberID) (all []AuthorThing, err error) {
	m, err := tx.member(author)
	if err != nil {
		return nil, err
	}
	var code string
	if err := ignoreNone(tx.row(selectFlattrID, int64(author)).Scan(&code)); err != nil {
		return nil, fmt.Errorf("read flattr:id: %w", err)
	}
	for _, kind := range []struct {
		as    Authorship
		query string
		args  []any
	}{
		{Owned, selectOwnedThings, []any{int64(author)}},
		{Shared, selectSharedThings, []any{int64(author), int64(author)}},
		{Asserted, selectAssertedThings, []any{flattr.NameKey(m.Name), cmp.Or(code, flattr.NameKey(m.Name))}},
	} {
		err := tx.each(kind.query, func(rows *sql.Rows) error {
			t := AuthorThing{As: kind.as}
			err := rows.Scan(&t.ID, &t.URL, &t.Title, &t.parts, &t.owner, &t.since)
			all = append(all, t)
			return err
		}, append(kind.args, maxAuthorThings+1)...)
		if err != nil {
			return nil, fmt.Errorf("read things of an author: %w", err)
		}
	}
	return all, nil
}

// matching are the things in whose title and URL all the words are.
func matching(all []AuthorThing, words string) []AuthorThing {
	wanted := strings.Fields(strings.ToLower(words))
	wanted = wanted[:min(len(wanted), maxSearchWords)]
	if len(wanted) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(t AuthorThing) bool {
		text := strings.ToLower(t.Title + "\n" + t.URL)
		return slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(text, word) })
	})
}

// bringing fills in what things bring in the running month, as it stands, and
// brought in the last closed one.
func (tx *Tx) bringing(now time.Time, author flattr.MemberID, all []AuthorThing, list *AuthorThings) (err error) {
	if list.Now, err = tx.runningMonth(now); err != nil {
		return err
	}
	running, err := tx.preview(list.Now, flattr.Open, author)
	if err != nil {
		return err
	}
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

// ThingMonth is what a thing brought one of its authors in a month.
type ThingMonth struct {
	Month   flattr.Month
	Preview bool // not closed: it changes, and nothing is promised
	Clicks  int
	Gross   money.Micro // the author's part
}

// AuthoredThing is all that an author is told of one thing.
type AuthoredThing struct {
	AuthorThing
	Owner    string       // name of the verified owner; "": none
	Months   []ThingMonth // newest first, those that brought something and the running one
	Parts    []NamedPart  // of all authors, where they are several
	PartsURL string       // for which these were set
	Promises int          // that wait
	Days     []ThingDays  // of the running month
	Readers  int          // of the running month
}

const selectAuthorThing = `SELECT o.id, o.url, o.title, COALESCE(o.parts_key, ''), COALESCE(o.owner, 0), o.since, o.asserted, COALESCE(o.registrar, 0)
FROM thing t JOIN thing o ON o.id = COALESCE(t.alias_of, t.id) WHERE t.id = $1 AND o.withdrawn IS NULL`

const selectThingEarned = `
SELECT e.month, e.clicks, e.gross, CASE m.state WHEN 'closed' THEN 0 ELSE 1 END FROM earning e JOIN month m ON m.month = e.month
WHERE e.author = $1 AND e.thing = $2 AND m.state IN ('computed', 'posted', 'closed') ORDER BY e.month DESC`

const selectUncomputed = `SELECT month, state FROM month WHERE state IN ('open', 'frozen') AND month < $1 ORDER BY month DESC`

// AuthorThing is one thing as an author of it sees it. It refuses with not_found
// what is not the author's, as what is not there.
func (s *Store) AuthorThing(ctx context.Context, now time.Time, author flattr.MemberID, id flattr.ThingID) (t AuthoredThing, err error) {
	if err := s.countDays(ctx, now, author, id); err != nil {
		return t, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		t, err = tx.authoredThing(author, id)
		if err != nil {
			return err
		}
		if _, t.Promises, err = tx.promisesFor(now, t.ID); err != nil {
			return err
		}
		if t.Months, err = tx.thingMonths(now, author, t.ID); err != nil {
			return err
		}
		for _, m := range t.Months {
			t.Clicks += m.Clicks
		}
		if t.owner != 0 {
			if err := tx.nameParts(author, &t); err != nil {
				return err
			}
		}
		running, err := tx.runningMonth(now)
		if err != nil {
			return err
		}
		t.Days, t.Readers, err = tx.thingDays(running, t.ID)
		return err
	})
	return t, err
}

// authoredThing reads a thing and how the author stands to it.
func (tx *Tx) authoredThing(author flattr.MemberID, id flattr.ThingID) (t AuthoredThing, err error) {
	var asserted string
	var registrar flattr.MemberID
	err = tx.row(selectAuthorThing, int64(id)).Scan(&t.ID, &t.URL, &t.Title, &t.parts, &t.owner, &t.since, &asserted, &registrar)
	if err := found(err, "thing"); err != nil {
		return t, err
	}
	m, err := tx.member(author)
	if err != nil {
		return t, err
	}
	var code string
	if err := ignoreNone(tx.row(selectFlattrID, int64(author)).Scan(&code)); err != nil {
		return t, fmt.Errorf("read flattr:id: %w", err)
	}
	mine, err := tx.ownedBy(storedThing{id: t.ID, owner: t.owner, parts: t.parts}, author)
	named := flattr.NameKey(asserted) == flattr.NameKey(m.Name) || code != "" && asserted == code || registrar == author
	switch {
	case err != nil:
		return t, err
	case t.owner == author:
		t.As = Owned
	case mine:
		t.As = Shared
	case t.owner == 0 && named:
		t.As = Asserted
	default:
		return t, flattr.Refuse(flattr.NotFound, "There is no such thing of yours.")
	}
	return t, nil
}

// thingMonths are the months in which a thing brought an author something.
func (tx *Tx) thingMonths(now time.Time, author flattr.MemberID, id flattr.ThingID) (months []ThingMonth, err error) {
	running, err := tx.runningMonth(now)
	if err != nil {
		return nil, err
	}
	states := map[flattr.Month]flattr.State{running: flattr.Open}
	order := []flattr.Month{running}
	err = tx.each(selectUncomputed, func(rows *sql.Rows) error {
		var month flattr.Month
		var state flattr.State
		err := rows.Scan(&month, &state)
		states[month], order = state, append(order, month)
		return err
	}, int32(running))
	if err != nil {
		return nil, fmt.Errorf("read months that are not computed: %w", err)
	}
	for _, month := range order {
		p, err := tx.preview(month, states[month], author)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(p.Things, func(t flattr.RevenueThing) bool { return t.ID == id })
		switch {
		case at >= 0:
			months = append(months, ThingMonth{Month: month, Preview: true, Clicks: p.Things[at].Clicks, Gross: p.Things[at].Gross})
		case month == running:
			months = append(months, ThingMonth{Month: month, Preview: true})
		}
	}
	err = tx.each(selectThingEarned, func(rows *sql.Rows) error {
		var m ThingMonth
		err := rows.Scan(&m.Month, &m.Clicks, &m.Gross, &m.Preview)
		months = append(months, m)
		return err
	}, int64(author), int64(id))
	if err != nil {
		return nil, fmt.Errorf("read months of a thing: %w", err)
	}
	return months, nil
}

// nameParts fills in the owner's name and, where several share the thing, theirs.
func (tx *Tx) nameParts(author flattr.MemberID, t *AuthoredThing) error {
	owner, err := scanMember(tx.row(selectMember, t.owner.Bucket(), int64(t.owner)))
	if err != nil {
		return fmt.Errorf("read owner: %w", err)
	}
	t.Owner = owner.Name
	parts, err := tx.authors(storedThing{id: t.ID, owner: t.owner, parts: t.parts})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.Author == author {
			t.BP = p.BP
		}
	}
	if len(parts) < 2 {
		return nil
	}
	if t.Parts, err = tx.named(parts); err != nil {
		return err
	}
	return found(tx.row(selectPartsURL, string(t.parts)).Scan(&t.PartsURL), "parts")
}
