package flattr

import (
	"fmt"
	"strconv"
	"time"
)

// Month is a calendar month in UTC as the number 202611, written "2026-11".
// The zero Month is no month.
type Month int32

// The months that are believed: what lies outside is a broken clock or a slip.
const (
	firstYear = 1970
	lastYear  = 2999
)

// Grace is how long after its end a month still takes clicks and undos
// (product rule 5).
const Grace = 72 * time.Hour

// ParseMonth reads "2026-11".
func ParseMonth(s string) (Month, error) {
	if len(s) != 7 || s[4] != '-' {
		return 0, fmt.Errorf("month %q: write it like 2026-11", s)
	}
	year, errYear := strconv.ParseUint(s[:4], 10, 16)
	month, errMonth := strconv.ParseUint(s[5:], 10, 16)
	if errYear != nil || errMonth != nil || year < firstYear || year > lastYear || month < 1 || month > 12 {
		return 0, fmt.Errorf("month %q: write it like 2026-11", s)
	}
	return Month(year*100 + month), nil
}

// MonthOf is the month in which t lies.
func MonthOf(t time.Time) Month {
	t = t.UTC()
	return Month(t.Year()*100 + int(t.Month()))
}

// Start is the first instant of the month.
func (m Month) Start() time.Time {
	return time.Date(int(m/100), time.Month(m%100), 1, 0, 0, 0, 0, time.UTC)
}

// End is the first instant after the month.
func (m Month) End() time.Time { return m.Next().Start() }

// FreezeAt is the first instant at which the month can be frozen: what
// arrives then or later counts in the month of its arrival.
func (m Month) FreezeAt() time.Time { return m.End().Add(Grace) }

// Next is the month after m.
func (m Month) Next() Month {
	if m%100 == 12 {
		return m + 100 - 11
	}
	return m + 1
}

// Prev is the month before m.
func (m Month) Prev() Month {
	if m%100 == 1 {
		return m - 100 + 11
	}
	return m - 1
}

// Add is the month n months after m, or before it where n is below 0.
func (m Month) Add(n int) Month {
	months := int(m/100)*12 + int(m%100) - 1 + n
	return Month(months/12*100 + months%12 + 1)
}

// String writes the month as "2026-11".
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m/100), int(m%100)) }

// State is how far a month has come in its settlement.
type State string

// The states of a month, in their order.
const (
	Open     State = "open"
	Frozen   State = "frozen"   // no event changes it any more; its snapshot is written
	Computed State = "computed" // what each thing and author gets is known
	Posted   State = "posted"   // and booked
	Closed   State = "closed"
)
