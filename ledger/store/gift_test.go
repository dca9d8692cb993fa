package store

import (
	"math"
	"testing"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// earned gives an author revenue, as a settlement does.
func earned(t *testing.T, s *Store, author flattr.MemberID, cause string, amount money.Micro) book.Transfer {
	t.Helper()
	clearing, revenue := book.Account{Kind: book.Clearing, Month: 202608}, revenueOf(author)
	earn := book.New(cause, book.Earn, clearing, revenue, revenue, amount)
	do(t, s, func(tx *Tx) error {
		_, err := tx.post(micros(at("10-01 00:00:00")), []book.Transfer{book.New(cause, book.Give, gift, clearing, clearing, amount), earn})
		return err
	})
	return earn
}

// A gift gives what was on the page, or nothing.
func TestAGiftIsWhatTheGiverWasTold(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob := join(t, s, "ann", 3*money.Euro), join(t, s, "bob", 0)
		earned(t, s, ann, "x", 2*money.Euro)
		told, err := s.Givable(ctx, now, ann)
		if err != nil || told != (Given{3 * money.Euro, 2 * money.Euro}) {
			t.Fatalf("Givable = %+v, %v", told, err)
		}
		topUp(t, s, "10-04 12:00:00", "ann", 50*money.Euro)
		if given, err := s.Present(ctx, now, "ann", "bob", told.Sum()); flattr.CodeOf(err) != flattr.Once {
			t.Errorf("after a top-up ann gives %+v, %v, want once", given, err)
		}
		given, err := s.Present(ctx, now, "ann", "bob", 55*money.Euro)
		if err != nil || given != (Given{53 * money.Euro, 2 * money.Euro}) {
			t.Errorf("ann gives %+v, %v", given, err)
		}
		if given, err := s.Present(ctx, now, "ann", "bob", 55*money.Euro); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("sent twice ann gives %+v, %v, want no_means", given, err)
		}
		for _, wrong := range []money.Micro{-1, 1, math.MaxInt64, math.MinInt64} {
			credited(t, s, "ann", wrong.String(), money.Euro)
			if given, err := s.Present(ctx, now, "ann", "bob", wrong); flattr.CodeOf(err) != flattr.Once {
				t.Errorf("told %d, ann gives %+v, %v, want once", wrong, given, err)
			}
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): 4 * money.Euro, revenueOf(ann): 0, meansOf(bob): 55 * money.Euro})
	})
}

// A gift goes to one who is there, and to nobody else, however the name is written.
func TestAGiftGoesToAnotherMemberWhoIsThere(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann := join(t, s, "Ann", 3*money.Euro)
		join(t, s, "gone", 0)
		became, err := s.Delete(ctx, now, "gone")
		if err != nil {
			t.Fatal(err)
		}
		for to, want := range map[string]flattr.Code{
			"ann": flattr.Invalid, "Ann": flattr.Invalid, "ANN": flattr.Invalid, "": flattr.NotFound, "gone": flattr.NotFound, "GONE": flattr.NotFound,
			became: flattr.NotFound, "\x00": flattr.NotFound, "\xff": flattr.NotFound, "ａｎｎ": flattr.NotFound, "ann ": flattr.NotFound,
		} {
			if given, err := s.Present(ctx, now, "ann", to, 0); flattr.CodeOf(err) != want {
				t.Errorf("a gift to %q = %+v, %v, want %s", to, given, err, want)
			}
		}
		for _, from := range []string{"gone", became, ""} {
			if given, err := s.Present(ctx, now, from, "ann", 0); flattr.CodeOf(err) != flattr.NotFound {
				t.Errorf("a gift of %q = %+v, %v, want not_found", from, given, err)
			}
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): 3 * money.Euro})
	})
}

// Who got what was not theirs, moved it to their means and was found out, gives
// nothing away before it is set off.
func TestNobodyGivesWhoseRevenueIsBelowZero(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		mal, moe := join(t, s, "mallory", 0), join(t, s, "moe", 0)
		earn := earned(t, s, mal, "x", 5*money.Euro)
		if err := s.UseRevenue(ctx, now, mal, 5*money.Euro, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reverse(ctx, now, earn.ID); err != nil {
			t.Fatal(err)
		}
		if given, err := s.Present(ctx, now, "mallory", "moe", 0); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("mallory gives %+v, %v, want no_means", given, err)
		}
		if told, err := s.Givable(ctx, now, mal); err != nil || told != (Given{}) {
			t.Errorf("Givable = %+v, %v, want nothing", told, err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{revenueOf(mal): -5 * money.Euro, meansOf(mal): 5 * money.Euro, meansOf(moe): 0})
	})
}

// A gift repays first what its taker owes, with each of its two parts.
func TestAGiftRepaysWhatItsTakerOwes(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		ann, bob := join(t, s, "ann", 2*money.Euro), join(t, s, "bob", 0)
		earned(t, s, ann, "x", 3*money.Euro)
		topUp(t, s, "10-02 12:00:00", "bob", 4*money.Euro)
		own(t, s, "https://ann.example/1", ann)
		record(t, s, now, bob, click(1, "https://ann.example/1", now)) // holds 2.00
		if _, booked, err := s.Return(ctx, now, "bob", "10-02 12:00:00", 4*money.Euro); err != nil || !booked {
			t.Fatal(booked, err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{receivableOf(bob): -2 * money.Euro, heldOf(bob, 202610): 2 * money.Euro})
		topUp(t, s, "10-03 12:00:00", "bob", money.Euro/2)
		if _, err := s.Present(ctx, now, "ann", "bob", 5*money.Euro); err != nil {
			t.Fatal(err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{receivableOf(bob): 0, meansOf(bob): 35 * money.Euro / 10, meansOf(ann): 0, revenueOf(ann): 0})
		if given, err := s.Present(ctx, now, "bob", "ann", 0); err != nil || given.Means != 35*money.Euro/10 {
			t.Errorf("bob gives back %+v, %v", given, err)
		}
	})
}

// credited tops a member's means up under a reference.
func credited(t *testing.T, s *Store, name, ref string, amount money.Micro) {
	t.Helper()
	if _, booked, err := s.Credit(t.Context(), at("10-04 12:00:00"), name, amount, ref); err != nil || !booked {
		t.Fatal(booked, err)
	}
}
