package world

import (
	"errors"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// eventsAtOnce is how many clicks and undos the store judges together: behind so
// many it gets hardly faster.
const eventsAtOnce = 200

// waiting is a click or an undo that waits for those behind it.
type waiting struct {
	number int
	kind   kind
	store.Arrival
	bad *badError // why it makes no sense; it waits for its turn to be named
}

// event puts a click or an undo to those that wait. Only an error that ends the
// load is returned.
func (r *run) event(l *line, number int) error {
	w := waiting{number: number, kind: l.Type}
	reader, err := r.member(l.Reader)
	if err != nil && !errors.As(err, &w.bad) {
		return err
	}
	w.Arrival = store.Arrival{Now: l.arrived, Reader: reader, Event: flattr.Event{
		ID: l.id, Kind: flattr.KindClick, At: l.at, Thing: flattr.ThingRef{URL: l.URL},
	}}
	if l.Type == undoLine {
		w.Event = flattr.Event{ID: l.id, Kind: flattr.KindUndo, At: l.at, Click: l.click}
	}
	if r.waiting = append(r.waiting, w); len(r.waiting) < eventsAtOnce {
		return nil
	}
	return r.record()
}

// record has the clicks and undos judged that wait.
func (r *run) record() error {
	arrived := make([]store.Arrival, 0, len(r.waiting))
	for _, w := range r.waiting {
		if w.bad == nil {
			arrived = append(arrived, w.Arrival)
		}
	}
	outcomes, err := r.tx.RecordAll(arrived)
	if err != nil {
		return err
	}
	for _, w := range r.waiting {
		var code flattr.Code
		var bad error
		if w.bad != nil {
			bad = w.bad
		} else {
			if code = outcomes[0].Code; code == flattr.Invalid {
				bad = badLine("%s", outcomes[0].Sentence)
			}
			outcomes = outcomes[1:]
		}
		if err := r.applied(w.number, w.kind, code, bad); err != nil {
			return err
		}
	}
	r.waiting = r.waiting[:0]
	return nil
}
