package book

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"flattr/ledger/money"
)

var (
	bank  = Account{Kind: Bank}
	means = Account{Kind: Means, Bucket: 7, Owner: 42}
	held  = Account{Kind: Held, Bucket: 7, Owner: 42, Month: 202610}
)

func TestTransferIDsAreTheOnesAgreedOn(t *testing.T) {
	// The namespace is the UUIDv5 of the URL namespace and "flattr:transfer"; the
	// name is month|code|account id.
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("flattr:transfer"))
	want := uuid.NewSHA1(space, []byte("2026-10|give|0007000000000000002a000400031772"))
	if got := TransferID("2026-10", Give, held); got != want {
		t.Errorf("TransferID = %s, want %s", got, want)
	}
}

func TestAccountIDsDiffer(t *testing.T) {
	seen := make(map[AccountID]Account)
	for _, kind := range []Kind{Bank, Gift, Means, Held, Receivable, Clearing, Revenue, Fee} {
		for _, owner := range []int64{0, 1, 1 << 52} {
			for _, month := range []int32{0, 202610, 202611} {
				a := Account{Kind: kind, Owner: owner, Month: month}
				if other, taken := seen[a.ID()]; taken {
					t.Errorf("%+v and %+v have one id", a, other)
				}
				seen[a.ID()] = a
			}
		}
	}
}

func TestChangesBalance(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	accounts := []Account{bank, means, held, {Kind: Clearing, Month: 202610}, {Kind: Fee}}
	for range 200 {
		var transfers []Transfer
		for range random.IntN(50) {
			i := random.IntN(len(accounts))
			j := (i + 1 + random.IntN(len(accounts)-1)) % len(accounts)
			transfers = append(transfers, New("t", Credit, accounts[i], accounts[j], accounts[j], 1+money.Micro(random.Int64N(1e12))))
		}
		changes, err := Changes(transfers)
		if err != nil {
			t.Fatal(err)
		}
		var sum Balance
		for _, c := range changes {
			sum.Debits += c.Debits
			sum.Credits += c.Credits
		}
		if sum.Net() != 0 {
			t.Fatalf("seed %d: debits %d, credits %d", seed, sum.Debits, sum.Credits)
		}
	}
}

func TestChangesRefuseWhatIsNoTransfer(t *testing.T) {
	for _, amount := range []money.Micro{0, -1} {
		if _, err := Changes([]Transfer{New("t", Credit, bank, means, means, amount)}); !errors.Is(err, ErrAmount) {
			t.Errorf("a transfer of %d: %v, want %v", amount, err, ErrAmount)
		}
	}
	if _, err := Changes([]Transfer{New("t", Credit, means, means, means, 1)}); err == nil {
		t.Error("a transfer from an account to itself is accepted")
	}
	most := New("t", Credit, bank, means, means, math.MaxInt64)
	if _, err := Changes([]Transfer{most, most}); err == nil {
		t.Error("an overflow is accepted")
	}
}
