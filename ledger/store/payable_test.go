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

// stolen is a ledger in which mallory has got ann's site, and the month in which
// that was is settled: 2.00 EUR of eve's went to mallory, or to whom mallory has
// named as co-author.
func stolen(t *testing.T, s *Store, parts func(mallory, moe flattr.MemberID) []flattr.Part) (mallory, moe flattr.MemberID) {
	t.Helper()
	const site = "https://site.example/"
	now := at("10-30 12:00:00")
	ann, eve := join(t, s, "ann", 0), join(t, s, "eve", 9*money.Euro)
	mallory, moe = join(t, s, "mallory", 0), join(t, s, "moe", 0)
	checked(t, s, now, ask(t, s, now, ann, site), byMeta)
	record(t, s, now, eve, click(1, site+"page", now))
	ask(t, s, at("11-02 12:00:00"), mallory, site)
	if _, err := s.DecideClaim(t.Context(), at("11-02 12:00:00"), site, "mallory"); err != nil {
		t.Fatal(err)
	}
	if set := parts(mallory, moe); set != nil {
		if err := s.Share(t.Context(), at("11-02 13:00:00"), mallory, site, set); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, s, at("11-04 00:00:00"), 202610)
	return mallory, moe
}

// settled posts what a frozen month's only click gave, 2.00 EUR, to its authors.
func settled(t *testing.T, s *Store, now time.Time, month flattr.Month) {
	t.Helper()
	do(t, s, func(tx *Tx) error {
		if err := tx.FreezeThrough(now, month); err != nil {
			return err
		}
		var thing flattr.ThingID
		var owner, reader flattr.MemberID
		err := tx.row(`SELECT COALESCE(s.target, s.thing), s.owner, c.reader FROM snapshot_thing s JOIN counted c ON c.month = s.month AND c.thing = s.thing
WHERE s.month = $1 AND s.owner IS NOT NULL`, int32(month)).Scan(&thing, &owner, &reader)
		if err != nil {
			return err
		}
		parts, err := tx.authorsIn(month, flattr.Frozen, given{RevenueThing: flattr.RevenueThing{ID: thing}, owner: owner})
		if err != nil {
			return err
		}
		clearing := book.Account{Kind: book.Clearing, Month: int32(month)}
		held := heldOf(reader, month)
		transfers := []book.Transfer{book.New(month.String(), book.Give, held, clearing, held, 2*money.Euro)}
		for i, amount := range flattr.Divide(2*money.Euro, parts) {
			author := parts[i].Author
			if _, err := tx.exec(`INSERT INTO earning (month, author, thing, clicks, gross) VALUES ($1, $2, $3, 1, $4)`, int32(month), int64(author), int64(thing), int64(amount)); err != nil {
				return err
			}
			transfers = append(transfers, book.New(month.String(), book.Earn, clearing, revenueOf(author), revenueOf(author), amount))
		}
		if _, err := tx.post(micros(now), transfers); err != nil {
			return err
		}
		_, err = tx.exec(`UPDATE month SET state = 'closed' WHERE month = $1`, int32(month))
		return err
	})
}

// Whoever takes a site over and names somebody as co-author gets the money out no
// sooner by that: what is held back is held back for all authors.
func TestWhatChangedHandsIsHeldBackForCoAuthorsToo(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		now := at("11-04 12:00:00")
		mallory, moe := stolen(t, s, func(mallory, moe flattr.MemberID) []flattr.Part {
			return []flattr.Part{{Author: moe, BP: 9999}, {Author: mallory, BP: 1}}
		})
		for _, author := range []flattr.MemberID{mallory, moe} {
			if got, err := s.Payable(t.Context(), now, author); err != nil || got != 0 {
				t.Errorf("%s is payable, %v, want nothing", got, err)
			}
		}
		if err := s.UseRevenue(t.Context(), now, moe, money.Euro, 0); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("moe moves it to means: %v", err)
		}
		if got, err := s.Payable(t.Context(), at("11-09 12:00:00"), moe); err != nil || got != 1_999_800 {
			t.Errorf("when the week is over %s is payable, %v", got, err)
		}
	})
}

// What is held back is not given away either, neither to another member nor by
// moving it to means first.
func TestWhatChangedHandsIsNotGivenAwayForAWeek(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("11-04 12:00:00")
		mallory, moe := stolen(t, s, func(flattr.MemberID, flattr.MemberID) []flattr.Part { return nil })
		if given, err := s.Present(ctx, now, "mallory", "moe", 0); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("mallory gives %+v, %v, want no_means", given, err)
		}
		if err := s.UseRevenue(ctx, now, mallory, 1, 0); flattr.CodeOf(err) != flattr.NoMeans {
			t.Errorf("mallory moves it to means: %v", err)
		}
		topUp(t, s, "11-04 13:00:00", "mallory", money.Euro)
		given, err := s.Present(ctx, now, "mallory", "moe", 0)
		if err != nil || given != (Given{money.Euro, 0}) {
			t.Errorf("mallory gives %+v, %v, want the means alone", given, err)
		}
		if _, err := s.Delete(ctx, now, "mallory"); flattr.CodeOf(err) != flattr.BalanceLeft {
			t.Errorf("mallory leaves: %v", err)
		}
		balancesAre(t, s, map[book.Account]money.Micro{revenueOf(mallory): 2 * money.Euro, meansOf(moe): money.Euro})
		given, err = s.Present(ctx, at("11-09 12:00:00"), "mallory", "moe", 0)
		if err != nil || given != (Given{0, 2 * money.Euro}) {
			t.Errorf("when the week is over mallory gives %+v, %v", given, err)
		}
	})
}
