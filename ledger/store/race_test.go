package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// Two processes in which the same member does everything at once that moves money
// away: it leaves once, or not at all, and nothing is lost or made.
func TestMoneyLeavesOnceHoweverManyAsk(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		stores := []*Store{openFor(t, where), openFor(t, where)}
		s := stores[0]
		for round := range 4 {
			now := at("10-05 00:00:00").Add(time.Duration(round) * time.Hour)
			from, to := fmt.Sprintf("from%d", round), fmt.Sprintf("to%d", round)
			giver, taker := join(t, s, from, 3*money.Euro), join(t, s, to, 0)
			earned(t, s, giver, from, 2*money.Euro)
			raceFor(t, stores, now, giver, from, to)
			var left, came money.Micro
			err := s.View(t.Context(), func(tx *Tx) error {
				left, came = 0, 0
				for _, a := range []book.Account{meansOf(giver), revenueOf(giver), heldOf(giver, 202610)} {
					b, err := tx.balance(a)
					if err != nil || b < 0 {
						return fmt.Errorf("%s of the giver is %s, %w", a.Kind, b, err)
					}
					left += b
				}
				var err error
				came, err = tx.balance(meansOf(taker))
				return err
			})
			if err != nil || left+came != 5*money.Euro {
				t.Errorf("round %d: %s are left and %s came, %v, want 5.00 in all", round, left, came, err)
			}
			if _, err := s.MemberByName(t.Context(), from); flattr.CodeOf(err) == flattr.NotFound && left > 0 {
				if held := heldAfter(t, s, giver); held != left {
					t.Errorf("round %d: a member was deleted who had %s", round, left)
				}
			}
		}
		var found []string
		err := s.View(t.Context(), func(tx *Tx) error {
			if _, err := tx.ProveBalances(func(text string) { found = append(found, text) }); err != nil {
				return err
			}
			return tx.ProveBooks(func(text string) { found = append(found, text) })
		})
		if err != nil || len(found) > 0 {
			t.Errorf("the books: %v, %v", found, err)
		}
	})
}

// heldAfter is what a deletion brought from what was held to the means.
func heldAfter(t *testing.T, s *Store, member flattr.MemberID) (released money.Micro) {
	t.Helper()
	id := meansOf(member).ID()
	err := s.View(t.Context(), func(tx *Tx) error {
		return tx.row(`SELECT COALESCE(CAST(SUM(amount) AS BIGINT), 0) FROM transfer WHERE code = 'release' AND credit_account = $1`, id[:]).Scan(&released)
	})
	if err != nil {
		t.Fatal(err)
	}
	return released
}

// raceFor lets a member use, give, click and leave in two processes at once.
func raceFor(t *testing.T, stores []*Store, now time.Time, giver flattr.MemberID, from, to string) {
	t.Helper()
	var all sync.WaitGroup
	done := make(chan error, 100)
	for i, s := range stores {
		for n, do := range []func() error{
			func() error { return s.UseRevenue(t.Context(), now, giver, 2*money.Euro, 0) },
			func() error { return s.UseRevenue(t.Context(), now, giver, 2*money.Euro, 0) },
			func() error { _, err := s.Present(t.Context(), now, from, to, 5*money.Euro); return err },
			func() error { _, err := s.Present(t.Context(), now, from, to, 0); return err },
			func() error { _, err := s.Delete(t.Context(), now, from); return err },
			func() error { return s.SetBudget(t.Context(), now, giver, 3*money.Euro) },
			func() error {
				_, err := s.Record(t.Context(), now, giver, []flattr.Event{click(1000*int(now.Unix()%1000)+10*i, "https://thing.example/"+from, now)})
				return err
			},
		} {
			all.Go(func() {
				if err := do(); err != nil && flattr.CodeOf(err) == "" {
					done <- fmt.Errorf("%d: %w", n, err)
				}
			})
		}
	}
	all.Wait()
	close(done)
	var errs []error
	for err := range done {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
