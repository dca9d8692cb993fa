//go:build soak

package main

import (
	"fmt"
	"testing"

	"flattr/ledger/store/storetest"
)

// TestSoakCrashesOfASettlement kills settlements of several worlds, 200 times
// on each store.
func TestSoakCrashesOfASettlement(t *testing.T) {
	const worlds, each = 4, 50
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, where string) { crash(t, where, 100+seed, each) })
		})
	}
}
