package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestVersionsThatSomeSystemCannotExpressAreRefused(t *testing.T) {
	for _, version := range []string{"", "v1.0.0", "1.0", "1.0.0-2", "1.0.0 ", "1_0_0", "../1", "1.0.0-rc", "1.0.1000000"} {
		err := run([]string{"-version", version, "-out", t.TempDir()}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "version") {
			t.Errorf("run(-version %q) = %v, want a complaint about the version", version, err)
		}
	}
}

func TestWhatComesBeforeAVersionSortsBeforeIt(t *testing.T) {
	r, _, err := readArguments([]string{"-version", "0.2.0-rc1"})
	if err != nil || r.numbers != "0.2.0" || r.before != "rc1" || debianVersion(r) != "0.2.0~rc1" {
		t.Errorf("0.2.0-rc1 = %s, %s, %s, %v, want 0.2.0~rc1 for Debian", r.numbers, r.before, debianVersion(r), err)
	}
}

func TestAnUnknownPackageIsNamedWithThoseThereAre(t *testing.T) {
	err := run([]string{"-version", "1.0.0", "-only", "snap", "-out", t.TempDir()}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "snap") || !strings.Contains(err.Error(), "deb-amd64") {
		t.Errorf("run(-only snap) = %v, want the names there are", err)
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
