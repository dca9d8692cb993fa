//go:build !manual

package main

import "github.com/spf13/cobra"

// manualCommands is none in the program that readers have.
func manualCommands() []*cobra.Command { return nil }
