package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestSchemaInTheExtensionIsUpToDate(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	var fresh bytes.Buffer
	if err := generate(&fresh); err != nil {
		t.Fatalf("generate: %v", err)
	}
	path := filepath.Join("extension", "wire.schema.json")
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read schema: %v", err)
	}
	if !bytes.Equal(fresh.Bytes(), committed) {
		t.Errorf("extension/wire.schema.json is out of date; run: go run ./daemon/wire/gen > extension/wire.schema.json")
	}
}

func TestGenerateFailsAwayFromTheTopOfTheProject(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := generate(&bytes.Buffer{}); err == nil {
		t.Error("generate() in an empty folder = nil, want an error")
	}
}
