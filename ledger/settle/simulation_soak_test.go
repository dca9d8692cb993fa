//go:build soak

package settle_test

import (
	"fmt"
	"testing"

	"flattr/ledger/store/storetest"
)

// TestSoakSimulation lives through more than a year each time.
func TestSoakSimulation(t *testing.T) {
	const seeds, steps = 20, 900
	done := make(map[string]int)
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, where string) {
				for what, n := range simulate(t, where, 1000+seed, steps).done {
					done[what] += n
				}
			})
		})
	}
	proveLively(t, done)
}
