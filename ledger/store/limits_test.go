package store

import (
	"context"
	"testing"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// moved makes an account one that has moved much already: as much in as out.
func moved(t *testing.T, s *Store, a book.Account, turnover money.Micro) {
	t.Helper()
	id := a.ID()
	do(t, s, func(tx *Tx) error {
		return one(tx.exec(`UPDATE account SET debits = debits + $1, credits = credits + $1 WHERE id = $2`, int64(turnover), id[:]))
	})
}

// What no account can count is refused before anything is booked; what comes
// back and what a settlement takes is never refused.
func TestAnAccountThatHasMovedTooMuchRefuses(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, october := context.Background(), flattr.Month(202610)
		bob, ann := join(t, s, "bob", 0), join(t, s, "ann", 9*money.Euro)
		own(t, s, "https://bob.example/", bob)
		record(t, s, at("10-03 12:00:00"), ann, click(1, "https://bob.example/", at("10-03 12:00:00")))
		// The means have moved all but 1.99: the next budget is too much.
		moved(t, s, meansOf(ann), book.MaxDebits-2*money.Euro-2*money.Euro+money.Cent)
		out := record(t, s, at("11-03 12:00:00"), ann, click(2, "https://bob.example/", at("11-03 12:00:00")))
		if out.Result != flattr.Refused || out.Code != flattr.BooksFull || out.Sentence == "" {
			t.Errorf("a click beyond what can be counted = %+v, want books_full", out)
		}
		if err := s.SetBudget(ctx, at("10-04 12:00:00"), ann, 9*money.Euro); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("a raise beyond what can be counted = %v, want books_full", err)
		}
		if _, err := s.Refund(ctx, at("10-04 12:00:00"), "ann", 2*money.Euro, "B"); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("a refund beyond what can be counted = %v, want books_full", err)
		}
		if _, err := s.Present(ctx, at("10-04 12:00:00"), "ann", "bob", 0); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("a gift beyond what can be counted = %v, want books_full", err)
		}
		if _, err := s.Reverse(ctx, at("10-04 12:00:00"), last(t, s, "ann", book.Welcome)); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("a reversal beyond what can be counted = %v, want books_full", err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): 7 * money.Euro, heldOf(ann, october): 2 * money.Euro})
		// It can still be topped up, undone and refunded by what is left.
		topUp(t, s, "10-04 12:00:00", "ann", money.Max)
		if out := record(t, s, at("10-05 12:00:00"), ann, undo(3, 1, at("10-05 12:00:00"))); out.Result != flattr.Accepted {
			t.Errorf("an undo = %+v, want what is held back", out)
		}
		if booked, err := s.Refund(ctx, at("10-06 12:00:00"), "ann", 2*money.Euro-money.Cent, "B"); err != nil || !booked {
			t.Errorf("a refund of what can be counted = %v, %v", booked, err)
		}
	})
}

func TestMoreThanCanBeCountedIsNotPutIn(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := context.Background(), at("10-04 12:00:00")
		ann := join(t, s, "ann", money.Cent)
		topUp(t, s, "10-03 12:00:00", "ann", money.Cent)
		moved(t, s, bank, book.MaxPutIn-2*money.Cent)
		moved(t, s, gift, book.MaxPutIn-money.Cent)
		if _, _, err := s.Credit(ctx, now, "ann", 2*money.Cent, "R"); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("Credit beyond what can be put in = %v, want books_full", err)
		}
		if _, booked, err := s.Credit(ctx, now, "ann", money.Cent, "R"); err != nil || !booked {
			t.Errorf("Credit of the last cent = %v, %v", booked, err)
		}
		meansAre(t, s, ann, 3*money.Cent)
		invites, err := s.MintInvites(ctx, now, 1, money.Cent)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignUp(ctx, now, SignUp{Name: "eve", InviteCode: invites[0].Code}); flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("SignUp beyond what can be given = %v, want books_full", err)
		}
		err = s.Write(ctx, func(tx *Tx) error {
			_, err := tx.AddMember(now, NewMember{Name: "eve", Budget: 2 * money.Euro, Means: money.Cent})
			return err
		})
		if flattr.CodeOf(err) != flattr.BooksFull {
			t.Errorf("AddMember beyond what can be put in = %v, want books_full", err)
		}
	})
}

// The last guard: no statement counts beyond the bounds, whoever calls it.
func TestNoTransferCountsBeyondTheBounds(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann := join(t, s, "ann", money.Cent)
		moved(t, s, meansOf(ann), book.MaxDebits)
		for what, transfer := range map[string]book.Transfer{
			"debit":  book.New("x", book.Refund, meansOf(ann), bank, bank, 1),
			"credit": book.New("y", book.Credit, bank, meansOf(ann), bank, book.MaxCredits-book.MaxDebits),
		} {
			err := s.Write(context.Background(), func(tx *Tx) error {
				_, err := tx.post(1, []book.Transfer{transfer})
				return err
			})
			if err == nil || flattr.CodeOf(err) != "" {
				t.Errorf("a %s beyond the bounds = %v, want an internal error", what, err)
			}
		}
		balancesAre(t, s, map[book.Account]money.Micro{meansOf(ann): money.Cent, bank: 0})
	})
}
