package settle

import (
	"math"
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
	}{
		{2_000_000, 1000, 200_000},
		{2_000_000, 0, 0},
		{9, 1000, 0},
		{19, 1000, 1},
		{5, 10_000, 5},
		{9_999, 1, 0},
		{10_000, 1, 1},
		{10_001, 9_999, 9_999},
		{math.MaxInt64, 1, 922_337_203_685_477},
		{math.MaxInt64, 9_999, 9_222_449_699_651_090_329},
		{math.MaxInt64, 10_000, math.MaxInt64},
	} {
		a := Author{Gross: c.gross}
		a.Charge(c.bp)
		if a.Fee != c.fee || a.Net != c.gross-c.fee {
			t.Errorf("%d at %d bp: fee %d, net %d, want fee %d", c.gross, c.bp, a.Fee, a.Net, c.fee)
		}
	}
}

// TestPartsAddUp splits amounts of all sizes among up to ten authors.
func TestPartsAddUp(t *testing.T) {
	const seed = 13
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		gross := money.Micro(random.Int64N(1 << random.IntN(63)))
		var authors []flattr.Part
		for left := 10_000; left > 0; {
			bp := left
			if len(authors) < 9 {
				bp = 1 + random.IntN(left)
			}
			authors = append(authors, flattr.Part{Author: flattr.MemberID(len(authors) + 1), BP: bp})
			left -= bp
		}
		sum := money.Micro(0)
		parts := Parts(gross, authors)
		for i, part := range parts {
			sum += part
			down := money.Part(gross, authors[i].BP)
			if i > 0 && part != down {
				t.Fatalf("seed %d: part %d of %d is %d, rounded down it is %d", seed, i, gross, part, down)
			}
			if rest := part - down; rest < 0 || rest >= money.Micro(len(authors)) {
				t.Fatalf("seed %d: %d units of %d are left over for %d authors", seed, rest, gross, len(authors))
			}
		}
		if sum != gross {
			t.Fatalf("seed %d: the parts of %d sum to %d", seed, gross, sum)
		}
	}
}

func TestTheRestGoesToTheFirstAuthorNamed(t *testing.T) {
	got := Parts(100, []flattr.Part{{Author: 1, BP: 3333}, {Author: 2, BP: 3333}, {Author: 3, BP: 3334}})
	if want := []money.Micro{34, 33, 33}; !slices.Equal(got, want) {
		t.Errorf("Parts = %v, want %v", got, want)
	}
}
