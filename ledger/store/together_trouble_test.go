package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// stopping is a context that is over once it was asked so many times.
type stopping struct {
	context.Context
	left atomic.Int64
}

func (c *stopping) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestWhoWritesForOthersAndGivesUpTakesNoneAlong(t *testing.T) {
	s, ids := withReaders(t)
	// It is asked once when the batch comes and once before the writer is waited for.
	for asked := int64(2); asked < 10; asked++ {
		commits := countCommits(s)
		letGo := hold(t, s)
		n := int(asked) * 1000
		url := fmt.Sprintf("https://a.example/%d", n)
		now := at("10-05 12:00:00")
		leader := &stopping{Context: t.Context()}
		leader.left.Store(asked)
		var sent sync.WaitGroup
		errs := make([]error, len(ids))
		send := func(ctx context.Context, i int) {
			sent.Go(func() { _, errs[i] = s.RecordAndSum(ctx, now, ids[i], []flattr.Event{click(n+i, url, now)}) })
			awaitBatches(t, s, i+1)
		}
		send(leader, 0)
		awaitTurn(t, s)
		for i := range ids[1:] {
			send(t.Context(), i+1)
		}
		letGo()
		sent.Wait()
		for i, err := range errs {
			if i > 0 && err != nil {
				t.Errorf("asked %d times: batch %d: %v", asked, i, err)
			}
			if _, known, failed := eventOf(t, s, event(n+i)); failed != nil || known != (err == nil) {
				t.Errorf("asked %d times: batch %d is answered %v, and the log has it: %t (%v)", asked, i, err, known, failed)
			}
		}
		if commits.Load() != 1 {
			t.Errorf("asked %d times: %d transactions, want 1", asked, commits.Load())
		}
	}
}

func countCommits(s *Store) *atomic.Int64 {
	var commits atomic.Int64
	s.committed = func(context.Context, int64) { commits.Add(1) }
	return &commits
}

// awaitTurn waits until somebody has the turn.
func awaitTurn(t *testing.T, s *Store) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(s.together.turn) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody ever has the turn")
		}
	}
}

// A batch that panics is its sender's trouble: the others hear of an error, and
// nothing of them is kept, so that they can be sent again.
func TestABatchThatPanicsLeavesTheOthersToBeSentAgain(t *testing.T) {
	s, ids := withReaders(t)
	letGo := hold(t, s)
	// What no batch can be: it stands in for a mistake of ours.
	broken := &delivery{ctx: t.Context(), arrivals: []*arrival{nil}, done: make(chan struct{})}
	s.together.lock.Lock()
	s.together.waiting = append(s.together.waiting, broken)
	s.together.lock.Unlock()
	now := at("10-05 12:00:00")
	results := make(chan any, len(ids))
	for i, id := range ids {
		go func() {
			defer func() {
				if r := recover(); r != nil {
					results <- r
				}
			}()
			_, err := s.RecordAndSum(t.Context(), now, id, []flattr.Event{click(i, "https://a.example/1", now)})
			results <- err
		}()
	}
	awaitBatches(t, s, len(ids)+1)
	letGo()
	panics := 0
	for range ids {
		switch r := (<-results).(type) {
		case nil:
			t.Error("a batch of a transaction that panicked is acknowledged")
		case error:
			if !errors.Is(r, errUnwritten) {
				panics++
			}
		default:
			panics++
		}
	}
	if _, err := broken.result(); !errors.Is(err, errUnwritten) || panics != 1 {
		t.Errorf("%d panics, and the broken batch is answered %v", panics, err)
	}
	for i, id := range ids {
		if _, known, err := eventOf(t, s, event(i)); err != nil || known {
			t.Errorf("the log has the click of reader %d: %t (%v)", i, known, err)
		}
		if out := record(t, s, now, id, click(i, "https://a.example/1", now)); out.Result != flattr.Accepted {
			t.Errorf("sent again: %+v", out)
		}
	}
}

// Readers who give up at any moment: what is acknowledged is kept, and what is
// not, is not.
func TestWhatIsAcknowledgedIsKept(t *testing.T) {
	s, ids := withReaders(t)
	type sent struct {
		id  flattr.EventID
		err error
	}
	var all sync.WaitGroup
	results := make([][]sent, 3*len(ids))
	for i := range results {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 5))
			now := at("10-05 12:00:00")
			for round := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(2) == 0 {
					time.AfterFunc(time.Duration(random.IntN(4000))*time.Microsecond, cancel)
				}
				n := i*1000 + round
				answer, err := s.RecordAndSum(ctx, now, ids[i%len(ids)], []flattr.Event{click(n, fmt.Sprintf("https://d.example/%d", n), now)})
				cancel()
				if err == nil && (len(answer.Outcomes) != 1 || answer.Outcomes[0].ID != event(n) || answer.Outcomes[0].Result != flattr.Accepted) {
					t.Errorf("answer to %d = %+v", n, answer)
				}
				results[i] = append(results[i], sent{event(n), err})
			}
		})
	}
	all.Wait()
	given := 0
	for _, of := range results {
		for _, r := range of {
			if r.err != nil {
				given++
				if !errors.Is(r.err, context.Canceled) {
					t.Error(r.err)
				}
			}
			if _, known, err := eventOf(t, s, r.id); err != nil || known != (r.err == nil) {
				t.Errorf("event %s is answered %v, and the log has it: %t (%v)", r.id, r.err, known, err)
			}
		}
	}
	if given == 0 {
		t.Error("nobody gave up")
	}
}

// Who waits when the ledger is closed hears of it when they give up.
func TestBatchesThatWaitWhenTheLedgerIsClosed(t *testing.T) {
	s, ids := withReaders(t)
	letGo := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	wait := sendEach(func(int) context.Context { return ctx }, s, ids)
	awaitBatches(t, s, len(ids))
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	letGo()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	cancel()
	answers, errs := wait()
	for i := range errs {
		if (errs[i] == nil) != (len(answers[i].Outcomes) == 2) || errs[i] != nil && !errors.Is(errs[i], context.Canceled) {
			t.Errorf("batch %d = %+v, %v", i, answers[i], errs[i])
		}
	}
}

// A batch that has nobody beside it is tried as long as any other transaction.
func TestABatchThatLosesAgainstOthersIsTriedOn(t *testing.T) {
	where := storetest.Postgres(t)
	s := openFor(t, where)
	ann := join(t, s, "ann", 5*money.Euro)
	for _, query := range []string{
		`CREATE SEQUENCE tries`,
		`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('tries') <= 6 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END IF;
		RETURN NULL; END $$`,
		`CREATE TRIGGER lose AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION lose()`,
	} {
		if _, err := storetest.DB(t, where).ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	now := at("10-05 12:00:00")
	if out := record(t, s, now, ann, click(1, "https://a.example/1", now)); out.Result != flattr.Accepted {
		t.Errorf("outcome = %+v", out)
	}
}
