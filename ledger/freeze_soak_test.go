//go:build soak

package main

import (
	"strconv"
	"testing"

	"flattr/ledger/store/storetest"
)

// TestSoakFreezesAgainstClicks is TestFreezeAgainstClicks a hundred times on
// each engine.
func TestSoakFreezesAgainstClicks(t *testing.T) {
	for i := range 100 {
		t.Run(strconv.Itoa(i), func(t *testing.T) { storetest.Each(t, freezeAgainstClicks) })
	}
}
