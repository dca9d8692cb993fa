package world

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// Limits of a file. Lines are kept in memory until they are applied, since they
// are applied in the order of arrival.
const (
	maxLineBytes = 1 << 20    // a thing with the longest URL takes 2 KB; titles may run on
	maxLines     = 10_000_000 // a few gigabytes of memory; cut larger files
)

// sayEvery is after how many applied lines the operator hears of it.
const sayEvery = 100_000

// Loader loads files into a ledger.
type Loader struct {
	Store     *store.Store
	KeepGoing bool                             // keep the good lines of a file with bad ones
	Refused   func(line int, code flattr.Code) // a line was refused by a rule
	Bad       func(line int, err error)        // a line makes no sense
	Say       func(format string, args ...any) // progress
}

// Tally is what became of the lines of a file.
type Tally struct {
	Loaded  map[string]int // by type
	Refused int
	Bad     int
}

// ErrBad is what Load answers when a file has a bad line. Unless KeepGoing is
// set, nothing of the file was kept.
var ErrBad = errors.New("bad line")

// Load applies the lines of a file in the order of their arrival, freezing each
// open month as soon as a line arrives at or after the end of its grace. All
// of it is one transaction.
func (l *Loader) Load(ctx context.Context, from io.Reader) (Tally, error) {
	tally := Tally{Loaded: make(map[string]int)}
	lines, err := l.read(from, &tally)
	if err != nil {
		return tally, err
	}
	slices.SortFunc(lines, pending.compare)
	err = l.Store.Write(ctx, func(tx *store.Tx) error {
		run := &run{Loader: l, tx: tx, tally: &tally, members: make(map[string]flattr.MemberID)}
		for i, p := range lines {
			if err := run.apply(p); err != nil {
				return err
			}
			if (i+1)%sayEvery == 0 {
				l.Say("loaded %d of %d lines", i+1, len(lines))
			}
		}
		return nil
	})
	if err != nil {
		return tally, err
	}
	if tally.Bad > 0 {
		return tally, fmt.Errorf("%d %w(s)", tally.Bad, ErrBad)
	}
	return tally, nil
}

// pending is a line that waits to be applied: its text and what orders it.
type pending struct {
	text    []byte
	number  int
	arrived int64
	at      int64
	rank    int8
	id      flattr.EventID
}

// compare orders lines by arrival, then type, then, of clicks and undos, own
// time and id, then as they stand in the file.
func (p pending) compare(q pending) int {
	if c := cmp.Or(cmp.Compare(p.arrived, q.arrived), cmp.Compare(p.rank, q.rank)); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(p.at, q.at), bytes.Compare(p.id[:], q.id[:])); c != 0 {
		return c
	}
	return cmp.Compare(p.number, q.number)
}

// byteOrderMark is what some editors put before a text; it is no part of it.
var byteOrderMark = []byte("\ufeff")

// read reads all lines. Empty lines are no lines.
func (l *Loader) read(from io.Reader, tally *Tally) ([]pending, error) {
	var lines []pending
	in := bufio.NewReaderSize(from, maxLineBytes)
	for number := 1; ; number++ {
		text, long, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read line %d: %w", number, err)
		}
		ended := err != nil
		if number == 1 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}
		if text = bytes.TrimSpace(text); long || len(text) > 0 {
			if len(lines) == maxLines {
				return nil, fmt.Errorf("line %d: more than %d lines in a file", number, maxLines)
			}
			var parsed line
			if long {
				err = fmt.Errorf("malformed: longer than %d bytes", maxLineBytes)
			} else {
				parsed, err = parse(text)
			}
			switch {
			case err == nil:
				lines = append(lines, pending{
					text: bytes.Clone(text), number: number, arrived: parsed.arrived.UnixMicro(),
					at: parsed.at.UnixMicro(), rank: parsed.Type.rank(), id: parsed.id,
				})
			default:
				if err := l.bad(tally, number, err); err != nil {
					return nil, err
				}
			}
		}
		if ended {
			return lines, nil
		}
	}
}

// readLine reads the next line with its end, or skips one that is too long. The
// text holds until the next read.
func readLine(in *bufio.Reader) (text []byte, long bool, err error) {
	text, err = in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, false, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	return nil, true, err
}

// bad reports a bad line, and ends the load unless it keeps going.
func (l *Loader) bad(tally *Tally, number int, err error) error {
	tally.Bad++
	l.Bad(number, err)
	if l.KeepGoing {
		return nil
	}
	return fmt.Errorf("line %d is bad and nothing of the file was kept: %w", number, ErrBad)
}

// run is a file being applied.
type run struct {
	*Loader
	tx      *store.Tx
	tally   *Tally
	members map[string]flattr.MemberID // found so far, by name as written
	frozen  flattr.Month               // months up to this one were frozen
}

// apply applies one line. Only an error that ends the load is returned.
func (r *run) apply(p pending) error {
	l, err := parse(p.text)
	if err != nil {
		return fmt.Errorf("line %d: %w", p.number, err) // it could be read before
	}
	if err := r.freeze(l.arrived); err != nil {
		return fmt.Errorf("line %d: %w", p.number, err)
	}
	code, err := r.step(l)
	var senseless *badError
	switch {
	case errors.As(err, &senseless):
		return r.bad(r.tally, p.number, senseless.reason)
	case err != nil:
		return fmt.Errorf("line %d: %w", p.number, err)
	case code != "":
		r.tally.Refused++
		r.Refused(p.number, code)
	default:
		r.tally.Loaded[string(l.Type)]++
	}
	return nil
}

// freeze freezes what is due when a line arrives at now.
func (r *run) freeze(now time.Time) error {
	due := flattr.MonthOf(now.Add(-flattr.Grace)).Prev()
	if due <= r.frozen {
		return nil
	}
	r.frozen = due
	return r.tx.FreezeDue(now)
}

// badError is a line that makes no sense where it stands.
type badError struct{ reason error }

func (e *badError) Error() string { return e.reason.Error() }

func badLine(format string, args ...any) error { return &badError{fmt.Errorf(format, args...)} }

// step does what a line says: a code when a rule refuses it, a *badError when
// it makes no sense. Both leave nothing behind.
func (r *run) step(l line) (flattr.Code, error) {
	switch l.Type {
	case memberLine:
		_, err := r.tx.AddMember(l.arrived, store.NewMember{Name: l.Name, Budget: l.budget, Means: l.amount})
		if flattr.CodeOf(err) != "" {
			return "", badLine("member %q: %w", l.Name, err)
		}
		return "", err
	case thingLine:
		return "", r.thing(l)
	case clickLine, undoLine:
		return r.event(l)
	case budgetLine:
		id, err := r.member(l.Name)
		if err != nil {
			return "", err
		}
		err = r.tx.SetBudget(l.arrived, id, l.budget)
		if code := flattr.CodeOf(err); code != "" {
			return code, nil
		}
		return "", err
	case creditLine:
		id, err := r.member(l.Name)
		if err != nil {
			return "", err
		}
		_, err = r.tx.Credit(l.arrived, id, l.amount, l.Ref)
		return "", err
	case policyLine:
		set, err := l.policies()
		if err != nil {
			return "", err
		}
		for _, p := range set {
			if err := r.tx.SetPolicy(l.arrived, p.name, p.value); err != nil {
				return "", err
			}
		}
		return "", nil
	}
	return "", badLine("unknown type %q", l.Type)
}

// member is the id of a member that a line names.
func (r *run) member(name string) (flattr.MemberID, error) {
	if id, ok := r.members[name]; ok {
		return id, nil
	}
	id, err := r.tx.MemberID(name)
	if flattr.CodeOf(err) == flattr.NotFound {
		return 0, badLine("unknown name %.60q", name)
	}
	if err == nil {
		r.members[name] = id
	}
	return id, err
}

func (r *run) thing(l line) error {
	var owner flattr.MemberID
	if l.Owner != "" {
		var err error
		if owner, err = r.member(l.Owner); err != nil {
			return err
		}
	}
	err := r.tx.AddThing(l.arrived, l.URL, l.Title, owner)
	if errors.Is(err, store.ErrOwnerChanged) || flattr.CodeOf(err) != "" {
		return badLine("thing %.200q: %w", l.URL, err)
	}
	return err
}

func (r *run) event(l line) (flattr.Code, error) {
	reader, err := r.member(l.Reader)
	if err != nil {
		return "", err
	}
	e := flattr.Event{ID: l.id, Kind: flattr.KindClick, At: l.at, Thing: flattr.ThingRef{URL: l.URL}}
	if l.Type == undoLine {
		e = flattr.Event{ID: l.id, Kind: flattr.KindUndo, At: l.at, Click: l.click}
	}
	out, err := r.tx.Record(l.arrived, reader, e)
	if err != nil {
		return "", err
	}
	if out.Code == flattr.Invalid {
		return "", badLine("%s", out.Sentence)
	}
	return out.Code, nil
}
