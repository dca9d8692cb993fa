package flattr

import (
	"bytes"
	"slices"
)

// Logged is one event of a reader, month and thing as the log holds it: each
// accepted click, and the undos and voids that name one of them.
type Logged struct {
	ID    EventID
	Kind  Kind
	At    int64   // microseconds since 1970
	Click EventID // of an undo or void
	Late  bool
}

// place is where an event stands in the order of rule 7.
type place struct {
	at    int64
	id    EventID
	after bool // an undo right behind the click it names
}

func (p place) compare(q place) int {
	if p.at != q.at {
		if p.at < q.at {
			return -1
		}
		return 1
	}
	if c := bytes.Compare(p.id[:], q.id[:]); c != 0 {
		return c
	}
	switch {
	case p.after == q.after:
		return 0
	case q.after:
		return -1
	}
	return 1
}

// Counting is the click that counts among the events of one reader, month and
// thing (product rule 7), or false when none does: in the order of (time, id)
// the first click after the last undo. An undo takes back whatever counts at
// its time and never comes before the click it names; a voided click never
// counts. The order of log does not matter; it is not kept.
func Counting(log []Logged) (Logged, bool) {
	if len(log) == 1 && log[0].Kind == KindClick {
		return log[0], true
	}
	clicks := make(map[EventID]place, len(log))
	voided := make(map[EventID]bool)
	for _, e := range log {
		switch e.Kind {
		case KindClick:
			clicks[e.ID] = place{at: e.At, id: e.ID}
		case KindVoid:
			voided[e.Click] = true
		case KindUndo:
		}
	}
	type step struct {
		place
		event Logged
	}
	steps := make([]step, 0, len(log))
	for _, e := range log {
		p := place{at: e.At, id: e.ID}
		switch e.Kind {
		case KindVoid:
			continue
		case KindClick:
			if voided[e.ID] {
				continue
			}
		case KindUndo:
			named, known := clicks[e.Click]
			if !known {
				continue
			}
			if p.compare(named) < 0 {
				p = place{at: named.at, id: named.id, after: true}
			}
		}
		steps = append(steps, step{p, e})
	}
	slices.SortFunc(steps, func(a, b step) int { return a.compare(b.place) })
	var counting Logged
	found := false
	for _, s := range steps {
		switch {
		case s.event.Kind == KindUndo:
			counting, found = Logged{}, false
		case !found:
			counting, found = s.event, true
		}
	}
	return counting, found
}
