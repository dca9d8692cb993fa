package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// registration is a thing as those need it who edit it.
type registration struct {
	id        flattr.ThingID
	owner     flattr.MemberID // verified; 0: none
	registrar flattr.MemberID // 0: nobody has registered it
	withdrawn bool            // out of view
}

const registrationColumns = `
SELECT o.id, COALESCE(o.owner, 0), COALESCE(o.registrar, 0), CASE WHEN ` + outOfView + ` THEN 1 ELSE 0 END FROM thing o `

const selectRegistration = registrationColumns + `WHERE o.id = $1`

const selectRegistrationByKey = registrationColumns + `WHERE o.key = $1`

// registration reads a thing; one that is not known has the id 0.
func (tx *Tx) registration(query string, arg any) (r registration, err error) {
	err = tx.row(query, arg).Scan(&r.id, &r.owner, &r.registrar, &r.withdrawn)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("read thing: %w", err)
	}
	return r, nil
}

// editor is who may edit the thing: its verified owner, else who registered it.
func (r registration) editor() flattr.MemberID {
	if r.owner != 0 {
		return r.owner
	}
	return r.registrar
}

const registerThing = `
UPDATE thing SET title = $1, description = $2, category = $3, language = $4, tags = $5, hidden = $6,
asserted = CASE WHEN asserted = '' THEN $7 ELSE asserted END, registrar = $8, updated = $9, withdrawn = NULL, look = 0, looks = 0 WHERE id = $10`

// Register books that a member says a URL is theirs, and how it is described. The
// member is its registrar and may edit it, and is its asserted owner, who earns
// nothing: clicks stay promises until a claim covers the URL (product rule 11).
// Whom a button has named before stays named, so that the page is looked at.
// One that a claim of the member covers is theirs at once. It refuses with
// forbidden what has another verified owner, with registered what somebody has
// registered before, and with invalid_request what is no URL.
func (tx *Tx) Register(now time.Time, member flattr.MemberID, ref flattr.ThingRef) (flattr.ThingID, error) {
	key, err := flattr.KeyOf(ref.URL)
	if err != nil {
		return 0, err
	}
	m, err := tx.member(member)
	if err != nil {
		return 0, err
	}
	r, err := tx.registration(selectRegistrationByKey, string(key))
	if err != nil {
		return 0, err
	}
	if err := r.mayRegister(member); err != nil {
		return 0, err
	}
	if r.id == 0 {
		expected, err := tx.expected(key)
		if err == nil {
			err = registration{owner: expected.owner}.mayRegister(member)
		}
		if err != nil {
			return 0, err
		}
		expected.listed = !ref.Hidden
		made, err := tx.addExpected(now, key, flattr.ThingRef{URL: ref.URL}, expected)
		if err != nil {
			return 0, err
		}
		r.id = made.id
	}
	err = one(tx.exec(registerThing, cut(ref.Title, maxTitle), cut(ref.Description, maxDescription), cut(ref.Category, maxWord),
		cut(ref.Language, maxWord), joined(ref.Tags), number(ref.Hidden), cut(m.Name, maxWord), int64(member), micros(now), int64(r.id)))
	if err != nil {
		return 0, fmt.Errorf("register thing: %w", err)
	}
	return r.id, tx.list(r.id)
}

// mayRegister refuses who may not register the thing.
func (r registration) mayRegister(member flattr.MemberID) error {
	switch {
	case r.owner != 0 && r.owner != member:
		return flattr.Refuse(flattr.Forbidden, "This URL belongs to another member. If it is yours, ask the operator of this ledger.")
	case r.registrar == member:
		return flattr.Refuse(flattr.Registered, fmt.Sprintf("You have registered this URL already: it is the thing %d. Change that one.", r.id))
	case r.registrar == 0 || r.owner == member:
		return nil
	}
	return flattr.Refuse(flattr.Registered, "Another member has registered this URL before. If it is yours, claim it.")
}

// Edit is what to change of a thing; what is nil stays.
type Edit struct {
	Title, Description, Category, Language *string
	Tags                                   *[]string
	Hidden                                 *bool
}

const editThing = `
UPDATE thing SET title = COALESCE($1, title), description = COALESCE($2, description), category = COALESCE($3, category),
language = COALESCE($4, language), tags = COALESCE($5, tags), hidden = COALESCE($6, hidden), updated = $7 WHERE id = $8`

// Edit changes how a thing is described. It refuses with not_found what is not
// there any more, and with forbidden who is neither its verified owner nor,
// while it has none, its registrar.
func (tx *Tx) Edit(now time.Time, member flattr.MemberID, id flattr.ThingID, e Edit) error {
	if _, err := tx.editable(member, id); err != nil {
		return err
	}
	text := func(s *string, most int) sql.NullString {
		if s == nil {
			return sql.NullString{}
		}
		return sql.NullString{String: cut(*s, most), Valid: true}
	}
	var tags sql.NullString
	if e.Tags != nil {
		tags = sql.NullString{String: joined(*e.Tags), Valid: true}
	}
	var hidden sql.NullInt64
	if e.Hidden != nil {
		hidden = sql.NullInt64{Int64: int64(number(*e.Hidden)), Valid: true}
	}
	err := one(tx.exec(editThing, text(e.Title, maxTitle), text(e.Description, maxDescription), text(e.Category, maxWord),
		text(e.Language, maxWord), tags, hidden, micros(now), int64(id)))
	if err != nil {
		return fmt.Errorf("edit thing: %w", err)
	}
	return tx.list(id)
}

// editable is a thing that the member may edit, or a refusal.
func (tx *Tx) editable(member flattr.MemberID, id flattr.ThingID) (registration, error) {
	r, err := tx.registration(selectRegistration, int64(id))
	switch {
	case err != nil:
		return r, err
	case r.id == 0 || r.withdrawn:
		return r, flattr.Refuse(flattr.NotFound, "There is no such thing.")
	case r.editor() != member:
		return r, flattr.Refuse(flattr.Forbidden, "This thing belongs to somebody else. Only its owner can change it.")
	}
	return r, nil
}

const withdrawThing = `
UPDATE thing SET withdrawn = $1, hidden = CASE WHEN owner IS NULL THEN 0 ELSE 1 END, description = '', tags = '', registrar = NULL,
asserted = CASE WHEN asserted = $2 THEN '' ELSE asserted END WHERE id = $3`

// Withdraw takes a thing out of view, for the owner or registrar: it is listed,
// found and edited no more until it is registered again. The row stays, since
// the log and the books name it, and so do its URL and title, by which readers
// know what they gave to. A verified owner stays it too: what was clicked still
// earns as it would have, and nobody else comes to own it by that; promises stay
// promises, for whoever proves the URL to be theirs. A registrar takes back what
// they said; what somebody flattrs, or has flattred, stays in view without it,
// since it may be another's. It refuses as Edit does.
func (tx *Tx) Withdraw(now time.Time, member flattr.MemberID, id flattr.ThingID) error {
	if _, err := tx.editable(member, id); err != nil {
		return err
	}
	m, err := tx.member(member)
	if err != nil {
		return err
	}
	if err := one(tx.exec(withdrawThing, micros(now), cut(m.Name, maxWord), int64(id))); err != nil {
		return fmt.Errorf("withdraw thing: %w", err)
	}
	return tx.list(id)
}

// Register is Tx.Register in a transaction of its own.
func (s *Store) Register(ctx context.Context, now time.Time, member flattr.MemberID, ref flattr.ThingRef) (id flattr.ThingID, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		id, err = tx.Register(now, member, ref)
		return err
	})
	return id, err
}

// Edit is Tx.Edit in a transaction of its own.
func (s *Store) Edit(ctx context.Context, now time.Time, member flattr.MemberID, id flattr.ThingID, e Edit) error {
	return s.write(ctx, func(tx *Tx) error { return tx.Edit(now, member, id, e) })
}

// Withdraw is Tx.Withdraw in a transaction of its own.
func (s *Store) Withdraw(ctx context.Context, now time.Time, member flattr.MemberID, id flattr.ThingID) error {
	return s.write(ctx, func(tx *Tx) error { return tx.Withdraw(now, member, id) })
}

// Known is what the ledger knows of a URL.
type Known struct {
	Thing   flattr.ThingID // 0: there is none to be seen
	Owner   string         // name of the verified owner, of the thing or of what would become one; empty: none
	Covered bool           // a claim covers the URL, so that a click would be paid
}

const selectKnown = `
SELECT o.id, CASE WHEN ` + outOfView + ` THEN 1 ELSE 0 END, COALESCE(m.name, '')
FROM thing o LEFT JOIN member m ON m.id = o.owner WHERE o.key = $1`

// LookUp finds the thing of a URL. It refuses with invalid_request what is no URL.
func (s *Store) LookUp(ctx context.Context, url string) (known Known, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return Known{}, err
	}
	err = s.glance(ctx, func(tx *Tx) error {
		known = Known{}
		var withdrawn bool
		err := tx.row(selectKnown, string(key)).Scan(&known.Thing, &withdrawn, &known.Owner)
		if errors.Is(err, sql.ErrNoRows) {
			known.Owner, err = tx.ownerOfNew(key)
		}
		if err != nil {
			return fmt.Errorf("look up thing: %w", err)
		}
		if withdrawn {
			known.Thing = 0
		}
		known.Covered = known.Owner != ""
		return nil
	})
	return known, err
}

// ownerOfNew is the name of who would own a thing of that key when it is met;
// "": nobody.
func (tx *Tx) ownerOfNew(key flattr.Key) (string, error) {
	t, err := tx.expected(key)
	if err != nil || t.owner == 0 {
		return "", err
	}
	m, err := scanMember(tx.row(selectMember, t.owner.Bucket(), int64(t.owner)))
	return m.Name, err
}
