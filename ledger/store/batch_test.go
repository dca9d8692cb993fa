package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// TestABatchIsItsEventsOneByOne gives the same events to two ledgers, in batches
// to one and each by itself to the other: all answers and all that is written
// must be the same. Readers, things, ids and times are few, so that events of a
// batch meet each other.
func TestABatchIsItsEventsOneByOne(t *testing.T) {
	seeds := map[string]uint64{"sqlite": 8, "postgres": 2}
	storetest.Each(t, func(t *testing.T, where string) {
		engine := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
		for seed := range seeds[engine] {
			together, alone := openFor(t, where), openFor(t, another(t, engine))
			sameInBatches(t, seed, together, alone)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			where = another(t, engine)
		}
	})
}

// A reader takes back what was given for October, which frees the means for what
// the subscription gives in November, while more events of the batch wait.
func TestABatchMeetsWhatTheLedgerMakesMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		engine := t.Name()[strings.LastIndexByte(t.Name(), '/')+1:]
		c := &batchCase{t: t, together: openFor(t, where), alone: openFor(t, another(t, engine)), random: rand.New(rand.NewPCG(1, 1)), now: at("11-02 10:00:00")}
		c.begin()
		poor, rich, subscriber := c.members[1], c.members[2], c.members[3]
		october, november := flattr.SubscriptionClick(event(9000), 202610), flattr.SubscriptionClick(event(9000), 202611)
		foreseen := click(3, c.urls[9], c.now)
		foreseen.ID = november
		c.send([]batchArrival{
			{rich, click(1, c.urls[10], c.now)},
			{subscriber, flattr.Event{ID: event(2), Kind: flattr.KindUndo, At: c.now, Click: october}},
			{rich, foreseen},
			{subscriber, click(4, c.urls[8], c.now)},
			{rich, click(5, c.urls[11], c.now)},
			{poor, click(6, c.urls[12], c.now)},
			{poor, undo(7, 6, c.now)}, // gives back what is held
			{poor, undo(9, 8, c.now)},
			{poor, click(8, c.urls[13], c.now)}, // undone before it came
			{poor, click(10, c.urls[10], c.now)},
		})
		c.compareLedgers()
		found := false
		c.both(func(tx *Tx, who func(batchMember) flattr.MemberID) error {
			e, known, err := tx.event(november)
			found = known && e.reader == who(subscriber)
			return err
		})
		if !found {
			t.Error("the click of November was not made in the batch")
		}
	})
}

func another(t *testing.T, engine string) string {
	t.Helper()
	if engine == "sqlite" {
		return storetest.SQLite(t)
	}
	return storetest.Postgres(t)
}

// batchMember is a member of both ledgers.
type batchMember struct{ together, alone flattr.MemberID }

// batchCase is one run of the test.
type batchCase struct {
	t               *testing.T
	together, alone *Store
	random          *rand.Rand
	members         []batchMember
	now             time.Time
	ids             []flattr.EventID
	urls            []string
}

const batchesEach = 60

func sameInBatches(t *testing.T, seed uint64, together, alone *Store) {
	t.Helper()
	c := &batchCase{t: t, together: together, alone: alone, random: rand.New(rand.NewPCG(seed, 7)), now: at("10-28 10:00:00")}
	c.begin()
	for range batchesEach {
		c.now = c.now.Add(time.Duration(c.random.IntN(20)) * time.Hour)
		if c.random.IntN(6) == 0 {
			m := c.members[c.random.IntN(len(c.members))]
			ref := uuid.NewString()
			c.both(func(tx *Tx, who func(batchMember) flattr.MemberID) error {
				_, err := tx.Credit(c.now, who(m), 2*money.Euro, ref)
				return err
			})
		}
		c.both(func(tx *Tx, _ func(batchMember) flattr.MemberID) error { return tx.FreezeDue(c.now) })
		if c.random.IntN(3) == 0 {
			c.mixed()
		} else {
			c.single()
		}
	}
	c.compareLedgers()
}

// compareLedgers holds that both say the same.
func (c *batchCase) compareLedgers() {
	c.t.Helper()
	got, want := c.dump(c.together), c.dump(c.alone)
	if got != want {
		c.t.Errorf("in batches:\n%s\none by one:\n%s", got, want)
	}
}

// both does the same in both ledgers.
func (c *batchCase) both(work func(tx *Tx, who func(batchMember) flattr.MemberID) error) {
	c.t.Helper()
	for _, side := range []struct {
		store *Store
		who   func(batchMember) flattr.MemberID
	}{
		{c.together, func(m batchMember) flattr.MemberID { return m.together }},
		{c.alone, func(m batchMember) flattr.MemberID { return m.alone }},
	} {
		if err := side.store.Write(context.Background(), func(tx *Tx) error { return work(tx, side.who) }); err != nil {
			c.t.Fatal(err)
		}
	}
}

// begin makes four members, of whom two are authors, one is poor and one has a
// subscription, and things of all sorts.
func (c *batchCase) begin() {
	c.t.Helper()
	start := at("10-01 00:00:00")
	for i, means := range []money.Micro{6, 3, 50, 2} {
		name := fmt.Sprintf("m%d", i)
		var m batchMember
		c.both(func(tx *Tx, who func(batchMember) flattr.MemberID) error {
			id, err := tx.AddMember(start, NewMember{Name: name, Budget: 2 * money.Euro, Means: means * money.Euro})
			if m.together == 0 || who(batchMember{together: 1}) == 1 {
				m.together = id
			} else {
				m.alone = id
			}
			return err
		})
		c.members = append(c.members, m)
	}
	for i := range 14 {
		c.urls = append(c.urls, fmt.Sprintf("https://site%d.example/%d", i%3, i))
	}
	subscription := flattr.Subscription{ID: event(9000), URL: c.urls[8]}
	c.both(func(tx *Tx, who func(batchMember) flattr.MemberID) error {
		for i, url := range c.urls[:6] {
			if err := tx.AddThing(start, url, "T", who(c.members[i%2])); err != nil {
				return err
			}
		}
		parts := []flattr.Part{{Author: who(c.members[0]), BP: 6000}, {Author: who(c.members[2]), BP: 4000}}
		if err := tx.SetParts(start, c.urls[0], parts); err != nil {
			return err
		}
		if err := tx.Alias(start, c.urls[7], c.urls[2]); err != nil {
			return err
		}
		if err := tx.Claim(start, who(c.members[1]), "https://site2.example/"); err != nil {
			return err
		}
		return tx.Subscribe(start, who(c.members[3]), subscription)
	})
	for i := range 60 {
		c.ids = append(c.ids, event(i+1))
	}
	// The ids of what the ledger makes can be foreseen.
	for _, month := range []flattr.Month{202610, 202611, 202612} {
		c.ids = append(c.ids, flattr.SubscriptionClick(subscription.ID, month))
	}
}

// event makes up an event; the time of one is the same whenever it is sent,
// most of the time.
func (c *batchCase) event() flattr.Event {
	pick := c.random.IntN(len(c.ids))
	e := flattr.Event{ID: c.ids[pick], Kind: flattr.KindClick, At: at("10-28 00:00:00").Add(time.Duration(pick) * time.Hour)}
	if c.random.IntN(2) == 0 {
		e.ID = flattr.EventID(uuid.Must(uuid.NewRandomFromReader(reader{c.random})))
		e.At = c.now.Add(time.Duration(c.random.IntN(200)-150) * time.Hour)
		c.ids = append(c.ids, e.ID)
	}
	switch c.random.IntN(12) {
	case 0:
		e.ID = flattr.EventID{}
	case 1:
		e.Kind = flattr.KindVoid
	case 2, 3, 4:
		e.Kind, e.Click = flattr.KindUndo, c.ids[c.random.IntN(len(c.ids))]
	case 5:
		e.Thing.URL = "not a URL"
	default:
		e.Thing = flattr.ThingRef{URL: c.urls[c.random.IntN(len(c.urls))], Title: "made"}
		if c.random.IntN(4) == 0 {
			e.Thing.FID = byID
		}
	}
	return e
}

// reader lets ids be made from the seed.
type reader struct{ random *rand.Rand }

func (r reader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.random.Uint32())
	}
	return len(p), nil
}

// single sends a batch of one reader.
func (c *batchCase) single() {
	c.t.Helper()
	m := c.members[c.random.IntN(len(c.members))]
	events, sent := make([]flattr.Event, 1+c.random.IntN(30)), []flattr.Event(nil)
	for i := range events {
		events[i] = c.event()
		sent = append(sent, c.named(c.together, events[i]))
	}
	got, err := c.together.Record(context.Background(), c.now, m.together, sent)
	if err != nil {
		c.t.Fatal(err)
	}
	var want []flattr.Outcome
	for _, e := range events {
		want = append(want, record(c.t, c.alone, c.now, m.alone, c.named(c.alone, e)))
	}
	c.compare(events, got, want)
}

// batchArrival is an event of a member.
type batchArrival struct {
	member batchMember
	event  flattr.Event
}

// mixed sends a batch of several readers.
func (c *batchCase) mixed() {
	c.t.Helper()
	arrivals := make([]batchArrival, 1+c.random.IntN(30))
	for i := range arrivals {
		arrivals[i] = batchArrival{c.members[c.random.IntN(len(c.members))], c.event()}
	}
	c.send(arrivals)
}

// send sends events that arrive one behind the other.
func (c *batchCase) send(arrivals []batchArrival) {
	c.t.Helper()
	var arrived []Arrival
	var events []flattr.Event
	var want []flattr.Outcome
	for _, a := range arrivals {
		events = append(events, a.event)
		arrived = append(arrived, Arrival{Now: c.now, Reader: a.member.together, Event: c.named(c.together, a.event)})
		want = append(want, record(c.t, c.alone, c.now, a.member.alone, c.named(c.alone, a.event)))
		c.now = c.now.Add(time.Duration(c.random.IntN(3)) * time.Minute)
	}
	var got []flattr.Outcome
	err := c.together.Write(context.Background(), func(tx *Tx) (err error) {
		got, err = tx.RecordAll(arrived)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.compare(events, got, want)
}

// byID marks a click that is to name its thing by the id of the ledger.
const byID = "by id"

// named is the event as it goes to one of the ledgers.
func (c *batchCase) named(s *Store, e flattr.Event) flattr.Event {
	c.t.Helper()
	if e.Thing.FID != byID {
		return e
	}
	key, err := flattr.KeyOf(e.Thing.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	e.Thing.FID = ""
	err = s.View(context.Background(), func(tx *Tx) error {
		t, err := tx.thingByKey(key)
		if t.id != 0 {
			e.Thing = flattr.ThingRef{ID: t.id}
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

// compare holds that the answers are the same. Ids of things are random.
func (c *batchCase) compare(events []flattr.Event, got, want []flattr.Outcome) {
	c.t.Helper()
	for i := range want {
		got[i].ThingID, want[i].ThingID = 0, 0
		if got[i] != want[i] {
			c.t.Errorf("event %d, %+v:\nin a batch %+v\nby itself  %+v", i, events[i], got[i], want[i])
		}
	}
}

// dumps are all that events write, with names in place of random ids.
var dumps = []string{
	`SELECT 'event', e.id, e.kind, m.name, e.at, e.arrived, e.month, t.url, e.late, e.click, e.result, e.code, e.counts, e.place
	FROM event e LEFT JOIN member m ON m.id = e.reader LEFT JOIN thing t ON t.id = e.thing`,
	`SELECT 'counted', c.month, c.bucket = m.bucket, m.name, t.url, c.click, c.late
	FROM counted c JOIN member m ON m.id = c.reader JOIN thing t ON t.id = c.thing`,
	`SELECT 'account', a.kind, m.name, a.month, a.debits, a.credits FROM account a LEFT JOIN member m ON m.id = a.owner`,
	`SELECT 'transfer', amount, code, CASE WHEN code IN ('hold', 'release') THEN batch END, at FROM transfer`,
	`SELECT 'thing', t.url, t.title, m.name, t.since FROM thing t LEFT JOIN member m ON m.id = t.owner`,
	`SELECT 'subscription', m.name, s.next_month, s.stopped FROM subscription s JOIN member m ON m.id = s.reader`,
	`SELECT 'subscription_month', s.month, m.name, s.state FROM subscription_month s JOIN member m ON m.id = s.reader`,
	`SELECT 'month', month, state FROM month`,
}

// dump is what stands in a ledger, in an order of its own.
func (c *batchCase) dump(s *Store) string {
	c.t.Helper()
	var lines []string
	err := s.View(context.Background(), func(tx *Tx) error {
		for _, query := range dumps {
			rows, err := tx.conn.QueryContext(tx.ctx, query)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				values, to := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					to[i] = &values[i]
				}
				if err := rows.Scan(to...); err != nil {
					return err
				}
				lines = append(lines, fmt.Sprint(values))
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
