package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Record judges events of a reader that arrived at now, in the order given and
// each by itself, in one transaction, also with what others send meanwhile: what
// several of them touch is written once. The outcomes stand in the same order and
// are durable when it returns.
func (s *Store) Record(ctx context.Context, now time.Time, reader flattr.MemberID, events []flattr.Event) ([]flattr.Outcome, error) {
	answer, err := s.together.deliver(ctx, now, reader, events, false)
	return answer.Outcomes, err
}

// Answer is what a companion hears of a batch.
type Answer struct {
	Outcomes []flattr.Outcome
	Means    money.Micro
	Months   []flattr.MonthSummary
}

// RecordAndSum is Record, and then Summaries, in one transaction: what the sums
// need was just written and is still at hand.
func (s *Store) RecordAndSum(ctx context.Context, now time.Time, reader flattr.MemberID, events []flattr.Event) (answer Answer, err error) {
	if len(events) > 0 {
		return s.together.deliver(ctx, now, reader, events, true)
	}
	answer.Means, answer.Months, err = s.Summaries(ctx, now, reader)
	return answer, err
}

// arriveAll looks at events by themselves, before others have to wait.
func arriveAll(now time.Time, reader flattr.MemberID, events []flattr.Event) []*arrival {
	arrivals := make([]*arrival, len(events))
	for i, e := range events {
		arrivals[i] = arrive(now, reader, e)
	}
	return arrivals
}

// arrival is one event on its way into the log.
type arrival struct {
	flattr.Event
	tx     *Tx
	reader flattr.MemberID
	bucket int
	now    time.Time
	at     time.Time // the reader's time, clamped to now
	body   [sha256.Size]byte
	key    flattr.Key // of the thing's URL; empty where it has none
	badURL error      // why it has none
}

// arrive looks at an event by itself.
func arrive(now time.Time, reader flattr.MemberID, e flattr.Event) *arrival {
	a := &arrival{Event: e, reader: reader, bucket: reader.Bucket(), now: now}
	if !a.sound() {
		return a
	}
	a.at = e.At.UTC().Truncate(time.Microsecond)
	a.body = bodyOf(reader, e)
	if a.at.After(now) {
		a.at = now
	}
	if e.Thing.URL != "" {
		a.key, a.badURL = flattr.KeyOf(e.Thing.URL)
	}
	return a
}

// sound reports whether the event has what every event needs.
func (a *arrival) sound() bool { return !a.ID.IsZero() && !a.At.IsZero() }

// Record is Store.Record for one event inside a transaction. What is refused
// without having been logged leaves nothing behind.
func (tx *Tx) Record(now time.Time, reader flattr.MemberID, e flattr.Event) (flattr.Outcome, error) {
	return tx.record(arrive(now, reader, e))
}

func (tx *Tx) record(a *arrival) (flattr.Outcome, error) {
	a.tx = tx
	if !a.sound() {
		return a.refuse(flattr.Refuse(flattr.Invalid, "An event needs an id and a time.")), nil
	}
	outcome, err := a.judge()
	// A refusal is the answer; any other error ends the transaction.
	var refused *flattr.Error
	if errors.As(err, &refused) {
		return a.refuse(refused), nil
	}
	if err != nil || outcome.Result == flattr.Refused {
		return outcome, err
	}
	return outcome, tx.retry(a.now, a.reader) // means may have come back, or the month be paid now
}

// judge judges the event. A *flattr.Error is a refusal that leaves nothing behind.
func (a *arrival) judge() (flattr.Outcome, error) {
	if err := a.tx.due(a.now, a.reader); err != nil {
		return flattr.Outcome{}, err
	}
	if outcome, known, err := a.before(); known || err != nil {
		return outcome, err
	}
	switch a.Kind {
	case flattr.KindClick:
		return a.click()
	case flattr.KindUndo:
		return a.undo()
	case flattr.KindVoid:
	}
	return flattr.Outcome{}, flattr.Refuse(flattr.Invalid, "An event is a click or an undo.")
}

// bodyOf is the SHA-256 over what the reader sent, without the description of
// the thing, which may have changed on the page between two tries.
func bodyOf(reader flattr.MemberID, e flattr.Event) [sha256.Size]byte {
	text, err := json.Marshal([]any{
		int64(reader), e.Kind, e.At.UnixMicro(), e.Thing.URL, int64(e.Thing.ID), e.Thing.FID, e.Click.String(),
	})
	if err != nil {
		panic(err) // numbers and strings can be marshalled
	}
	return sha256.Sum256(text)
}

// refuse answers a refusal.
func (a *arrival) refuse(e *flattr.Error) flattr.Outcome {
	return flattr.Outcome{
		ID: a.ID, Result: flattr.Refused, Code: e.Code, Sentence: e.Sentence, Retry: e.Code == flattr.NoMeans,
	}
}

const selectEvent = `
SELECT kind, reader, COALESCE(month, 0), COALESCE(thing, 0), body, result, code, counts FROM event WHERE id = $1`

// storedEvent is a row of the log as answers need it.
type storedEvent struct {
	kind   flattr.Kind
	reader flattr.MemberID
	month  flattr.Month
	thing  flattr.ThingID
	body   []byte
	result flattr.Result
	code   flattr.Code
	counts []byte
}

func (tx *Tx) event(id flattr.EventID) (storedEvent, bool, error) {
	var e storedEvent
	err := tx.row(selectEvent, id[:]).Scan(&e.kind, &e.reader, &e.month, &e.thing, &e.body, &e.result, &e.code, &e.counts)
	if errors.Is(err, sql.ErrNoRows) {
		return e, false, nil
	}
	if err != nil {
		return e, false, fmt.Errorf("read event %s: %w", id, err)
	}
	return e, true, nil
}

// before answers an event whose id the log has already: as the first time when
// the body is the same, else id_reused.
func (a *arrival) before() (flattr.Outcome, bool, error) {
	e, known, err := a.tx.event(a.ID)
	if err != nil || !known {
		return flattr.Outcome{}, false, err
	}
	if string(e.body) != string(a.body[:]) {
		return a.refuse(flattr.Refuse(flattr.IDReused, "Another event has this id already. Events need ids of their own.")), true, nil
	}
	out := flattr.Outcome{ID: a.ID, Result: e.result, Code: e.code, Sentence: sentenceOf(e.code), Month: e.month}
	copy(out.Counts[:], e.counts)
	if e.thing != 0 {
		t, err := a.tx.thing(e.thing)
		if err != nil {
			return out, true, err
		}
		describe(&out, t)
	}
	if e.kind == flattr.KindClick && e.result != flattr.Refused {
		out.Undone, err = a.tx.takenBack(spot{month: e.month, bucket: a.bucket, reader: a.reader, thing: e.thing})
	}
	return out, true, err
}

// describe names the thing in an outcome.
func describe(out *flattr.Outcome, t storedThing) {
	out.ThingID, out.URL, out.Title, out.Promise = t.id, t.url, t.title, t.owner == 0
}

// sentenceOf says to the reader why an event was refused.
func sentenceOf(code flattr.Code) string {
	switch code {
	case flattr.OwnThing:
		return "This is your own thing: your budget is for others."
	case flattr.Once:
		return "You flattred this already this month. Each thing counts once a month."
	case flattr.MonthFrozen:
		return "The month of this click is frozen: nothing in it can be undone any more."
	case flattr.NotFound:
		return "There is no such click of yours."
	}
	return ""
}

// refusal is the refusal of an event with the sentence of its code.
func refusal(code flattr.Code) *flattr.Error { return flattr.Refuse(code, sentenceOf(code)) }

const insertEvent = `
INSERT INTO event (id, kind, bucket, reader, at, arrived, month, thing, late, click, body, result, code, counts, place)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

// entry is what the log keeps of an event beside what the reader sent.
type entry struct {
	month  flattr.Month   // 0: none
	thing  flattr.ThingID // 0: none
	late   bool
	result flattr.Result
	code   flattr.Code
	counts flattr.EventID
}

// log appends the event.
func (a *arrival) log(e entry) error {
	var click, counts []byte
	if !a.Click.IsZero() {
		click = a.Click[:]
	}
	if !e.counts.IsZero() {
		counts = e.counts[:]
	}
	var place sql.NullInt64
	if e.month != 0 {
		place = sql.NullInt64{Int64: flattr.Place(e.month, a.ID), Valid: true}
	}
	_, err := a.tx.exec(insertEvent, a.ID[:], string(a.Kind), a.bucket, int64(a.reader), micros(a.at), micros(a.now),
		sql.NullInt32{Int32: int32(e.month), Valid: e.month != 0}, sql.NullInt64{Int64: int64(e.thing), Valid: e.thing != 0},
		number(e.late), click, a.body[:], string(e.result), string(e.code), counts, place)
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return nil
}

// owing refuses a click of a reader who has to repay a top-up first.
func owing(owed money.Micro) *flattr.Error {
	return flattr.Refuse(flattr.NoMeans, fmt.Sprintf(
		"Your bank took back a top-up, and %s EUR of it were given already. Top up more than that (the operator of this ledger books it), then try again.", owed))
}

// number is how a yes or no is stored.
func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// logRefused appends a refused event, so that the same answer is given again.
func (a *arrival) logRefused(code flattr.Code, t storedThing) (flattr.Outcome, error) {
	out := a.refuse(refusal(code))
	if t.id != 0 {
		describe(&out, t)
	}
	return out, a.log(entry{thing: t.id, result: flattr.Refused, code: code})
}

// find is the thing that a click names. One that is not known yet has no id, but
// the owner and parts that it would have, and its key is answered beside it.
func (a *arrival) find() (t storedThing, key flattr.Key, err error) {
	if a.Thing.URL != "" {
		if a.badURL != nil {
			return t, "", a.badURL
		}
		if t, err = a.tx.thingByKey(a.key); err == nil && t.id == 0 {
			t, err = a.tx.expected(a.key)
			return t, a.key, err
		}
	} else if a.Thing.ID != 0 {
		t, err = a.tx.thing(a.Thing.ID)
	}
	if err == nil && t.id != 0 && t.owner == 0 {
		t, err = a.tx.ownProfile(a.now, t)
	}
	if a.key != "" {
		return t, a.key, err
	}
	if err == nil && t.id == 0 {
		err = flattr.Refuse(flattr.NotFound, "This ledger does not know the thing. Flattr it on its own page.")
	}
	return t, key, err
}

// click judges a click. A *flattr.Error is a refusal that leaves nothing behind.
func (a *arrival) click() (flattr.Outcome, error) {
	t, key, err := a.find()
	if err != nil {
		return flattr.Outcome{}, err
	}
	own, err := a.tx.ownedBy(t, a.reader)
	if err != nil {
		return flattr.Outcome{}, err
	}
	if own {
		return a.logRefused(flattr.OwnThing, t)
	}
	month, late, err := a.tx.monthFor(a.at, a.now)
	if err != nil {
		return flattr.Outcome{}, err
	}
	return a.enter(t, key, month, late)
}

// enter lets a click into a month: it holds the budget, is logged, and counts if
// it is the first. A thing without id is made, with that key.
func (a *arrival) enter(t storedThing, key flattr.Key, month flattr.Month, late bool) (flattr.Outcome, error) {
	owed, err := a.tx.owes(a.reader)
	if err != nil {
		return flattr.Outcome{}, err
	}
	if owed > 0 {
		return flattr.Outcome{}, owing(owed)
	}
	k := spot{month: month, reader: a.reader, bucket: a.bucket, thing: t.id}
	var log []flattr.Logged
	if t.id != 0 {
		if log, err = a.tx.logOf(k); err != nil {
			return flattr.Outcome{}, err
		}
	}
	_, counted := flattr.Counting(log)
	undos, err := a.tx.undosOf(a.reader, a.ID)
	if err != nil {
		return flattr.Outcome{}, err
	}
	log = append(log, flattr.Logged{ID: a.ID, Kind: flattr.KindClick, At: micros(a.at), Late: late})
	counting, counts := flattr.Counting(append(log, undos...))
	if !counted {
		// Also where an undo was here before the click: it is accepted, which
		// needs means, and then taken back, which releases them.
		if err := a.tx.hold(a.now, k, a.ID); err != nil {
			return flattr.Outcome{}, err
		}
	}
	if t.id == 0 {
		t, err = a.tx.addExpected(a.now, key, a.Thing, t)
		k.thing = t.id
	} else {
		err = a.tx.assert(t, a.Thing.Owner)
	}
	if err != nil {
		return flattr.Outcome{}, err
	}
	out := flattr.Outcome{ID: a.ID, Result: flattr.Accepted, Month: month, Undone: !counts}
	describe(&out, t)
	switch {
	case counts && counting.ID != a.ID:
		out.Result, out.Code, out.Sentence, out.Counts = flattr.Duplicate, flattr.Once, sentenceOf(flattr.Once), counting.ID
	case late:
		out.Result = flattr.Late
	}
	if err := a.tx.touch(month); err != nil {
		return out, err
	}
	err = a.log(entry{month: month, thing: t.id, late: late, result: out.Result, code: out.Code, counts: out.Counts})
	if err != nil {
		return out, err
	}
	if err := a.tx.count(a.now, k, true, counting, counts, a.ID); err != nil {
		return out, err
	}
	if !counted && counts && t.owner == 0 {
		err = a.tx.tellHooks(a.now, a.at, a.reader, t.id, a.ID)
	}
	return out, err
}
