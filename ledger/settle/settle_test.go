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

// clicks makes clicks at random, on up to ten things; a third of them are promises.
func clicks(random *rand.Rand, n int) (things []flattr.ThingID, ids []flattr.EventID) {
	things, ids = make([]flattr.ThingID, n), make([]flattr.EventID, n)
	for i := range ids {
		for j := range ids[i] {
			ids[i][j] = byte(random.Uint32())
		}
		if i%3 != 0 {
			things[i] = flattr.ThingID(1 + random.IntN(10))
		}
	}
	return things, ids
}

func TestPromisesAreInNoDivisor(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	var divider Divider
	for range 300 {
		budget := flattr.MinBudget + money.Micro(random.Int64N(int64(98*money.Euro)))
		things, ids := clicks(random, random.IntN(200))
		var want []flattr.ThingID
		var of []flattr.EventID
		for i, thing := range things {
			if thing != 0 {
				want, of = append(want, thing), append(of, ids[i])
			}
		}
		paid, shares := divider.Shares(month, budget, things, ids)
		if !slices.Equal(paid, want) || !slices.Equal(shares, flattr.Shares(month, budget, of)) {
			t.Fatalf("seed %d: %d divided over %d clicks, %d of them paid: %v get %v", seed, budget, len(ids), len(want), paid, shares)
		}
	}
}

func TestPostingsOfAMonthClear(t *testing.T) {
	const seed = 12
	random := rand.New(rand.NewPCG(seed, 0))
	var divider Divider
	for range 100 {
		feeBP := random.IntN(10_001)
		authors := make(map[flattr.MemberID]Author)
		var postings []book.Transfer
		for reader := range 20 {
			budget := flattr.MinBudget + money.Micro(random.Int64N(int64(98*money.Euro)))
			things, ids := clicks(random, 1+random.IntN(60))
			paid, shares := divider.Shares(month, budget, things, ids)
			if len(paid) == 0 {
				continue
			}
			postings = append(postings, Give(month, flattr.MemberID(reader+1), budget))
			for i, thing := range paid { // each thing has one author, of the same number
				a := authors[flattr.MemberID(thing)]
				a.ID, a.Clicks, a.Gross = flattr.MemberID(thing), a.Clicks+1, a.Gross+shares[i]
				authors[a.ID] = a
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
