package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// became is the id of the click that a promise becomes.
func became(n int) flattr.EventID {
	return flattr.EventID(uuid.NewSHA1(uuid.UUID(event(n)), []byte("promise")))
}

// frozen freezes what is due at a time.
func frozen(t testing.TB, s *Store, now string) {
	t.Helper()
	do(t, s, func(tx *Tx) error { return tx.FreezeDue(at(now)) })
}

// topUp credits 2.00 EUR or more, as the operator does.
func topUp(t testing.TB, s *Store, now, name string, amount money.Micro) {
	t.Helper()
	if _, booked, err := s.Credit(context.Background(), at(now), name, amount, now); err != nil || !booked {
		t.Fatal(booked, err)
	}
}

// states are the promises of a reader by state.
func states(t testing.TB, s *Store, reader flattr.MemberID) map[string]int {
	t.Helper()
	found := make(map[string]int)
	for _, state := range []string{"waiting", "kept", "lapsed"} {
		var n int
		do(t, s, func(tx *Tx) error {
			return tx.row(`SELECT COUNT(*) FROM promise WHERE reader = $1 AND state = $2`, int64(reader), state).Scan(&n)
		})
		if n > 0 {
			found[state] = n
		}
	}
	return found
}

func TestAPromiseBecomesAClickOnceItsAuthorIsKnown(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, cyd := join(t, s, "ann", 20*money.Euro), join(t, s, "cyd", 0)
		record(t, s, at("10-03 12:00:00"), ann, click(1, "https://cyd.example/1", at("10-03 12:00:00")))
		frozen(t, s, "11-04 00:00:00")
		meansAre(t, s, ann, 20*money.Euro)
		record(t, s, at("11-05 12:00:00"), ann, click(2, "https://cyd.example/1", at("11-05 12:00:00")))
		frozen(t, s, "12-10 12:00:00")
		now := at("12-10 12:00:00")
		claimed(t, s, now, cyd, "https://cyd.example/1")
		mustCount(t, s, ann, 202612, became(1))
		meansAre(t, s, ann, 18*money.Euro)
		if got := states(t, s, ann); got["kept"] != 2 || len(got) != 1 {
			t.Errorf("promises = %v, want both kept by the one click", got)
		}
		views, err := s.Clicks(context.Background(), now, ann, 202612)
		if err != nil || len(views) != 1 || views[0].Promised != 202610 || views[0].Promise || !views[0].At.Equal(now) {
			t.Errorf("the click as its reader sees it = %+v, %v: want it to tell of October's promise", views, err)
		}
		if out := record(t, s, now.Add(time.Hour), ann, click(3, "https://cyd.example/1", now.Add(time.Hour))); out.Result != flattr.Duplicate || out.Counts != became(1) {
			t.Errorf("another click = %+v", out)
		}
		// It can be undone, and does not come again: not by another claim, a
		// top-up, or the next month.
		e := flattr.Event{ID: event(4), Kind: flattr.KindUndo, At: now.Add(2 * time.Hour), Click: became(1)}
		if out := record(t, s, now.Add(2*time.Hour), ann, e); out.Result != flattr.Accepted {
			t.Errorf("undo of the click = %+v", out)
		}
		claimed(t, s, now.Add(3*time.Hour), cyd, "https://cyd.example/")
		claimed(t, s, now.Add(3*time.Hour), cyd, "https://cyd.example/1")
		topUp(t, s, "12-20 12:00:00", "ann", 2*money.Euro)
		mustCount(t, s, ann, 202612)
		meansAre(t, s, ann, 22*money.Euro)
	})
}

func TestPromisesLapseOrWait(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, eve := join(t, s, "ann", 20*money.Euro), join(t, s, "eve", 2*money.Euro)
		cyd, bob := join(t, s, "cyd", 20*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		october := at("10-03 12:00:00")
		record(t, s, october, ann, click(1, "https://cyd.example/1", october))
		record(t, s, october, cyd, click(2, "https://cyd.example/1", october))
		record(t, s, october, eve, click(3, "https://cyd.example/1", october))
		record(t, s, october, eve, click(4, "https://bob.example/", october))
		november := at("11-06 12:00:00")
		frozen(t, s, "11-06 12:00:00")
		record(t, s, november, ann, click(5, "https://cyd.example/1", november))
		claimed(t, s, at("11-10 12:00:00"), cyd, "https://cyd.example/1")
		mustCount(t, s, ann, 202611, event(5))
		if got := states(t, s, ann); got["lapsed"] != 1 {
			t.Errorf("ann's promises = %v: she had flattred it already", got)
		}
		mustCount(t, s, cyd, 202611)
		if got := states(t, s, cyd); got["lapsed"] != 1 {
			t.Errorf("cyd's promises = %v: it is cyd's own thing now", got)
		}
		if got := states(t, s, eve); got["waiting"] != 1 {
			t.Errorf("eve's promises = %v: her means are spent", got)
		}
		// No change of parts, but the next top-up tries again, in its own month.
		shared(t, s, at("11-11 12:00:00"), "https://cyd.example/", flattr.Part{Author: cyd, BP: 5000}, flattr.Part{Author: bob, BP: 5000})
		frozen(t, s, "12-24 12:00:00")
		topUp(t, s, "12-24 12:00:00", "eve", 2*money.Euro)
		mustCount(t, s, eve, 202612, became(3))
		meansAre(t, s, eve, 0)
	})
}

func TestPromisesExpireByThePolicyOfTheDay(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		for i, month := range []string{"03", "04", "05"} {
			when := at(month + "-03 12:00:00")
			record(t, s, when, ann, click(10+i, "https://bob.example/", when))
			record(t, s, when, ann, click(20+i, "https://cyd.example/", when))
			record(t, s, when, ann, click(30+i, "https://dan.example/", when))
		}
		frozen(t, s, "10-31 00:00:00")
		claimed(t, s, at("10-31 23:59:59"), bob, "https://bob.example/") // six months after April
		mustCount(t, s, ann, 202610, became(11))
		claimed(t, s, at("11-01 00:00:00"), cyd, "https://cyd.example/") // May is left
		mustCount(t, s, ann, 202611, became(22))
		do(t, s, func(tx *Tx) error { return tx.SetPolicy(at("11-02 00:00:00"), PolicyPromiseMonths, 0) })
		dan := join(t, s, "dan", 0)
		claimed(t, s, at("11-02 00:00:00"), dan, "https://dan.example/")
		mustCount(t, s, ann, 202611, became(22))
		if got := states(t, s, ann); got["kept"] != 3 || got["waiting"] != 6 {
			t.Errorf("promises = %v, want 3 kept and the rest waiting in vain", got)
		}
		// What had run out by date only comes back with a longer policy.
		do(t, s, func(tx *Tx) error { return tx.SetPolicy(at("11-03 00:00:00"), PolicyPromiseMonths, 8) })
		topUp(t, s, "11-03 12:00:00", "ann", money.Euro)
		mustCount(t, s, ann, 202611, became(22), became(30), became(10))
	})
}

func TestClicksOfTheGraceCountWithoutBecomingOthers(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, cyd := join(t, s, "ann", 20*money.Euro), join(t, s, "cyd", 0)
		record(t, s, at("09-03 12:00:00"), ann, click(1, "https://cyd.example/1", at("09-03 12:00:00")))
		frozen(t, s, "10-04 00:00:00")
		record(t, s, at("10-30 12:00:00"), ann, click(2, "https://cyd.example/1", at("10-30 12:00:00")))
		claimed(t, s, at("11-02 12:00:00"), cyd, "https://cyd.example/1")
		mustCount(t, s, ann, 202611, became(1)) // September's, since a click of October is none of November
		frozen(t, s, "11-04 00:00:00")
		mustCount(t, s, ann, 202610, event(2))
		views, err := s.Clicks(context.Background(), at("11-05 00:00:00"), ann, 202610)
		if err != nil || len(views) != 1 || views[0].Promise || views[0].Share != 2*money.Euro {
			t.Errorf("October's click = %+v, %v: want it paid", views, err)
		}
	})
}

func TestPromisesOnAliasesBecomeOneClickOfTheTarget(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, cyd := join(t, s, "ann", 20*money.Euro), join(t, s, "cyd", 0)
		record(t, s, at("10-04 12:00:00"), ann, click(1, "https://a.example/", at("10-04 12:00:00")))
		record(t, s, at("10-04 12:00:00"), ann, click(2, "https://b.example/", at("10-03 12:00:00")))
		frozen(t, s, "11-04 00:00:00")
		alias(t, s, "11-05 12:00:00", "https://a.example/", "https://b.example/")
		mustCount(t, s, ann, 202611)
		own(t, s, "https://c.example/", cyd)
		alias(t, s, "11-06 12:00:00", "https://b.example/", "https://c.example/")
		mustCount(t, s, ann, 202611, became(2)) // the older of the two
		now := at("11-07 12:00:00")
		if out := record(t, s, now, ann, click(3, "https://c.example/", now)); out.Result != flattr.Duplicate {
			t.Errorf("click on the target = %+v, want %s", out, flattr.Duplicate)
		}
	})
}

func TestAnOwnerByHandKeepsPromisesToo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, cyd := join(t, s, "ann", 20*money.Euro), join(t, s, "cyd", 20*money.Euro)
		for i, reader := range []flattr.MemberID{ann, cyd} {
			record(t, s, at("10-04 12:00:00"), reader, click(1+i, "https://cyd.example/", at("10-04 12:00:00")))
		}
		frozen(t, s, "11-04 00:00:00")
		record(t, s, at("11-05 12:00:00"), cyd, click(3, "https://cyd.example/", at("11-05 12:00:00")))
		do(t, s, func(tx *Tx) error { return tx.AddThing(at("11-06 12:00:00"), "https://cyd.example/", "", cyd) })
		mustCount(t, s, ann, 202611, became(1))
		mustCount(t, s, cyd, 202611)
		meansAre(t, s, cyd, 20*money.Euro)
	})
}

// Whoever knows the ids of their own clicks can send events with the ids that
// the ledger would derive from them.
func TestIDsTakenInAdvance(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		mallory, bob := join(t, s, "mallory", 20*money.Euro), join(t, s, "bob", 0)
		own(t, s, "https://bob.example/", bob)
		now := at("10-04 12:00:00")
		record(t, s, now, mallory, click(1, "https://cyd.example/", now))
		taken := click(2, "https://bob.example/", now)
		taken.ID = became(1)
		record(t, s, now, mallory, taken)
		frozen(t, s, "11-04 00:00:00")
		cyd := join(t, s, "cyd", 0)
		claimed(t, s, at("11-05 12:00:00"), cyd, "https://cyd.example/")
		mustCount(t, s, mallory, 202611)
		if got := states(t, s, mallory); got["lapsed"] != 1 {
			t.Errorf("promises = %v, want it lapsed", got)
		}
		// A void finds an id of its own.
		now = at("11-06 12:00:00")
		record(t, s, now, mallory, click(5, "https://mallory.example/", now))
		taken = click(6, "https://bob.example/", now)
		taken.ID = flattr.EventID(uuid.NewSHA1(uuid.UUID(event(5)), []byte("void")))
		record(t, s, now, mallory, taken)
		claimed(t, s, now, mallory, "https://mallory.example/")
		mustCount(t, s, mallory, 202611, taken.ID)
	})
}

func TestAnUndoThatWaitsForADerivedClickTakesItBack(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, cyd := join(t, s, "ann", 20*money.Euro), join(t, s, "cyd", 0)
		now := at("10-04 12:00:00")
		record(t, s, now, ann, click(1, "https://cyd.example/", now))
		record(t, s, now, ann, flattr.Event{ID: event(2), Kind: flattr.KindUndo, At: now, Click: became(1)})
		frozen(t, s, "11-04 00:00:00")
		claimed(t, s, at("11-05 12:00:00"), cyd, "https://cyd.example/")
		mustCount(t, s, ann, 202611)
		meansAre(t, s, ann, 20*money.Euro)
		if got := states(t, s, ann); got["waiting"] != 0 {
			t.Errorf("promises = %v, want none to wait", got)
		}
	})
}
