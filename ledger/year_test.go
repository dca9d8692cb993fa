package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// year is the life of a ledger as an operator sees it: readers with thirty
// clicks a month, of which one in a hundred is taken back, authors, some of whom
// share, and things that somebody claims only after a while.
type year struct {
	*testing.T
	store   *store.Store
	where   string
	random  *rand.Rand
	readers []flattr.MemberID
	budgets money.Micro // what all readers give in a month
	authors []flattr.MemberID
	urls    []string
}

const (
	yearClicks     = 30   // of a reader in a month
	yearRows       = 1000 // that are written in one transaction
	oneInPromised  = 10   // things have no owner at first
	oneInSharing   = 50   // things have two authors
	oneInUndone    = 100  // clicks are taken back
	oneInClaimed   = 20   // of the things without owner are claimed in a month
	thingsOfAuthor = 10
)

// liveYear lives through months, each settled and its statement written, and
// holds at the end that the audit is clean.
func liveYear(t *testing.T, where string, readers, months int) {
	t.Helper()
	s, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	y := &year{T: t, store: s, where: where, random: rand.New(rand.NewPCG(uint64(readers), uint64(months)))}
	start := time.Now()
	y.join(readers, months)
	t.Logf("%d members and %d things in %.1f s", len(y.readers)+len(y.authors), len(y.urls), time.Since(start).Seconds())
	month := flattr.Month(202610)
	var recording, settling time.Duration
	events := 0
	for range months {
		start = time.Now()
		events += y.record(month)
		y.claim(month)
		recording += time.Since(start)
		start = time.Now()
		y.settle(month)
		settling += time.Since(start)
		month = month.Next()
	}
	t.Logf("%d events in %.1f s: %.0f a second", events, recording.Seconds(), float64(events)/recording.Seconds())
	t.Logf("%d settlements with their statements in %.1f s", months, settling.Seconds())
	start = time.Now()
	ledger(t, "audit", "--db", where)
	t.Logf("audit in %.1f s", time.Since(start).Seconds())
}

// write writes n rows in transactions of some rows each.
func (y *year) write(n int, one func(tx *store.Tx, i int) error) {
	y.Helper()
	for from := 0; from < n; from += yearRows {
		err := y.store.Write(y.Context(), func(tx *store.Tx) error {
			for i := from; i < min(n, from+yearRows); i++ {
				if err := one(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			y.Fatal(err)
		}
	}
}

// join adds the members, with means for so many months, and the things.
func (y *year) join(readers, months int) {
	y.readers = make([]flattr.MemberID, readers)
	y.authors = make([]flattr.MemberID, 2+readers/20)
	start := flattr.Month(202610).Start()
	y.write(readers, func(tx *store.Tx, i int) (err error) {
		budget := flattr.MinBudget + money.Micro(i%7)*money.Euro + money.Micro(i%3)*10_000
		y.readers[i], err = tx.AddMember(start, store.NewMember{
			Name: fmt.Sprintf("reader%d", i), Budget: budget, Means: budget * money.Micro(months+1),
		})
		return err
	})
	for i := range readers {
		y.budgets += flattr.MinBudget + money.Micro(i%7)*money.Euro + money.Micro(i%3)*10_000
	}
	y.write(len(y.authors), func(tx *store.Tx, i int) (err error) {
		y.authors[i], err = tx.AddMember(start, store.NewMember{Name: fmt.Sprintf("author%d", i), Budget: flattr.MinBudget})
		return err
	})
	for i := range max(4*yearClicks, len(y.authors)*thingsOfAuthor) {
		y.urls = append(y.urls, fmt.Sprintf("https://author%d.example/%d", i%len(y.authors), i))
	}
	y.write(len(y.urls), func(tx *store.Tx, i int) error {
		owner := y.authors[i%len(y.authors)]
		if i%oneInPromised == 0 {
			owner = 0
		}
		if err := tx.AddThing(start, y.urls[i], "", owner); err != nil || owner == 0 || i%oneInSharing != 1 {
			return err
		}
		return tx.SetParts(start, y.urls[i], []flattr.Part{
			{Author: y.authors[(i+1)%len(y.authors)], BP: 3333}, {Author: owner, BP: 6667},
		})
	})
	y.write(1, func(tx *store.Tx, _ int) error { return tx.SetPolicy(start, store.PolicyFeeBP, 333) })
}

// id is a random UUID of version 4.
func (y *year) id() (id flattr.EventID) {
	binary.BigEndian.PutUint64(id[:], y.random.Uint64()&^0xf000|0x4000)
	binary.BigEndian.PutUint64(id[8:], y.random.Uint64()>>2|1<<63)
	return id
}

// record sends the clicks and undos of a month, reader by reader, and answers
// how many there were.
func (y *year) record(month flattr.Month) (events int) {
	span := int64(month.End().Sub(month.Start()) / time.Microsecond)
	var waiting []store.Arrival
	send := func() {
		arrived := waiting
		waiting = nil
		err := y.store.Write(y.Context(), func(tx *store.Tx) error {
			outcomes, err := tx.RecordAll(arrived)
			for i, o := range outcomes {
				if o.Result == flattr.Refused {
					return fmt.Errorf("event %d of %d: refused with %s", i, len(outcomes), o.Code)
				}
			}
			return err
		})
		if err != nil {
			y.Fatalf("record %s: %v", month, err)
		}
		events += len(arrived)
	}
	for _, reader := range y.readers {
		seen := make(map[int]bool, yearClicks)
		for len(seen) < yearClicks {
			u := y.random.Float64() // few things get most of the clicks
			thing := int(u * u * float64(len(y.urls)))
			if seen[thing] {
				continue
			}
			seen[thing] = true
			at := month.Start().Add(time.Duration(y.random.Int64N(span)) * time.Microsecond)
			click := flattr.Event{ID: y.id(), Kind: flattr.KindClick, At: at, Thing: flattr.ThingRef{URL: y.urls[thing]}}
			waiting = append(waiting, store.Arrival{Now: at, Reader: reader, Event: click})
			if y.random.IntN(oneInUndone) == 0 {
				waiting = append(waiting, store.Arrival{Now: at.Add(time.Second), Reader: reader, Event: flattr.Event{
					ID: y.id(), Kind: flattr.KindUndo, At: at.Add(time.Second), Click: click.ID,
				}})
			}
		}
		if len(waiting) >= yearRows {
			send()
		}
	}
	if len(waiting) > 0 {
		send()
	}
	return events
}

// claim lets authors claim some of the things that had no owner: promises of
// the months before become clicks of this one.
func (y *year) claim(month flattr.Month) {
	var unowned []int
	for i := range y.urls {
		if i%oneInPromised == 0 && i/oneInPromised%oneInClaimed == int(month)%oneInClaimed {
			unowned = append(unowned, i)
		}
	}
	last := month.End().Add(-time.Hour)
	for _, i := range unowned {
		author := y.authors[i%len(y.authors)]
		y.write(1, func(tx *store.Tx, _ int) error { return tx.Claim(last, author, y.urls[i]) })
	}
}

// settle closes a month, and holds that its statement is sound and that all
// budgets were given.
func (y *year) settle(month flattr.Month) {
	y.Helper()
	ledger(y.T, "settle", "--db", y.where, "--month", month.String(), "--now", month.FreezeAt().Format(time.RFC3339))
	text := ledger(y.T, "statement", "--db", y.where, "--month", month.String())
	last := strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n') + 1
	total := jsonLines(y.T, text[last:])[0]
	if got := money.Micro(total["budget_micro"].(float64)); got != y.budgets {
		y.Fatalf("%s: readers gave %s EUR, not %s", month, got, y.budgets)
	}
	if len(y.readers) < yearRows {
		checkStatement(y.T, text)
	}
}

func TestYearOfFewReaders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) { liveYear(t, where, 40, 3) })
}
