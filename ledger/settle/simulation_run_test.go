package settle_test

import (
	"fmt"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

func TestSimulationHoldsAfterEveryStep(t *testing.T) {
	const seeds, steps = 2, 240
	const onPostgres = 100 // which takes several times as long
	done := make(map[string]int)
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, where string) {
				steps := steps
				if strings.HasPrefix(where, "postgres") {
					steps = onPostgres
				}
				for what, n := range simulate(t, where, seed, steps).done {
					done[what] += n
				}
			})
		})
	}
	proveLively(t, done)
}

// proveLively holds that a simulation was not one in which little happened.
func proveLively(t *testing.T, done map[string]int) {
	t.Helper()
	for _, result := range []flattr.Result{flattr.Accepted, flattr.Late, flattr.Duplicate} {
		if done["click "+string(result)] == 0 {
			t.Errorf("no click was %s", result)
		}
	}
	for _, code := range []flattr.Code{
		flattr.Once, flattr.OwnThing, flattr.NoMeans, flattr.MonthFrozen, flattr.Claimed, flattr.BudgetRange,
	} {
		if done["refused "+string(code)] == 0 {
			t.Errorf("nothing was refused with %s", code)
		}
	}
	for _, what := range []string{"promise kept", "used", "given", "deleted", "shared"} {
		if done[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
	t.Log(done)
}
