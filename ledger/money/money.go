// Package money holds exact amounts of money and splits them fairly.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Micro is an amount in micro-EUR (1e-6 EUR). It is exact; nothing near it is
// a float.
type Micro int64

// Units of money.
const (
	Cent Micro = 10_000
	Euro Micro = 100 * Cent
)

// Max is the largest amount that is read from outside: a million euro. Nine
// million of them fit into an int64; whoever sums more meets the overflow that
// Add reports, or the store's refusal of a number that is no integer any more.
const Max = 1_000_000 * Euro

// What Parse answers to text that is no amount, and to amounts above Max.
var (
	ErrAmount  = errors.New("not an amount: write euro with at most two decimals, such as 2 or 2.50")
	ErrTooMuch = errors.New("too much at once: an amount is at most 1000000.00 EUR")
)

// maxDigits is more than any amount of money needs before the point.
const maxDigits = 15

// Parse reads an amount in euro with at most two decimals and no sign: "2",
// "2.5", "2.00". It refuses everything else with ErrAmount and amounts above
// Max with ErrTooMuch.
func Parse(s string) (Micro, error) {
	whole, frac, dotted := strings.Cut(s, ".")
	if !digits(whole, maxDigits) || dotted && !digits(frac, 2) {
		return 0, ErrAmount
	}
	for len(frac) < 2 {
		frac += "0"
	}
	cents, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return 0, ErrAmount
	}
	if cents > int64(Max/Cent) {
		return 0, ErrTooMuch
	}
	return Micro(cents) * Cent, nil
}

// digits reports whether s is one to most ASCII digits.
func digits(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String writes the amount in euro for people: with two decimals where it is
// whole cents, else cut to three ("0.067").
func (m Micro) String() string {
	sign := ""
	u := uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	euro, rest := u/uint64(Euro), u%uint64(Euro)
	if rest%uint64(Cent) == 0 {
		return fmt.Sprintf("%s%d.%02d", sign, euro, rest/uint64(Cent))
	}
	return fmt.Sprintf("%s%d.%03d", sign, euro, rest/1000)
}

// Split divides a budget equally over n clicks: each gets share, and odd units
// are left over, which go one each to odd of the clicks. n must be above 0 and
// budget not below.
func Split(budget Micro, n int) (share Micro, odd int) {
	return budget / Micro(n), int(budget % Micro(n))
}

// Add sums two amounts and reports an overflow of int64 as an error.
func Add(a, b Micro) (Micro, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, fmt.Errorf("add %d and %d micro-EUR: overflow", int64(a), int64(b))
	}
	return sum, nil
}

// Part is amount times bp / 10,000, rounded down, for bp from 0 to 10,000
// basis points. It does not overflow for any amount.
func Part(amount Micro, bp int) Micro {
	return amount/10_000*Micro(bp) + amount%10_000*Micro(bp)/10_000
}
