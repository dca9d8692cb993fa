package store

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// heldAsSet holds that in each month with clicks the budget of that month is
// held, neither more nor less.
func heldAsSet(t *testing.T, s *Store, reader flattr.MemberID, months ...flattr.Month) {
	t.Helper()
	err := s.View(context.Background(), func(tx *Tx) error {
		for _, month := range months {
			held, err := tx.balance(heldOf(reader, month))
			if err != nil {
				return err
			}
			budget, err := tx.budgetOf(reader, month)
			if err != nil {
				return err
			}
			if held != budget {
				t.Errorf("%s: %s EUR are held for a budget of %s", month, held, budget)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func setBudget(t *testing.T, s *Store, now time.Time, m flattr.MemberID, amount money.Micro) {
	t.Helper()
	if err := s.SetBudget(context.Background(), now, m, amount); err != nil {
		t.Fatalf("SetBudget(%s) = %v", amount, err)
	}
}

// The clock of the ledger runs ahead into November, a reader flattrs and
// changes the budget, and then the clock is put right.
func TestBudgetsSurviveAClockThatJumps(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 100*money.Euro)
		october, november := at("10-20 12:00:00"), at("11-15 12:00:00")
		record(t, s, october, ann, click(1, "https://a.example/1", october))
		record(t, s, november, ann, click(2, "https://a.example/2", november))
		setBudget(t, s, october, ann, 5*money.Euro)
		heldAsSet(t, s, ann, 202610, 202611)
		setBudget(t, s, november, ann, 7*money.Euro)
		heldAsSet(t, s, ann, 202610, 202611)
		setBudget(t, s, october, ann, 3*money.Euro)
		heldAsSet(t, s, ann, 202610, 202611)
		if m, err := s.Member(context.Background(), ann); err != nil || m.Budget != 3*money.Euro || m.Means != 92*money.Euro {
			t.Errorf("Member = %+v, %v, want a budget of 3 EUR, and 5 and 3 EUR held of 100", m, err)
		}
		// A raise that the means do not cover for all months changes none.
		if err := s.SetBudget(context.Background(), october, ann, 100*money.Euro); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("SetBudget(100.00) = %v, want no_means", err)
		}
		heldAsSet(t, s, ann, 202610, 202611)
	})
}

// A reader names an event with the id that the ledger would give to the void of
// another one of theirs.
func TestNobodyTakesTheIDOfAVoid(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 5*money.Euro)
		now := at("10-02 12:00:00")
		own1 := click(1, "https://ann.example/", now)
		squat := click(2, "https://other.example/", now)
		squat.ID = flattr.EventID(uuid.NewSHA1(uuid.UUID(own1.ID), []byte(flattr.KindVoid)))
		record(t, s, now, ann, own1)
		record(t, s, now, ann, squat)
		own(t, s, "https://ann.example/", ann)
		views, err := s.Clicks(context.Background(), now, ann, 202610)
		if err != nil || len(views) != 2 || views[0].Counts == views[1].Counts {
			t.Errorf("Clicks = %+v, %v, want the click on the own thing voided and the other to count", views, err)
		}
	})
}

// The last instant of a month is before its end: what is set at midnight is the
// next month's.
func TestABudgetSetAtMidnightIsTheNextMonths(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", 100*money.Euro)
		midnight := at("11-01 00:00:00")
		setBudget(t, s, midnight.Add(-time.Microsecond), ann, 5*money.Euro)
		setBudget(t, s, midnight, ann, 9*money.Euro)
		record(t, s, midnight, ann, click(1, "https://a.example/1", midnight.Add(-time.Microsecond)))
		record(t, s, midnight, ann, click(2, "https://a.example/2", midnight))
		_, months, err := s.Summaries(context.Background(), midnight, ann)
		if err != nil || len(months) != 2 || months[0].Held != 9*money.Euro || months[1].Held != 5*money.Euro {
			t.Errorf("Summaries = %+v, %v, want 9.00 held in November and 5.00 in October", months, err)
		}
	})
}
