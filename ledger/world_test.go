package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sharedWorlds are the golden worlds that lie beside the project, where they do.
const sharedWorlds = "../../shared/worlds"

// supported are the shared worlds whose lines this ledger can load.
var supported = []string{
	"01", "02", "03", "04", "06", "07", "08", "10", "11", "13", "15", "16", "18", "19", "21", "22", "24", "26", "27", "29",
}

// ledger runs flattr-ledger and returns what it prints.
func ledger(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run(context.Background(), args, strings.NewReader(""), &out, &errs); err != nil {
		t.Fatalf("flattr-ledger %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// jsonLines reads one object a line.
func jsonLines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	for dec.More() {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// onlyKnown keeps of each line the fields that the line of want has: further
// ones are allowed.
func onlyKnown(got, want []map[string]any) {
	for i := range min(len(got), len(want)) {
		for field := range got[i] {
			if _, known := want[i][field]; !known {
				delete(got[i], field)
			}
		}
	}
}

func TestGoldenWorldsComeOutAsWritten(t *testing.T) {
	if _, err := os.Stat(sharedWorlds); err != nil {
		t.Skipf("the golden worlds are not here: %v", err)
	}
	for _, number := range supported {
		worlds, err := filepath.Glob(filepath.Join(sharedWorlds, "world-"+number+"-*.ndjson"))
		if err != nil || len(worlds) < 2 {
			t.Fatalf("world %s: %v, %v", number, worlds, err)
		}
		for _, cut := range []bool{false, true} {
			name := map[bool]string{false: "whole", true: "cut"}[cut]
			t.Run(number+"/"+name, func(t *testing.T) { goldenWorld(t, worlds, cut) })
		}
	}
}

var (
	statementName = regexp.MustCompile(`\.(\d{4}-\d{2})\.statement\.ndjson$`)
	lineTime      = regexp.MustCompile(`"(?:arrived|at)":"([^"]*)"`)
)

// goldenWorld loads the world whole, or cut where its first month freezes.
func goldenWorld(t *testing.T, files []string, cut bool) {
	db := filepath.Join(t.TempDir(), "ledger.db")
	for _, file := range files {
		if statementName.MatchString(file) {
			continue
		}
		for _, part := range parts(t, file, cut) {
			ledger(t, "load", "--db", db, part)
		}
	}
	for _, file := range files {
		month := statementName.FindStringSubmatch(file)
		if month == nil {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ledger(t, "settle", "--db", db, "--month", month[1], "--now", "2027-12-31T00:00:00Z")
		want := jsonLines(t, string(text))
		got := jsonLines(t, ledger(t, "statement", "--db", db, "--month", month[1]))
		onlyKnown(got, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("statement of %s (-want +got):\n%s", month[1], diff)
		}
	}
	ledger(t, "audit", "--db", db)
}

// parts writes the file, or what arrives before 2026-11-04 and what arrives
// later, into files of their own.
func parts(t *testing.T, file string, cut bool) []string {
	t.Helper()
	if !cut {
		return []string{file}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var halves [2]strings.Builder
	for line := range strings.Lines(string(text)) {
		half := 0
		times := lineTime.FindAllStringSubmatch(line, -1)
		if len(times) > 0 && times[len(times)-1][1] >= "2026-11-04T" {
			half = 1
		}
		halves[half].WriteString(line)
	}
	var names []string
	for i := range halves {
		name := filepath.Join(t.TempDir(), "part.ndjson")
		if err := os.WriteFile(name, []byte(halves[i].String()), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}
