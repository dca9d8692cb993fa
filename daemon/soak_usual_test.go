//go:build !soak

package main

// Kills that are part of every run of the tests: of the companion, and of the
// ledger.
const (
	usualKills  = 15
	usualRounds = 3
)

// powerLossClicks are a few commits in each of three runs of the companion.
const powerLossClicks = 36
