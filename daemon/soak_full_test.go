//go:build soak

package main

// usualRounds of kills are what `make soak` promises.
const usualRounds = 100
