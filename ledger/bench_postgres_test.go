//go:build bench

package main

func benchPostgres(b *bench) {}
