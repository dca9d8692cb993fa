//go:build soak

package main

// usualRounds of kills are what `make soak` promises.
const usualRounds = 100

// powerLossClicks fill the write-ahead log often enough that it is folded into
// the file while the companion runs.
const powerLossClicks = 900
