package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

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
	AsOf     time.Time    // when the running month was summed
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
		if t.Months, t.AsOf, err = tx.thingMonths(now, author, t.ID); err != nil {
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
	name, code, err := tx.saidAs(author)
	if err != nil {
		return t, err
	}
	mine, err := tx.ownedBy(storedThing{id: t.ID, owner: t.owner, parts: t.parts}, author)
	named := flattr.NameKey(asserted) == name || code != "" && asserted == code || registrar == author
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

// thingMonths are the months in which a thing brought an author something, and when
// the running one was summed.
func (tx *Tx) thingMonths(now time.Time, author flattr.MemberID, id flattr.ThingID) (months []ThingMonth, asOf time.Time, err error) {
	running, err := tx.runningMonth(now)
	if err != nil {
		return nil, asOf, err
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
		return nil, asOf, fmt.Errorf("read months that are not computed: %w", err)
	}
	for _, month := range order {
		p, err := tx.preview(now, month, states[month], author)
		if err != nil {
			return nil, asOf, err
		}
		if month == running {
			asOf = p.AsOf
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
		return nil, asOf, fmt.Errorf("read months of a thing: %w", err)
	}
	return months, asOf, nil
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
