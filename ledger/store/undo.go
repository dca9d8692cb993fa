package store

import (
	"flattr/ledger/flattr"
)

// undo judges an undo.
func (a *arrival) undo() (flattr.Outcome, error) {
	if a.Click.IsZero() || a.Click == a.ID {
		return flattr.Outcome{}, flattr.Refuse(flattr.Invalid, "An undo names the click that it takes back.")
	}
	out := flattr.Outcome{ID: a.ID, Result: flattr.Accepted}
	named, known, err := a.tx.event(a.Click)
	if err == nil && !known && derivable(a.Click) {
		// A subscription of somebody has made it when the month began.
		if err = a.tx.dueAll(a.now); err == nil {
			named, known, err = a.tx.event(a.Click)
		}
	}
	if err != nil {
		return out, err
	}
	if !known {
		return out, a.log(entry{result: flattr.Accepted})
	}
	if named.kind != flattr.KindClick || named.reader != a.reader {
		return a.logRefused(flattr.NotFound, storedThing{})
	}
	if named.result == flattr.Refused {
		return out, a.log(entry{result: flattr.Accepted}) // nothing to take back
	}
	st, err := a.tx.state(named.month)
	if err != nil {
		return out, err
	}
	t, err := a.tx.thing(named.thing)
	if err != nil {
		return out, err
	}
	if st != flattr.Open || !a.now.Before(named.month.FreezeAt()) {
		return a.logRefused(flattr.MonthFrozen, t)
	}
	out.Month = named.month
	describe(&out, t)
	k := spot{month: named.month, reader: a.reader, bucket: a.bucket, thing: named.thing}
	log, err := a.tx.logOf(k)
	if err != nil {
		return out, err
	}
	_, counted := flattr.Counting(log)
	if err := a.log(entry{result: flattr.Accepted}); err != nil {
		return out, err
	}
	counting, counts := flattr.Counting(append(log, flattr.Logged{
		ID: a.ID, Kind: flattr.KindUndo, At: micros(a.at), Click: a.Click,
	}))
	return out, a.tx.count(a.now, k, counted, counting, counts, a.ID)
}
