package store

import (
	"context"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestRangesCoverEachBucketOnce(t *testing.T) {
	for _, found := range []int{0, 1, page, 10 * page} {
		next, widest := 0, 0
		err := inRanges(func(from, to int) (int, error) {
			if from != next || to <= from {
				t.Fatalf("with %d rows found: range %d to %d after %d", found, from, to, next)
			}
			next, widest = to, max(widest, to-from)
			return found * (to - from), nil
		})
		if err != nil || next != flattr.Buckets {
			t.Errorf("with %d rows a bucket: ended at %d, %v", found, next, err)
		}
		if found > page && widest > 16 {
			t.Errorf("with %d rows a bucket: a range of %d buckets is read into memory", found, widest)
		}
	}
}

func TestTheFreezeGivesBackWhatPromisesHeld(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		bob := join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		now := at("10-05 12:00:00")
		var readers []flattr.MemberID
		for i, name := range []string{"ann", "cyd", "dan", "eve"} {
			reader := join(t, s, name, 3*money.Euro)
			readers = append(readers, reader)
			if i%2 == 0 {
				record(t, s, now, reader, click(10*i, "https://bob.example/", now))
			}
			if i > 0 {
				record(t, s, now, reader, click(10*i+1, "https://nobody.example/", now))
			}
		}
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("12-24 12:00:00"), 202610) })
		for i, want := range []money.Micro{money.Euro, 3 * money.Euro, money.Euro, 3 * money.Euro} {
			meansAre(t, s, readers[i], want)
		}
		for i, want := range []map[string]int{{}, {"waiting": 1}, {"waiting": 1}, {"waiting": 1}} {
			if got := states(t, s, readers[i]); got["waiting"] != want["waiting"] {
				t.Errorf("promises of reader %d = %v, want %v", i, got, want)
			}
		}
		var budgets, sum int64
		do(t, s, func(tx *Tx) error {
			return tx.row(`SELECT COUNT(*), CAST(SUM(budget) AS BIGINT) FROM snapshot_budget WHERE month = 202610`).Scan(&budgets, &sum)
		})
		if budgets != 4 || sum != int64(4*money.Euro) {
			t.Errorf("%d budgets of %d together, want 4 of 4.00", budgets, sum)
		}
	})
}

func TestTheFreezeOfAMonthIsOfItsOwnInstant(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob := join(t, s, "ann", 9*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		now := at("09-05 12:00:00")
		record(t, s, now, ann, click(1, "https://bob.example/", now))
		do(t, s, func(tx *Tx) error { return tx.SetPolicy(at("10-03 23:59:59"), PolicyFeeBP, 100) })
		do(t, s, func(tx *Tx) error { return tx.SetPolicy(at("10-04 00:00:00"), PolicyFeeBP, 200) })
		refuses := func(now string, month flattr.Month) {
			t.Helper()
			err := s.Write(context.Background(), func(tx *Tx) error { return tx.FreezeThrough(at(now), month) })
			if flattr.CodeOf(err) != flattr.MonthOpen {
				t.Errorf("freeze of %s at %s: %v, want %s", month, now, err, flattr.MonthOpen)
			}
		}
		refuses("10-03 23:59:59", 202609)
		refuses("11-03 23:59:59", 202610) // and September stays open with it
		view := func() (p Progress) {
			t.Helper()
			err := s.View(context.Background(), func(tx *Tx) (err error) {
				p, err = tx.Progress(202609)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := view(); p.State != flattr.Open {
			t.Errorf("September = %+v, want open", p)
		}
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("12-24 12:00:00"), 202610) })
		if p := view(); p.State != flattr.Frozen || p.FeeBP != 100 || !p.FrozenAt.Equal(at("10-04 00:00:00")) {
			t.Errorf("September = %+v, want it frozen with the fee before its instant", p)
		}
		// Again nothing happens, and the click cannot be undone.
		do(t, s, func(tx *Tx) error { return tx.FreezeThrough(at("12-25 12:00:00"), 202610) })
		if out := record(t, s, at("12-25 12:00:00"), ann, undo(2, 1, at("12-25 12:00:00"))); out.Code != flattr.MonthFrozen {
			t.Errorf("undo = %+v, want %s", out, flattr.MonthFrozen)
		}
	})
}
