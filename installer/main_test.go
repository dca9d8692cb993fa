package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"
)

func TestVersionsThatDebianRefusesAreRefused(t *testing.T) {
	for _, version := range []string{"", "v1.0", "1.0-2 ", "1_0", "../1"} {
		err := run([]string{"-version", version, "-programs", t.TempDir(), "-out", t.TempDir()}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("run(-version %q) = %v, want a complaint about the version", version, err)
		}
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	err := run([]string{"-version", "1.0", "-programs", t.TempDir(), "-out", t.TempDir()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("run without programs = %v, want the way to build them", err)
	}
}

func TestBuildTimeIsTheSourcesWhereItIsSet(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	built, err := buildTime()
	if err != nil || !built.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("buildTime() = %v, %v, want 1700000000", built, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := buildTime(); err == nil {
		t.Error("buildTime() with yesterday = nil, want an error")
	}
}

func TestChangelogIsOneDebianReads(t *testing.T) {
	packed := changelog(release{version: "1.2.3", built: time.Unix(0, 0).UTC()})
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"flattr (1.2.3) unstable;", "\n -- ", "Thu, 01 Jan 1970 00:00:00 +0000\n"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("changelog = %q, want it to hold %q", text, part)
		}
	}
}
