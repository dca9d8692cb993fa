package settle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

const month flattr.Month = 202610

// clicks makes clicks at random; a third of them are promises.
func clicks(random *rand.Rand, n int) []Click {
	all := make([]Click, n)
	for i := range all {
		for j := range all[i].ID {
			all[i].ID[j] = byte(random.Uint32())
		}
		all[i].Thing = flattr.ThingID(1 + random.IntN(100))
		if i%3 != 0 {
			all[i].Owner = flattr.MemberID(1 + random.IntN(10))
		}
	}
	return all
}

func TestSharesOfPromisesAreNothing(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		budget := flattr.MinBudget + money.Micro(random.Int64N(int64(98*money.Euro)))
		all := clicks(random, random.IntN(200))
		shares, divisor := Shares(month, budget, all)
		var paid []money.Micro
		sum := money.Micro(0)
		for i, c := range all {
			sum += shares[i]
			if c.Owner != 0 {
				paid = append(paid, shares[i])
			} else if shares[i] != 0 {
				t.Fatalf("seed %d: a promise gets %d", seed, shares[i])
			}
		}
		if divisor != len(paid) {
			t.Fatalf("seed %d: divisor %d, %d paid clicks", seed, divisor, len(paid))
		}
		if divisor > 0 && (sum != budget || slices.Max(paid)-slices.Min(paid) > 1) {
			t.Fatalf("seed %d: shares sum to %d of %d, from %d to %d", seed, sum, budget, slices.Min(paid), slices.Max(paid))
		}
		if divisor == 0 && sum != 0 {
			t.Fatalf("seed %d: promises alone get %d", seed, sum)
		}
	}
}

func TestPostingsOfAMonthClear(t *testing.T) {
	const seed = 12
	random := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		feeBP := random.IntN(10_001)
		authors := make(map[flattr.MemberID]Author)
		var postings []book.Transfer
		for reader := range 20 {
			budget := flattr.MinBudget + money.Micro(random.Int64N(int64(98*money.Euro)))
			all := clicks(random, 1+random.IntN(60))
			shares, divisor := Shares(month, budget, all)
			if divisor == 0 {
				continue
			}
			postings = append(postings, Give(month, flattr.MemberID(reader+1), budget))
			for i, c := range all {
				if c.Owner != 0 {
					a := authors[c.Owner]
					a.ID, a.Clicks, a.Gross = c.Owner, a.Clicks+1, a.Gross+shares[i]
					authors[c.Owner] = a
				}
			}
		}
		for _, a := range authors {
			a.Charge(feeBP)
			if a.Fee+a.Net != a.Gross || a.Fee < 0 || a.Net < 0 {
				t.Fatalf("seed %d: %d is %d and %d", seed, a.Gross, a.Fee, a.Net)
			}
			postings = append(postings, Earn(month, a)...)
		}
		changes, err := book.Changes(postings)
		if err != nil {
			t.Fatal(err)
		}
		ids := make(map[string]bool)
		for _, p := range postings {
			if ids[p.ID.String()] {
				t.Fatalf("seed %d: two transfers have the id %s", seed, p.ID)
			}
			ids[p.ID.String()] = true
		}
		for _, c := range changes {
			if c.Account.Kind == book.Clearing && c.Net() != 0 {
				t.Fatalf("seed %d: clearing ends at %d", seed, c.Net())
			}
		}
	}
}

func TestFeeIsRoundedDownOnce(t *testing.T) {
	for _, c := range []struct {
		gross money.Micro
		bp    int
		fee   money.Micro
	}{{2_000_000, 1000, 200_000}, {2_000_000, 0, 0}, {9, 1000, 0}, {19, 1000, 1}, {5, 10_000, 5}} {
		a := Author{Gross: c.gross}
		a.Charge(c.bp)
		if a.Fee != c.fee || a.Net != c.gross-c.fee {
			t.Errorf("%d at %d bp: fee %d, net %d, want fee %d", c.gross, c.bp, a.Fee, a.Net, c.fee)
		}
	}
}
