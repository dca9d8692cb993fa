package main

// handOver has nothing to do: files inherit the folder's access list.
func handOver(string) error { return nil }
