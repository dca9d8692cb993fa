package book

import (
	"math"
	"math/rand/v2"
	"testing"

	"flattr/ledger/money"
)

// The bounds leave room for one more amount of any size that occurs: a sum with
// one is computed before it is refused.
func TestBoundsLeaveRoomInAnInteger(t *testing.T) {
	const most = 2 * MaxPutIn // the largest amount there can be on an account that holds money
	if most < money.Max || MaxPutIn > math.MaxInt64-money.Max {
		t.Errorf("an amount of %d does not fit beside %d", money.Max, MaxPutIn)
	}
	if MaxDebits > math.MaxInt64-most || MaxCredits > math.MaxInt64-most {
		t.Errorf("debits of %d or credits of %d and %d more leave an int64", MaxDebits, MaxCredits, most)
	}
	if MaxDebits+most > MaxCredits {
		t.Errorf("credits can come to %d, which is above %d", MaxDebits+most, MaxCredits)
	}
}

// model is the books with bounds of its own, in which a walk soon meets them.
type model struct {
	t                *testing.T
	seed             uint64
	putIn, maxDebits int64 // maxCredits is twice that
	accounts         map[Kind]*Balance
	refused          map[Code]int
}

// move books an amount, as store does: what goes out of the account from is
// looked at before, all else must fit.
func (m *model) move(code Code, from, to Kind, amount int64, guarded bool) {
	if amount <= 0 {
		return
	}
	debit, credit := m.accounts[from], m.accounts[to]
	limit := m.maxDebits
	if from == Bank || from == Gift {
		limit = m.putIn
	}
	if int64(debit.Debits) > limit-amount {
		if !guarded {
			m.t.Fatalf("seed %d: %s of %d from %s meets the bound of debits", m.seed, code, amount, from)
		}
		m.refused[code]++
		return
	}
	if int64(credit.Credits) > 2*m.maxDebits-amount {
		m.t.Fatalf("seed %d: %s of %d to %s meets the bound of credits", m.seed, code, amount, to)
	}
	debit.Debits += money.Micro(amount)
	credit.Credits += money.Micro(amount)
}

func (m *model) on(kind Kind) int64 { return int64(m.accounts[kind].Net()) }

// In whatever order money goes to and fro, what comes back and what a settlement
// posts meets no bound, and what goes out is refused before it does.
func TestNoSettlementMeetsABound(t *testing.T) {
	met := map[Code]int{}
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 3))
		// The bounds stand to each other as the real ones do: 1 to 32.
		m := &model{t: t, seed: seed, putIn: 1000, maxDebits: 32 * 1000, accounts: map[Kind]*Balance{}, refused: map[Code]int{}}
		for _, kind := range []Kind{Bank, Gift, Means, Held, Receivable, Clearing, Revenue, Fee} {
			m.accounts[kind] = &Balance{}
		}
		some := func(of int64) int64 { return random.Int64N(max(of, 0) + 1) }
		seldom := func(of int64) int64 { return some(of) * int64(random.IntN(500)/499) } // money that leaves for good ends the walk
		for range 20_000 {
			switch random.IntN(11) {
			case 0:
				m.move(Credit, Bank, Means, 1+some(100), true)
			case 1:
				m.move(Welcome, Gift, Means, 1+some(100), true)
			case 2, 3, 4:
				m.move(Hold, Means, Held, some(m.on(Means)), true)
			case 5, 6:
				m.move(Release, Held, Means, some(m.on(Held)), false)
			case 7: // a settlement
				m.move(Give, Held, Clearing, m.on(Held), false)
				m.move(Charge, Clearing, Fee, seldom(m.on(Clearing)), false)
				m.move(Earn, Clearing, Revenue, m.on(Clearing), false)
			case 8:
				m.move(Present, Revenue, Means, some(m.on(Revenue)), true)
			case 9:
				m.move(Refund, Means, Bank, seldom(m.on(Means)), true)
			case 10: // what was earned once is taken back, spent or not
				before := m.accounts[Revenue].Debits
				m.move(Reverse, Revenue, Clearing, seldom(100), true)
				m.move(Reclaim, Clearing, Gift, int64(m.accounts[Revenue].Debits-before), false)
			}
			if there := max(m.on(Means), 0) + m.on(Held) + max(m.on(Revenue), 0); there > 2*m.putIn {
				t.Fatalf("seed %d: %d is there of %d put in at most", seed, there, 2*m.putIn)
			}
		}
		met[Hold] += m.refused[Hold]
		met[Credit] += m.refused[Credit]
	}
	if met[Hold] == 0 || met[Credit] == 0 {
		t.Errorf("the walks met no bound: %v", met)
	}
}
