package money

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func TestParseReadsEuroAndNothingElse(t *testing.T) {
	good := map[string]Micro{
		"2.00": 2_000_000, "2": 2_000_000, "2.5": 2_500_000, "0.01": 10_000, "0": 0, "0.00": 0,
		"000002.00": 2_000_000, "1000000": Max, "1000000.00": Max,
	}
	for text, want := range good {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "2.", ".5", "-1", "+1", "2,00", "2.005", "1e3", "0x10", " 2", "2 ", "2.0.0", "1000000.01",
		"99999999", "9999999999999999999", "٢", "NaN", "Inf", "1_000", "92233720368547758.08",
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", text, got)
		}
	}
	for _, text := range []string{"1000000.01", "99999999", "123456789012345.99"} {
		if _, err := Parse(text); !errors.Is(err, ErrTooMuch) {
			t.Errorf("Parse(%q) = %v, want %v", text, err, ErrTooMuch)
		}
	}
}

func TestStringWritesEuro(t *testing.T) {
	for m, want := range map[Micro]string{
		2_000_000: "2.00", 0: "0.00", 66_667: "0.066", 10_000: "0.01", 1: "0.000", -2_500_000: "-2.50",
		200_000: "0.20", math.MinInt64: "-9223372036854.775", Max: "1000000.00",
	} {
		if got := m.String(); got != want {
			t.Errorf("Micro(%d).String() = %q, want %q", int64(m), got, want)
		}
	}
}

func TestSplitLosesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		budget, n := Micro(random.Int64N(int64(Max))), 1+random.IntN(5000)
		share, odd := Split(budget, n)
		if share*Micro(n)+Micro(odd) != budget || odd < 0 || odd >= n || share < 0 {
			t.Fatalf("Split(%d, %d) = %d, %d", budget, n, share, odd)
		}
	}
}

func TestAddFindsEveryOverflow(t *testing.T) {
	for _, c := range []struct {
		a, b Micro
		ok   bool
	}{
		{math.MaxInt64, 0, true},
		{math.MaxInt64, 1, false},
		{math.MinInt64, -1, false},
		{math.MinInt64, 0, true},
		{math.MaxInt64, math.MinInt64, true},
		{1, 2, true},
		{0, 0, true},
		{-1, 1, true},
		{math.MaxInt64 / 2, math.MaxInt64/2 + 2, false},
	} {
		if sum, err := Add(c.a, c.b); (err == nil) != c.ok || c.ok && sum != c.a+c.b {
			t.Errorf("Add(%d, %d) = %d, %v", c.a, c.b, sum, err)
		}
	}
}

func TestPartRoundsDown(t *testing.T) {
	for _, c := range []struct {
		amount Micro
		bp     int
		want   Micro
	}{
		{2_000_000, 1000, 200_000},
		{2_000_000, 0, 0},
		{2_000_000, 10_000, 2_000_000},
		{666_667, 3333, 222_200},
		{9, 1000, 0},
		{math.MaxInt64, 10_000, math.MaxInt64},
		{10_001, 9999, 9999},
	} {
		if got := Part(c.amount, c.bp); got != c.want {
			t.Errorf("Part(%d, %d) = %d, want %d", c.amount, c.bp, got, c.want)
		}
	}
}
