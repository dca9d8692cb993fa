package store

import (
	"testing"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestWhatChangedHandsIsNotPaidOutForAWeek(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		const page, old = "https://site.example/1", "https://cyd.example/1"
		now := at("08-20 12:00:00")
		ann, bob, cyd := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 0), join(t, s, "cyd", 0)
		checked(t, s, now, ask(t, s, now, cyd, "https://cyd.example/"), byMeta)
		checked(t, s, now, ask(t, s, now, bob, "https://site.example/"), byMeta)
		sold := record(t, s, now, ann, click(1, page, now)).ThingID
		kept := record(t, s, now, ann, click(2, old, now)).ThingID
		// What a settlement has posted: the thing's gross, and the author's net.
		brings := func(month flattr.Month, frozen time.Time, thing flattr.ThingID, author flattr.MemberID, gross, net money.Micro) {
			do(t, s, func(tx *Tx) error {
				clearing := book.Account{Kind: book.Clearing, Month: int32(month)}
				bank := book.Account{Kind: book.Bank}
				if err := tx.FreezeThrough(frozen, month); err != nil {
					return err
				}
				if _, err := tx.exec(`UPDATE month SET state = 'posted', frozen_at = $1 WHERE month = $2`, micros(frozen), int32(month)); err != nil {
					return err
				}
				if _, err := tx.exec(`INSERT INTO earning (month, author, thing, clicks, gross) VALUES ($1, $2, $3, 1, $4)`, int32(month), int64(author), int64(thing), int64(gross)); err != nil {
					return err
				}
				cause := month.String() + string(rune('0'+thing%10)) + frozen.String()
				_, err := tx.post(micros(frozen), []book.Transfer{
					book.New(cause, book.Credit, bank, clearing, clearing, net),
					book.New(cause, book.Earn, clearing, revenueOf(author), revenueOf(author), net),
				})
				return err
			})
		}
		payable := func(what string, when time.Time, author flattr.MemberID, want money.Micro) {
			t.Helper()
			if got, err := s.Payable(t.Context(), when, author); err != nil || got != want {
				t.Errorf("%s: %s is payable, %v, want %s", what, got, err, want)
			}
		}
		brings(202608, at("09-04 00:00:00"), sold, bob, 3*money.Euro, 3*money.Euro)
		decided := at("10-03 00:00:00")
		ask(t, s, decided, cyd, "https://site.example/")
		if _, err := s.DecideClaim(t.Context(), decided, "https://site.example/", "cyd"); err != nil {
			t.Fatal(err)
		}
		brings(202609, at("10-04 00:00:00"), sold, cyd, 5*money.Euro, 45*money.Euro/10)
		do(t, s, func(tx *Tx) error {
			_, err := tx.exec(`INSERT INTO earning (month, author, thing, clicks, gross) VALUES (202609, $1, $2, 1, $3)`, int64(cyd), int64(kept), int64(2*money.Euro))
			if err != nil {
				return err
			}
			clearing, bank := book.Account{Kind: book.Clearing, Month: 202609}, book.Account{Kind: book.Bank}
			_, err = tx.post(micros(decided), []book.Transfer{
				book.New("kept", book.Credit, bank, clearing, clearing, 2*money.Euro),
				book.New("kept", book.Earn, clearing, revenueOf(cyd), revenueOf(cyd), 2*money.Euro),
			})
			return err
		})
		payable("what bob earned before", at("10-04 12:00:00"), bob, 3*money.Euro)
		payable("cyd's within the week: the balance without the site's gross", at("10-04 12:00:00"), cyd, 15*money.Euro/10)
		payable("cyd's when the week is over", decided.Add(flattr.PayoutCooling), cyd, 65*money.Euro/10)
		payable("who has nothing", decided, ann, 0)
	})
}
