package store

import (
	"time"

	"flattr/ledger/flattr"
)

// derived is a click that the ledger makes for a reader: of a subscription or
// of a promise.
type derived struct {
	id     flattr.EventID
	reader flattr.MemberID
	thing  flattr.ThingID // what the reader named, before aliases
	at     time.Time
	month  flattr.Month // where it counts, which is open
}

// derivedResult says what became of a derived click.
type derivedResult string

// The results. Only made and duplicate are logged; the others leave nothing.
const (
	derivedMade      derivedResult = "made"      // it counts
	derivedDuplicate derivedResult = "duplicate" // another click on the thing counts
	derivedLacking   derivedResult = "lacking"   // no means, or the reader owes
	derivedOwn       derivedResult = "own"       // the reader is an author of the thing
	derivedTaken     derivedResult = "taken"     // another event has the id
)

// derive makes a click of the ledger's own: it is logged, holds the budget of
// its month and counts, as one of the reader's would.
func (tx *Tx) derive(now time.Time, d derived) (derivedResult, error) {
	if _, known, err := tx.event(d.id); err != nil || known {
		return derivedTaken, err
	}
	t, err := tx.thing(d.thing)
	if err != nil {
		return "", err
	}
	if own, err := tx.ownedBy(t, d.reader); err != nil || own {
		return derivedOwn, err
	}
	a := &arrival{
		Event: flattr.Event{ID: d.id, Kind: flattr.KindClick, At: d.at, Thing: flattr.ThingRef{ID: d.thing}},
		tx:    tx, reader: d.reader, bucket: d.reader.Bucket(), now: now, at: d.at,
	}
	a.body = bodyOf(d.reader, a.Event)
	out, err := a.enter(t, "", d.month, d.month != flattr.MonthOf(d.at))
	switch {
	case flattr.CodeOf(err) != "":
		return derivedLacking, nil // no_means, or an account at the end of what can be counted
	case err != nil:
		return "", err
	case out.Result == flattr.Duplicate:
		return derivedDuplicate, nil
	}
	return derivedMade, nil
}
