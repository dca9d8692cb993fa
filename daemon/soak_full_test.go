//go:build soak

package main

// What `make soak` promises: kills of the companion, and of the ledger.
const (
	usualKills  = 1000
	usualRounds = 100
)

// powerLossClicks fill the write-ahead log often enough that it is folded into
// the file while the companion runs.
const powerLossClicks = 900
