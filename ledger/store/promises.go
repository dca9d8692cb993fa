package store

import (
	"time"

	"flattr/ledger/flattr"
)

// keepPromises makes clicks of the reader's promises of frozen months whose
// things have an owner by now (product rule 12). Those for which means lack
// wait for the next top-up.
func (tx *Tx) keepPromises(now time.Time, reader flattr.MemberID) error { return nil }

// derived is a click that the ledger makes for a reader: of a subscription or
// of a promise.
type derived struct {
	id     flattr.EventID
	reader flattr.MemberID
	thing  flattr.ThingID // not after aliases: what the reader named
	at     time.Time
	month  flattr.Month // where it counts, which is open
}

// derivedResult says what became of a derived click.
type derivedResult string

// The results. Only made and duplicate are logged; the others leave nothing.
const (
	derivedMade      derivedResult = "made"      // it counts
	derivedDuplicate derivedResult = "duplicate" // logged, another click on the thing counts
	derivedLacking   derivedResult = "lacking"   // no means, or the reader owes
	derivedOwn       derivedResult = "own"       // the reader is an author of the thing
	derivedTaken     derivedResult = "taken"     // another event has the id
)

// derive makes a click of the ledger's own: it is logged, holds the budget of
// its month and counts, as one of the reader's would.
func (tx *Tx) derive(now time.Time, d derived) (derivedResult, error) {
	a := &arrival{
		Event: flattr.Event{ID: d.id, Kind: flattr.KindClick, At: d.at, Thing: flattr.ThingRef{ID: d.thing}},
		tx:    tx, reader: d.reader, bucket: d.reader.Bucket(), now: now, at: d.at,
	}
	a.body = bodyOf(d.reader, a.Event)
	if _, known, err := tx.event(d.id); err != nil || known {
		return derivedTaken, err
	}
	out, err := a.click()
	switch {
	case flattr.CodeOf(err) == flattr.NoMeans:
		return derivedLacking, nil
	case err != nil:
		return "", err
	case out.Code == flattr.OwnThing:
		return derivedOwn, nil
	case out.Result == flattr.Duplicate:
		return derivedDuplicate, nil
	}
	return derivedMade, nil
}
