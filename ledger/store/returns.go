package store

import (
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// owes is what a reader has to repay before flattring again: what the bank took
// back and the means could not cover (product rule 15).
func (tx *Tx) owes(reader flattr.MemberID) (money.Micro, error) { return 0, nil }

// Return books that the bank took back an amount of the member's top-up of that
// reference: from the means as far as they go, the rest is owed. What is held
// stays held. A top-up that was returned before books nothing, which it answers
// with false. It refuses with not_found a reference that is not the member's, and
// with invalid_request an amount above the top-up.
func (tx *Tx) Return(now time.Time, member flattr.MemberID, ref string, amount money.Micro) (bool, error) {
	return false, nil
}

// Refund books that means were paid back to their reader. A reference that was
// booked before books nothing, which it answers with false. It refuses with
// no_means more than there is.
func (tx *Tx) Refund(now time.Time, member flattr.MemberID, amount money.Micro, ref string) (bool, error) {
	return false, nil
}
