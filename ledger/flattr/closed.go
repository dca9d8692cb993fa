package flattr

import "flattr/ledger/money"

// ClosedMonth is what a closed month came to.
type ClosedMonth struct {
	Month   Month
	Readers int // who gave something
	Clicks  int // that were worth something
	Authors int // who got something
	Given   money.Micro
	Net     money.Micro // to authors
	Fee     money.Micro
}
