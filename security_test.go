package flattr_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// threats are those that the table of SECURITY.md owes a line: a word of each.
var threats = []string{
	"page dials", "rebinding", "another extension", "another user of", "took the port", "another port", "swaps keys", "replay", "downgrade",
	"stolen ticket", "oversized", "slow headers", "garbage", "flood of frames", "flood by another user", "answers for the ledger", "corrupt database",
	"full disk", "clock", "cloned profile", "runs as the reader",
}

// Each test that SECURITY.md names exists, and so does each mutant, which
// names one of the tests of its line.
func TestTheTableOfThreatsNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([^`]+)`")
	first := ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(cells[0], " threat") {
			continue
		}
		if len(cells) != 4 {
			t.Errorf("%d cells, want threat, counter-measure, tests and mutants: %s", len(cells), line)
			continue
		}
		threat := strings.TrimSpace(cells[0])
		first += strings.ToLower(threat) + "\n"
		tests, mutants := named.FindAllStringSubmatch(cells[2], -1), named.FindAllStringSubmatch(cells[3], -1)
		if len(strings.TrimSpace(cells[1])) == 0 || len(tests) == 0 || len(mutants) == 0 {
			t.Errorf("%s: the line lacks a counter-measure, a test or a mutant", threat)
		}
		for _, test := range tests {
			if !testExists(t, test[1]) {
				t.Errorf("%s: there is no test %s", threat, test[1])
			}
		}
		for _, mutant := range mutants {
			if !tellsOf(mutant[1], tests) {
				t.Errorf("%s: there is no mutants/%s.patch that names a test of the line", threat, mutant[1])
			}
		}
	}
	for _, threat := range threats {
		if !strings.Contains(first, threat) {
			t.Errorf("no line of the table is about: %s", threat)
		}
	}
}

// testExists finds a test by its name in the table: folder.TestName, or file
// of the extension's tests: what it says.
func testExists(t *testing.T, name string) bool {
	t.Helper()
	if file, says, ok := strings.Cut(name, ": "); ok {
		found := false
		_ = filepath.WalkDir(filepath.Join("extension", "test"), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == file {
				text, _ := os.ReadFile(path)
				found = found || strings.Contains(string(text), says)
			}
			return err
		})
		return found
	}
	folder, function, ok := strings.Cut(name, ".")
	function, part, isPart := strings.Cut(function, "/")
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || !ok {
		return false
	}
	if isPart { // a script
		if _, err := os.Stat(filepath.Join(folder, "testdata", part+".txtar")); err != nil {
			return false
		}
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), "\nfunc "+function+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// tellsOf tells whether a mutant exists and names one of the tests.
func tellsOf(mutant string, tests [][]string) bool {
	patch, err := os.ReadFile(filepath.Join("mutants", mutant+".patch"))
	if err != nil {
		return false
	}
	head, _, _ := strings.Cut(string(patch), "\ndiff ")
	for _, test := range tests {
		words := test[1]
		if _, says, ok := strings.Cut(words, ": "); ok {
			words = says
		} else if folder, function, ok := strings.Cut(words, "."); ok {
			words = "./" + folder + " " + function
		}
		for line := range strings.Lines(head) {
			if strings.HasPrefix(line, "Test: ") && strings.HasSuffix(strings.TrimSpace(line), words) {
				return true
			}
		}
	}
	return false
}
