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
	var last *run
	err = l.Store.Write(ctx, func(tx *store.Tx) error {
		// This may run again, where several write to one database.
		last = &run{Loader: l, tx: tx, members: make(map[string]flattr.MemberID), loaded: make(map[string]int)}
		for i, p := range lines {
			if err := last.apply(p); err != nil {
				return err
			}
			if (i+1)%sayEvery == 0 {
				l.Say("applied %d of %d lines", i+1, len(lines))
			}
		}
		return last.record()
	})
	if last != nil {
		last.report(&tally)
	}
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

// pending is what orders a line.
func (l *line) pending(text []byte, number int) pending {
	p := pending{text: text, number: number, arrived: l.arrived.UnixMicro(), rank: ranks[l.Type]}
	if l.Type.timed() {
		p.at, p.id = l.at.UnixMicro(), l.id
	}
	return p
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
				lines = append(lines, parsed.pending(bytes.Clone(text), number))
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
	return badFile(number)
}

// badFile ends a load with a bad line.
func badFile(number int) error {
	return fmt.Errorf("line %d is bad and nothing of the file was kept: %w", number, ErrBad)
}

// run is a file being applied, once.
type run struct {
	*Loader
	tx      *store.Tx
	members map[string]flattr.MemberID // found so far, by name as written
	frozen  flattr.Month               // months up to this one were frozen
	loaded  map[string]int             // by type
	said    []said
	waiting []waiting // clicks and undos that are not judged yet
}

// said is what there is to say of a line that was not applied: a code, or an
// error where it is bad.
type said struct {
	line int
	code flattr.Code
	err  error
}

// report says which lines were not applied, and counts all.
func (r *run) report(tally *Tally) {
	for _, s := range r.said {
		if s.err != nil {
			tally.Bad++
			r.Bad(s.line, s.err)
		} else {
			tally.Refused++
			r.Refused(s.line, s.code)
		}
	}
	tally.Loaded = r.loaded
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
	if l.Type.timed() {
		return r.event(&l, p.number)
	}
	if err := r.record(); err != nil {
		return err
	}
	code, err := r.step(&l)
	return r.applied(p.number, l.Type, code, err)
}

// applied takes down what became of a line. Only an error that ends the load is
// returned.
func (r *run) applied(number int, of kind, code flattr.Code, err error) error {
	var senseless *badError
	switch {
	case errors.As(err, &senseless):
		r.said = append(r.said, said{line: number, err: senseless.reason})
		if !r.KeepGoing {
			return badFile(number)
		}
	case err != nil:
		return fmt.Errorf("line %d: %w", number, err)
	case code != "":
		r.said = append(r.said, said{line: number, code: code})
	default:
		r.loaded[string(of)]++
	}
	return nil
}

// freeze freezes what is due when a line arrives at now.
func (r *run) freeze(now time.Time) error {
	due := flattr.MonthOf(now.Add(-flattr.Grace)).Prev()
	if due <= r.frozen {
		return nil
	}
	if err := r.record(); err != nil {
		return err
	}
	r.frozen = due
	return r.tx.FreezeDue(now)
}

// badError is a line that makes no sense where it stands.
type badError struct{ reason error }

func (e *badError) Error() string { return e.reason.Error() }

func badLine(format string, args ...any) error { return &badError{fmt.Errorf(format, args...)} }
