//go:build !soak

package main

// usualRounds of kills are part of every run of the tests.
const usualRounds = 3

// powerLossClicks are a few commits in each of three runs of the companion.
const powerLossClicks = 36
