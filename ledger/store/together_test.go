package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// withReaders is a ledger file with readers.
func withReaders(t *testing.T) (s *Store, ids []flattr.MemberID) {
	t.Helper()
	s = openFor(t, filepath.Join(t.TempDir(), "ledger.db"))
	for i := range 12 {
		ids = append(ids, join(t, s, fmt.Sprintf("reader%d", i), 10*money.Euro))
	}
	return s, ids
}

// hold takes the writer until it is let go.
func hold(t *testing.T, s *Store) (letGo func()) {
	t.Helper()
	writer := <-s.writers
	letGo = sync.OnceFunc(func() { s.writers <- writer })
	t.Cleanup(letGo)
	return letGo
}

// awaitBatches waits until so many batches wait to be written.
func awaitBatches(t *testing.T, s *Store, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.together.lock.Lock()
		n := len(s.together.waiting)
		s.together.lock.Unlock()
		if n == want {
			return
		}
	}
	t.Fatalf("there are never %d batches that wait", want)
}

// sendEach sends two clicks of each reader at the same time.
func sendEach(ctx func(i int) context.Context, s *Store, ids []flattr.MemberID) (wait func() ([]Answer, []error)) {
	answers, errs := make([]Answer, len(ids)), make([]error, len(ids))
	var sent sync.WaitGroup
	for i, id := range ids {
		sent.Go(func() {
			now := at("10-05 12:00:00")
			answers[i], errs[i] = s.RecordAndSum(ctx(i), now, id, []flattr.Event{
				click(2*i, "https://a.example/1", now), click(2*i+1, fmt.Sprintf("https://b.example/%d", i), now),
			})
		})
	}
	return func() ([]Answer, []error) {
		sent.Wait()
		return answers, errs
	}
}

func TestWaitingBatchesAreWrittenTogether(t *testing.T) {
	s, ids := withReaders(t)
	letGo := hold(t, s)
	commits := 0
	s.committed = func(context.Context, int64) { commits++ }
	wait := sendEach(func(int) context.Context { return t.Context() }, s, ids)
	awaitBatches(t, s, len(ids))
	letGo()
	answers, errs := wait()
	for i, answer := range answers {
		if errs[i] != nil {
			t.Fatalf("batch of reader %d: %v", i, errs[i])
		}
		for j, out := range answer.Outcomes {
			if out.ID != event(2*i+j) || out.Result != flattr.Accepted {
				t.Errorf("outcome %d of reader %d = %+v, want that of its own click, accepted", j, i, out)
			}
		}
		if len(answer.Outcomes) != 2 || len(answer.Months) == 0 || answer.Months[0].Promises != 2 {
			t.Errorf("answer to reader %d = %+v, want two outcomes and promises", i, answer)
		}
	}
	if commits != 1 {
		t.Errorf("%d transactions for what waited together, want 1", commits)
	}
}

func TestABatchThatFailsTakesNoOtherAlong(t *testing.T) {
	s, ids := withReaders(t)
	const failing = 5
	err := s.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.exec(fmt.Sprintf(
			`CREATE TRIGGER fails BEFORE INSERT ON event WHEN NEW.reader = %d BEGIN SELECT RAISE(ABORT, 'fails'); END`, ids[failing]))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	letGo := hold(t, s)
	wait := sendEach(func(int) context.Context { return t.Context() }, s, ids)
	awaitBatches(t, s, len(ids))
	letGo()
	answers, errs := wait()
	for i := range ids {
		if kept := errs[i] == nil && len(answers[i].Outcomes) == 2; kept != (i != failing) {
			t.Errorf("batch of reader %d = %+v, %v", i, answers[i], errs[i])
		}
		views, err := s.Clicks(t.Context(), at("10-05 12:00:00"), ids[i], flattr.MonthOf(at("10-05 12:00:00")))
		if err != nil || len(views) != len(answers[i].Outcomes) {
			t.Errorf("reader %d has %d clicks (%v), want %d", i, len(views), err, len(answers[i].Outcomes))
		}
	}
}

func TestABatchNobodyWaitsForIsWithdrawn(t *testing.T) {
	s, ids := withReaders(t)
	letGo := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	wait := sendEach(func(i int) context.Context {
		if i%2 == 0 {
			return ctx
		}
		return t.Context()
	}, s, ids)
	awaitBatches(t, s, len(ids))
	cancel()
	awaitBatches(t, s, len(ids)/2)
	letGo()
	answers, errs := wait()
	for i := range ids {
		if i%2 == 0 && !errors.Is(errs[i], context.Canceled) || i%2 != 0 && (errs[i] != nil || len(answers[i].Outcomes) != 2) {
			t.Errorf("batch of reader %d = %+v, %v", i, answers[i], errs[i])
		}
		if _, known, err := eventOf(t, s, event(2*i)); err != nil || known != (i%2 != 0) {
			t.Errorf("the log has the click of reader %d: %t (%v)", i, known, err)
		}
	}
}

// eventOf looks an event up in the log.
func eventOf(t *testing.T, s *Store, id flattr.EventID) (e storedEvent, known bool, err error) {
	t.Helper()
	err = s.View(t.Context(), func(tx *Tx) error {
		e, known, err = tx.event(id)
		return err
	})
	return e, known, err
}

// Writers that never cease must not keep a batch from being answered, nor one
// that is longer than what is written together.
func TestManyWritersAreAllAnswered(t *testing.T) {
	s, ids := withReaders(t)
	const rounds = 20
	var sent sync.WaitGroup
	for i, id := range ids {
		sent.Go(func() {
			now := at("10-05 12:00:00")
			for round := range rounds {
				length := 1
				if i == 0 && round == 0 {
					length = mostTogether + 1
				}
				var events []flattr.Event
				for j := range length {
					n := (i*rounds+round)*(mostTogether+1) + j
					events = append(events, click(n, fmt.Sprintf("https://c.example/%d/%d", round, j), now))
				}
				answer, err := s.RecordAndSum(t.Context(), now, id, events)
				if err != nil || len(answer.Outcomes) != length {
					t.Errorf("reader %d, round %d: %d outcomes (%v), want %d", i, round, len(answer.Outcomes), err, length)
				}
			}
		})
	}
	sent.Wait()
}

// Several readers' batches that wait, whose times lie on both sides of a month's
// begin or of its freeze, are judged and answered as if each had come by itself.
func TestBatchesThatWaitAreJudgedOneByOne(t *testing.T) {
	for seed := range uint64(3) {
		c := &batchCase{
			t: t, together: openFor(t, storetest.SQLite(t)), alone: openFor(t, storetest.SQLite(t)),
			random: rand.New(rand.NewPCG(seed, 11)), now: at("10-28 10:00:00"),
		}
		c.begin()
		for range 30 {
			c.now = c.now.Add(time.Duration(c.random.IntN(30)) * time.Hour)
			if c.random.IntN(5) == 0 {
				m, ref := c.members[c.random.IntN(len(c.members))], uuid.NewString()
				c.both(func(tx *Tx, who func(batchMember) flattr.MemberID) error {
					_, err := tx.Credit(c.now, who(m), 2*money.Euro, ref)
					return err
				})
			}
			c.both(func(tx *Tx, _ func(batchMember) flattr.MemberID) error { return tx.FreezeDue(c.now) })
			c.waiting()
		}
		c.compareLedgers()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// waiting sends batches that wait for the writer.
func (c *batchCase) waiting() {
	c.t.Helper()
	letGo := hold(c.t, c.together)
	var sent sync.WaitGroup
	n := 1 + c.random.IntN(6)
	members, nows, events := make([]batchMember, n), make([]time.Time, n), make([][]flattr.Event, n)
	got, want, errs := make([]Answer, n), make([]Answer, n), make([]error, n)
	for i := range n {
		members[i] = c.members[c.random.IntN(len(c.members))]
		nows[i] = c.now.Add(time.Duration(c.random.IntN(24)-8) * time.Hour)
		var batch []flattr.Event
		for range 1 + c.random.IntN(12) {
			e := c.event()
			events[i] = append(events[i], e)
			batch = append(batch, c.named(c.together, e))
		}
		sent.Go(func() {
			got[i], errs[i] = c.together.RecordAndSum(c.t.Context(), nows[i], members[i].together, batch)
		})
		awaitBatches(c.t, c.together, i+1)
	}
	var alone [][]flattr.Event // things are named as they are known before all of them
	for i := range n {
		var batch []flattr.Event
		for _, e := range events[i] {
			batch = append(batch, c.named(c.alone, e))
		}
		alone = append(alone, batch)
	}
	letGo()
	sent.Wait()
	last := make(map[batchMember]int)
	for i := range n {
		var err error
		if want[i], err = c.alone.RecordAndSum(c.t.Context(), nows[i], members[i].alone, alone[i]); err != nil || errs[i] != nil {
			c.t.Fatal(err, errs[i])
		}
		c.compare(events[i], got[i].Outcomes, want[i].Outcomes)
		last[members[i]] = i
	}
	for _, i := range last { // earlier sums of a reader may have more in them
		if got[i].Means != want[i].Means || !slices.Equal(got[i].Months, want[i].Months) {
			c.t.Errorf("sums of batch %d at %s = %+v, want %+v", i, nows[i], got[i], want[i])
		}
	}
}

// The log is taken over while the next batches are written, and nobody but the
// one who does it waits for that.
func TestNobodyWaitsForTheLogToBeTakenOver(t *testing.T) {
	s, ids := withReaders(t)
	began, end := make(chan struct{}), make(chan struct{})
	var running sync.Mutex
	s.committed = func(context.Context, int64) {
		if running.TryLock() {
			close(began)
			<-end
		}
	}
	letGo := hold(t, s)
	var sent sync.WaitGroup
	answered := make(chan error, len(ids))
	send := func(i int) {
		sent.Go(func() {
			now := at("10-05 12:00:00")
			_, err := s.RecordAndSum(t.Context(), now, ids[i], []flattr.Event{click(i, "https://a.example/1", now)})
			answered <- err
		})
	}
	for i := range 3 {
		send(i)
	}
	awaitBatches(t, s, 3)
	letGo()
	<-began
	send(3)
	for range 3 { // all but the one who takes the log over
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a batch waits for the log")
		}
	}
	close(end)
	sent.Wait()
}
