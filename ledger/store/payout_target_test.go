package store

import (
	"fmt"
	"slices"
	"testing"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

func TestAPayoutTargetCoolsAndHasAHistory(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		bob := join(t, s, "bob", 0)
		for _, wrong := range [][2]string{{"DE89370400440532013001", "Bob"}, {"DE89370400440532013000", " "}, {"x", "Bob"}} {
			if err := s.SetPayoutTarget(ctx, now, bob, wrong[0], wrong[1]); flattr.CodeOf(err) != flattr.Invalid {
				t.Errorf("%v: %v", wrong, err)
			}
		}
		for i, target := range [][2]string{{"de89 3704 0044 0532 0130 00", " Bob "}, {"DE89370400440532013000", "Bob"}, {"", "ignored"}, {"NL91ABNA0417164300", "Bob"}} {
			if err := s.SetPayoutTarget(ctx, now.AddDate(0, 0, i), bob, target[0], target[1]); err != nil {
				t.Fatal(err)
			}
		}
		targets, err := s.PayoutTargets(ctx, bob, 10)
		want := []PayoutTarget{
			{"NL91ABNA0417164300", "Bob", at("10-08 00:00:00"), at("10-15 00:00:00")},
			{"", "", at("10-07 00:00:00"), at("10-14 00:00:00")},
			{"DE89370400440532013000", "Bob", at("10-05 00:00:00"), at("10-12 00:00:00")},
		}
		if err != nil || fmt.Sprint(targets) != fmt.Sprint(want) {
			t.Errorf("targets = %v, %v, want %v", targets, err, want)
		}
		if _, err := s.Delete(ctx, now, "bob"); err != nil {
			t.Fatal(err)
		}
		if targets, err := s.PayoutTargets(ctx, bob, 10); err != nil || len(targets) > 0 {
			t.Errorf("after the deletion %v, %v", targets, err)
		}
	})
}

func TestRevenueIsMovedToMeansOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ctx, now := t.Context(), at("10-05 00:00:00")
		bob := join(t, s, "bob", 0)
		clearing, bank := book.Account{Kind: book.Clearing, Month: 202609}, book.Account{Kind: book.Bank}
		do(t, s, func(tx *Tx) error {
			_, err := tx.post(micros(now), []book.Transfer{
				book.New("x", book.Credit, bank, clearing, clearing, 5*money.Euro),
				book.New("x", book.Earn, clearing, revenueOf(bob), revenueOf(bob), 5*money.Euro),
			})
			return err
		})
		u, err := s.Unspent(ctx, now, bob)
		if err != nil || u != (Unspent{5 * money.Euro, 5 * money.Euro, 0}) {
			t.Fatalf("Unspent = %+v, %v", u, err)
		}
		use := func(want flattr.Code, amount, moved money.Micro) {
			t.Helper()
			if err := s.UseRevenue(ctx, now, bob, amount, moved); flattr.CodeOf(err) != want || want == "" && err != nil {
				t.Errorf("UseRevenue(%s) = %v, want %q", amount, err, want)
			}
		}
		use(flattr.Invalid, 0, 0)
		use(flattr.Invalid, -1, 0)
		use(flattr.NoMeans, 5*money.Euro+1, 0)
		use("", 2*money.Euro, 0)
		use(flattr.Once, 2*money.Euro, 0)
		use("", 3*money.Euro, 2*money.Euro)
		use(flattr.NoMeans, 1, 5*money.Euro)
		m, err := s.MemberByName(ctx, "bob")
		if err != nil || m.Means != 5*money.Euro {
			t.Errorf("bob has %s, %v", m.Means, err)
		}
		var list []string
		for offset := range 4 {
			moves, err := s.RevenueMoves(ctx, bob, 1, offset)
			for _, m := range moves {
				list = append(list, fmt.Sprintf("%s %s %s %q", m.Code, m.Month, m.Amount, m.To))
			}
			if err != nil {
				t.Error(err)
			}
		}
		slices.Sort(list)
		if want := []string{`earn 2026-09 5.00 ""`, `use 0000-00 -2.00 ""`, `use 0000-00 -3.00 ""`}; !slices.Equal(list, want) {
			t.Errorf("what came and left is %q, want %q", list, want)
		}
	})
}
