package store

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// subscribed subscribes a reader.
func subscribed(t testing.TB, s *Store, now string, reader flattr.MemberID, n int, url string, months int) {
	t.Helper()
	do(t, s, func(tx *Tx) error {
		return tx.Subscribe(at(now), reader, flattr.Subscription{ID: event(n), URL: url, Months: months})
	})
}

// balancesAre holds what is on accounts.
func balancesAre(t testing.TB, s *Store, want map[book.Account]money.Micro) {
	t.Helper()
	err := s.View(context.Background(), func(tx *Tx) error {
		for account, micro := range want {
			if got, err := tx.balance(account); err != nil || got != micro {
				t.Errorf("balance of %s = %s, %v, want %s", account.Kind, got, err, micro)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// last is the id of the last transfer of that code from or to a member.
func last(t testing.TB, s *Store, name string, code book.Code) uuid.UUID {
	t.Helper()
	_, _, moves, err := s.Movements(context.Background(), name, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range moves {
		if m.Code == code {
			return m.ID
		}
	}
	t.Fatalf("%s has no transfer %s among %d", name, code, len(moves))
	return uuid.UUID{}
}

// A month begins for a reader when they look at it: no event is needed.
func TestAReaderSeesSubscriptionsAtTheFirstLook(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		bob, ann := join(t, s, "bob", 0), join(t, s, "ann", 9*money.Euro)
		own(t, s, "https://bob.example/", bob)
		subscribed(t, s, "10-15 12:00:00", ann, 1, "https://bob.example/", 3)
		november, _ := flattr.ParseMonth("2026-11")
		means, months, err := s.Summaries(context.Background(), at("11-20 12:00:00"), ann)
		if err != nil || months[0].Month != november || months[0].Clicks != 1 || means != 5*money.Euro {
			t.Errorf("Summaries = %s, %+v, %v, want one click of November and 5.00 left", means, months, err)
		}
		views, err := s.Clicks(context.Background(), at("12-01 00:00:00"), ann, november.Next())
		if err != nil || len(views) != 1 || views[0].ID != flattr.SubscriptionClick(event(1), november.Next()) || !views[0].At.Equal(at("12-01 00:00:00")) {
			t.Errorf("Clicks of December at its first instant = %+v, %v, want the subscription's", views, err)
		}
		// The last of three months was December.
		if _, months, err = s.Summaries(context.Background(), november.Next().End(), ann); err != nil || months[0].Clicks != 0 {
			t.Errorf("Summaries of January = %+v, %v, want no click", months, err)
		}
	})
}

func TestATransferIsReversedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-05 12:00:00")
		ann := join(t, s, "ann", 3*money.Euro)
		topUp(t, s, "10-02 12:00:00", "ann", 5*money.Euro)
		credit := last(t, s, "ann", book.Credit)
		reversed, err := s.Reverse(ctx, now, credit)
		if err != nil || reversed.Amount != 5*money.Euro || reversed.Name != "ann" || reversed.Code != book.Credit {
			t.Fatalf("Reverse = %+v, %v", reversed, err)
		}
		meansAre(t, s, ann, 3*money.Euro)
		refused := func(what string, id uuid.UUID, want flattr.Code) {
			t.Helper()
			if _, err := s.Reverse(ctx, now, id); flattr.CodeOf(err) != want {
				t.Errorf("Reverse of %s = %v, want %s", what, err, want)
			}
		}
		refused("it once more", credit, flattr.Reversed)
		refused("the reversal", reversed.ID, flattr.Invalid)
		refused("nothing", uuid.New(), flattr.NotFound)
		// The bank cannot take back what was reversed, nor the other way round.
		if _, booked, err := s.Return(ctx, now, "ann", "10-02 12:00:00", 5*money.Euro); err != nil || booked {
			t.Errorf("Return of a reversed top-up = %v, %v, want nothing booked", booked, err)
		}
		topUp(t, s, "10-06 12:00:00", "ann", money.Euro)
		if _, booked, err := s.Return(ctx, now, "ann", "10-06 12:00:00", money.Euro); err != nil || !booked {
			t.Fatal(booked, err)
		}
		// Of two transfers of one time the order is that of their ids.
		refused("a returned top-up", book.TransferID("ref:10-06 12:00:00", book.Credit, meansOf(ann)), flattr.Reversed)
		refused("a return", last(t, s, "ann", book.Return), flattr.Invalid)

		if _, err := s.Reverse(ctx, now, last(t, s, "ann", book.Welcome)); err != nil {
			t.Fatal(err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{gift: 0, bank: 0, meansOf(ann): 0})
	})
}

// What was spent cannot be taken back so; a refund that did not arrive can.
func TestReversalsFollowTheMeans(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx := context.Background()
		bob, ann := join(t, s, "bob", 0), join(t, s, "ann", 0)
		own(t, s, "https://bob.example/", bob)
		topUp(t, s, "10-02 12:00:00", "ann", 3*money.Euro)
		if out := record(t, s, at("10-03 12:00:00"), ann, click(1, "https://bob.example/", at("10-03 12:00:00"))); out.Result != flattr.Accepted {
			t.Fatalf("click = %+v", out)
		}
		if _, err := s.Reverse(ctx, at("10-04 12:00:00"), last(t, s, "ann", book.Credit)); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("Reverse of a top-up that is held = %v, want no_means", err)
		}
		if _, err := s.Reverse(ctx, at("10-04 12:00:00"), last(t, s, "ann", book.Hold)); flattr.CodeOf(err) != flattr.Invalid {
			t.Errorf("Reverse of a hold = %v, want invalid_request", err)
		}
		if booked, err := s.Refund(ctx, at("10-05 12:00:00"), "ann", money.Euro, "B"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{bank: -2 * money.Euro, meansOf(ann): 0})
		if _, err := s.Reverse(ctx, at("10-06 12:00:00"), last(t, s, "ann", book.Refund)); err != nil {
			t.Fatal(err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{bank: -3 * money.Euro, meansOf(ann): money.Euro})
	})
}

// A gift comes as a top-up does: what is owed is repaid, what waits is made.
func TestAGiftGoesToTheMeansOfAnother(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-20 12:00:00")
		bob, ann, eve := join(t, s, "bob", 5*money.Euro), join(t, s, "ann", 0), join(t, s, "eve", 0)
		own(t, s, "https://bob.example/", bob)
		topUp(t, s, "10-02 12:00:00", "ann", money.Euro)
		if booked, err := s.Refund(ctx, at("10-03 12:00:00"), "ann", money.Euro, "B"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		if owed, _, err := s.Return(ctx, at("10-04 12:00:00"), "ann", "10-02 12:00:00", money.Euro); err != nil || owed != money.Euro {
			t.Fatalf("Return = %s owed, %v, want 1.00", owed, err)
		}
		subscribed(t, s, "10-05 12:00:00", ann, 1, "https://bob.example/", 3)
		if _, err := s.Present(ctx, now, "ann", "bob", 0); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("a gift of one who owes = %v, want no_means", err)
		}
		given, err := s.Present(ctx, now, "bob", "ann", 0)
		if err != nil || given != (Given{Means: 5 * money.Euro}) {
			t.Fatalf("Present = %+v, %v", given, err)
		}
		october, _ := flattr.ParseMonth("2026-10")
		balancesAre(t, s, map[book.Account]money.Micro{
			meansOf(bob): 0, receivableOf(ann): 0, heldOf(ann, october): 2 * money.Euro, meansOf(ann): 2 * money.Euro,
		})
		// Once more in the same instant: gifts are told apart.
		topUp(t, s, "10-21 12:00:00", "bob", money.Euro)
		if given, err := s.Present(ctx, now, "bob", "eve", 0); err != nil || given.Means != money.Euro {
			t.Errorf("a second gift = %+v, %v", given, err)
		}
		meansAre(t, s, eve, money.Euro)
	})
}
