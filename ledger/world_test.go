package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flattr/ledger/flattr"
	"flattr/ledger/store/storetest"
)

// sharedWorlds are the golden worlds that lie beside the project, where they do.
const sharedWorlds = "../../shared/worlds"

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
	worlds, err := filepath.Glob(filepath.Join(sharedWorlds, "world-*.ndjson"))
	if err != nil || len(worlds) == 0 {
		t.Fatalf("worlds: %v, %v", worlds, err)
	}
	for _, file := range worlds {
		if statementName.MatchString(file) {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), ".ndjson")
		for _, cut := range []bool{false, true} {
			how := map[bool]string{false: "whole", true: "cut"}[cut]
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				storetest.Each(t, func(t *testing.T, where string) { goldenWorld(t, where, file, cut) })
			})
		}
	}
}

var (
	statementName = regexp.MustCompile(`\.(\d{4}-\d{2})\.statement\.ndjson$`)
	lineArrived   = regexp.MustCompile(`"arrived": *"([^"]*)"`)
	lineTime      = regexp.MustCompile(`"at": *"([^"]*)"`)
)

// goldenWorld loads the world whole, or cut at each freeze.
func goldenWorld(t *testing.T, db, file string, cut bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	loadParts(t, db, string(text), cut)
	statements, err := filepath.Glob(strings.TrimSuffix(file, ".ndjson") + ".*.statement.ndjson")
	if err != nil || len(statements) == 0 {
		t.Fatalf("statements of %s: %v, %v", file, statements, err)
	}
	for _, name := range statements {
		month := statementName.FindStringSubmatch(name)[1]
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ledger(t, "settle", "--db", db, "--month", month, "--now", "2027-12-31T00:00:00Z")
		want := jsonLines(t, string(text))
		got := jsonLines(t, ledger(t, "statement", "--db", db, "--month", month))
		onlyKnown(got, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("statement of %s (-want +got):\n%s", month, diff)
		}
	}
	ledger(t, "audit", "--db", db)
}

// loadParts loads a world whole, or what arrives before and after each freeze
// from files of their own, and answers what load says on stderr.
func loadParts(t *testing.T, db, world string, cut bool) string {
	t.Helper()
	parts := map[string]*strings.Builder{}
	for line := range strings.Lines(world) {
		part := "" // by the month whose freeze came last
		arrived := lineArrived.FindStringSubmatch(line)
		if arrived == nil {
			arrived = lineTime.FindStringSubmatch(line)
		}
		if cut && arrived != nil {
			at, err := time.Parse(time.RFC3339, arrived[1])
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			part = flattr.MonthOf(at.Add(-flattr.Grace)).String()
		}
		if parts[part] == nil {
			parts[part] = &strings.Builder{}
		}
		parts[part].WriteString(line)
	}
	var said strings.Builder
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		var out bytes.Buffer
		err := run(context.Background(), []string{"load", "--db", db, "-"}, strings.NewReader(parts[part].String()), &out, &said)
		if err != nil {
			t.Fatalf("load: %v\n%s", err, said.String())
		}
	}
	return said.String()
}
