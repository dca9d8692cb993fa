package main

import (
	"testing"

	"flattr/ledger/money"
	"flattr/ledger/store"
)

// The page names the largest budget that can be set, not the one that could be
// before the operator changed the policy.
func TestTheBudgetPageKnowsThePolicy(t *testing.T) {
	s := startLedger(t)
	err := s.store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.SetPolicy(s.clock(), store.PolicyMaxBudget, int64(7*money.Euro))
	})
	if err != nil {
		t.Fatal(err)
	}
	ann := s.join("ann", 50*money.Euro)
	ann.wants("€7.00")
	ann.submit("budget", map[string]string{"budget": "7.01"})
	ann.wants("The budget is from €2.00 to €7.00 a month.")
	ann.submit("budget", map[string]string{"budget": "7.00"})
	ann.wants("Your budget is now €7.00 a month.")
}
