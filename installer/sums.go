package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// writeSums writes SHA256SUMS beside the packages, as sha256sum -c reads it.
func writeSums(out string, paths []string) (string, error) {
	var text bytes.Buffer
	for _, path := range slices.Sorted(slices.Values(paths)) {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("sum %s: %w", path, err)
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), filepath.Base(path))
	}
	name := filepath.Join(out, "SHA256SUMS")
	if err := os.WriteFile(name, text.Bytes(), 0o644); err != nil {
		return "", fmt.Errorf("write sums: %w", err)
	}
	return name, nil
}
