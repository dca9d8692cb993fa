//go:build soak

package main

import (
	"testing"

	"flattr/ledger/store/storetest"
)

// TestSoakYear lives through a year of a newspaper.
func TestSoakYear(t *testing.T) {
	const readers, months = 16_000, 12
	storetest.Each(t, func(t *testing.T, where string) { liveYear(t, where, readers, months) })
}
