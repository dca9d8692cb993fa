//go:build !soak

package main

// usualRounds of kills are part of every run of the tests.
const usualRounds = 3
