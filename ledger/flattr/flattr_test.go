package flattr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"flattr/ledger/money"
)

func id(n int) EventID {
	e, err := ParseEventID(fmt.Sprintf("c0000000-0000-4000-8000-%012d", n))
	if err != nil {
		panic(err)
	}
	return e
}

func TestMonthsFollowEachOther(t *testing.T) {
	for _, c := range []struct{ month, next, freeze string }{
		{"2026-10", "2026-11", "2026-11-04T00:00:00Z"},
		{"2026-12", "2027-01", "2027-01-04T00:00:00Z"},
		{"2028-02", "2028-03", "2028-03-04T00:00:00Z"},
	} {
		m, err := ParseMonth(c.month)
		if err != nil || m.String() != c.month || m.Next().String() != c.next || m.Next().Prev() != m {
			t.Errorf("%s: %s, next %s, %v", c.month, m, m.Next(), err)
		}
		if got := m.FreezeAt().Format(time.RFC3339); got != c.freeze {
			t.Errorf("%s freezes at %s, want %s", m, got, c.freeze)
		}
		if MonthOf(m.Start()) != m || MonthOf(m.End().Add(-1)) != m || MonthOf(m.End()) != m.Next() {
			t.Errorf("%s does not hold its own instants", m)
		}
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-00", "2026-1", "26-10", "2026-10-01", "2026/10", "+026-10", "1969-12", "3000-01"} {
		if m, err := ParseMonth(text); err == nil {
			t.Errorf("ParseMonth(%q) = %s, want an error", text, m)
		}
	}
	// A month is one of UTC, wherever the time was written.
	if m := MonthOf(time.Date(2026, 11, 1, 0, 30, 0, 0, time.FixedZone("", 3600))); m.String() != "2026-10" {
		t.Errorf("half an hour into November in Berlin is %s, want 2026-10", m)
	}
}

func TestBucketsAreTheFirstTwelveBits(t *testing.T) {
	// printf '\0\0\0\0\0\0\0\1' | sha256sum begins with cd2662.
	if got := MemberID(1).Bucket(); got != 0xcd2 {
		t.Errorf("MemberID(1).Bucket() = %#x, want 0xcd2", got)
	}
}

func TestCountingFollowsTheOrderOfTime(t *testing.T) {
	click := func(n int, at int64) Logged { return Logged{ID: id(n), Kind: KindClick, At: at} }
	undo := func(n, of int, at int64) Logged { return Logged{ID: id(n), Kind: KindUndo, At: at, Click: id(of)} }
	void := func(n, of int) Logged { return Logged{ID: id(n), Kind: KindVoid, At: 1, Click: id(of)} }
	for _, c := range []struct {
		why  string
		log  []Logged
		want int // 0: none
	}{
		{"nothing", nil, 0},
		{"one click", []Logged{click(1, 10)}, 1},
		{"the first of two", []Logged{click(2, 20), click(1, 10)}, 1},
		{"of one time the smaller id", []Logged{click(2, 10), click(1, 10)}, 1},
		{"undone", []Logged{click(1, 10), undo(5, 1, 20)}, 0},
		{"again after the undo", []Logged{click(1, 10), undo(5, 1, 20), click(2, 30)}, 2},
		{"a duplicate after an earlier undo", []Logged{click(1, 10), click(2, 30), undo(5, 1, 20)}, 2},
		{"a duplicate before the undo is taken back too", []Logged{click(1, 10), click(2, 15), undo(5, 1, 20)}, 0},
		{"an undo stamped before its click comes right behind it", []Logged{click(1, 10), undo(5, 1, 5)}, 0},
		{"and leaves the next click", []Logged{click(1, 10), undo(5, 1, 5), click(2, 11)}, 2},
		{"but not one of the same time with a smaller id", []Logged{click(2, 10), undo(5, 2, 5), click(1, 10)}, 0},
		{"an undo of a duplicate takes back what counts", []Logged{click(1, 10), click(2, 15), undo(5, 2, 20)}, 0},
		{"two undos", []Logged{click(1, 10), undo(5, 1, 20), undo(6, 1, 30), click(2, 25)}, 0},
		{"an undo of an unknown click does nothing", []Logged{click(1, 10), undo(5, 9, 20)}, 1},
		{"a voided click never counts", []Logged{click(1, 10), void(7, 1)}, 0},
		{"nor hides the next one", []Logged{click(1, 10), click(2, 20), void(7, 1)}, 2},
	} {
		for range 6 { // the order of the log must not matter
			got, ok := Counting(c.log)
			if ok != (c.want != 0) || ok && got.ID != id(c.want) || !ok && got != (Logged{}) {
				t.Errorf("%s: Counting = %s, %v, want click %d", c.why, got.ID, ok, c.want)
			}
			rand.Shuffle(len(c.log), func(i, j int) { c.log[i], c.log[j] = c.log[j], c.log[i] })
		}
	}
}

func TestSharesGiveTheOddUnitsByHash(t *testing.T) {
	month, _ := ParseMonth("2026-10")
	// printf '2026-10|c0000000-0000-4000-8000-00000000000N' | sha256sum, sorted:
	// 0 34c7…, 2 355d…, 1 7f3e…, 4 b8e2…, 3 fe25…
	// Two odd units, so that those who come first by hash are not the first of the list.
	got := Shares(month, 2*money.Euro+2, []EventID{id(0), id(1), id(2), id(3), id(4)})
	if want := []money.Micro{400_001, 400_000, 400_001, 400_000, 400_000}; !slices.Equal(got, want) {
		t.Errorf("Shares = %v, want %v", got, want)
	}
	if got := Shares(month, 2*money.Euro, nil); got != nil {
		t.Errorf("Shares of no clicks = %v", got)
	}
}

func TestSharesAddUpAndAreFair(t *testing.T) {
	const seed = 20261122
	random := rand.New(rand.NewPCG(seed, 0))
	month, _ := ParseMonth("2026-10")
	for range 500 {
		budget := MinBudget + money.Micro(random.Int64N(int64(DefaultMaxBudget-MinBudget)))
		clicks := make([]EventID, 1+random.IntN(1000))
		for i := range clicks {
			for j := range clicks[i] {
				clicks[i][j] = byte(random.Uint32())
			}
		}
		shares := Shares(month, budget, clicks)
		sum := money.Micro(0)
		for _, s := range shares {
			sum += s
		}
		if sum != budget || slices.Max(shares)-slices.Min(shares) > 1 {
			t.Fatalf("seed %d: %d clicks share %d: sum %d, from %d to %d", seed, len(clicks), budget, sum, slices.Min(shares), slices.Max(shares))
		}
		// The order in which clicks are given does not matter.
		other := slices.Clone(clicks)
		random.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		again := Shares(month, budget, other)
		for i, c := range other {
			if again[i] != shares[slices.Index(clicks, c)] {
				t.Fatalf("seed %d: click %s gets %d in another order", seed, c, again[i])
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"ann", "Zoë", "a", "bob.builder", "x_1-y", "李", strings.Repeat("n", MaxNameRunes)} {
		if err := CheckName(name); err != nil {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
	for _, name := range []string{
		"", " ", "a b", "-a", "a.", "a/b", "a\n", "<b>", "deleted-1", "DELETED-1", "a\xff", "@ann", strings.Repeat("n", MaxNameRunes+1), "a\u202eb",
		"аnn", "αnn", "ａｎｎ", "𝐚nn", "ﬁnn", "jo\u0308rg", // letters of two scripts, and other forms of the same
		"\u3164", "ann\u3164", "ann\u034f", "ann\ufe0f", "\u115f", "ann\U000e0100", "ann\u200b", "ann\u00ad", // not seen
	} {
		if err := CheckName(name); CodeOf(err) != NameInvalid {
			t.Errorf("CheckName(%q) = %v, want %s", name, err, NameInvalid)
		}
	}
}

func TestInviteCodesAreReadAsTheyAreTyped(t *testing.T) {
	code := NewCode()
	shown := ShowCode(code)
	for _, typed := range []string{code, shown, strings.ToLower(shown), " " + strings.ReplaceAll(shown, "-", " ")} {
		if got := ParseCode(typed); got != code {
			t.Errorf("ParseCode(%q) = %q, want %q", typed, got, code)
		}
	}
	if got := ParseCode("oOiI-lL00-0000-0000"); got != "0011110000000000" {
		t.Errorf("look-alikes are read as %q", got)
	}
	for _, typed := range []string{"", "ABCD", shown + "0", "ABCD-EFGH-JKMN-PQR*", strings.Repeat("-", 1000) + code, "ÄBCD-EFGH-JKMN-PQRS"} {
		if got := ParseCode(typed); got != "" {
			t.Errorf("ParseCode(%q) = %q, want nothing", typed, got)
		}
	}
	if other := NewCode(); other == code {
		t.Errorf("two codes are %s", code)
	}
}

func TestEventIDsAreReadInOneForm(t *testing.T) {
	if e, err := ParseEventID("C0000000-0000-4000-8000-00000000000A"); err != nil || e.String() != "c0000000-0000-4000-8000-00000000000a" {
		t.Errorf("ParseEventID = %s, %v", e, err)
	}
	for _, text := range []string{"", "5", "{c0000000-0000-4000-8000-000000000000}", "urn:uuid:c0000000-0000-4000-8000-000000000000", "c0000000000040008000000000000000"} {
		if e, err := ParseEventID(text); err == nil {
			t.Errorf("ParseEventID(%q) = %s, want an error", text, e)
		}
	}
}
