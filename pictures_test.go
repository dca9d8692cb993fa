package flattr_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// mostPicture is how many bytes a picture of a page may have: the project is
// cloned with all of them. Who takes them aims a little lower.
const mostPicture = 64_000

// TestPagesAreShown holds docs/pages.md and the pictures of the ledger's pages to
// each other.
func TestPagesAreShown(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "pages.md"))
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, found := range regexp.MustCompile(`\((pictures/ledger-[\w-]+\.png)\)`).FindAllSubmatch(text, -1) {
		shown = append(shown, filepath.Join("docs", filepath.FromSlash(string(found[1]))))
	}
	slices.Sort(shown)
	if len(slices.Compact(slices.Clone(shown))) != len(shown) || len(shown) == 0 {
		t.Errorf("docs/pages.md shows %d pictures, some twice", len(shown))
	}
	there, err := filepath.Glob(filepath.Join("docs", "pictures", "ledger-*.png"))
	if err != nil || !slices.Equal(there, shown) {
		t.Errorf("docs/pages.md shows\n%q, there are\n%q: run node .ci/e2e.mjs pictures-ledger (%v)", shown, there, err)
	}
	for _, name := range there {
		info, err := os.Stat(name)
		if err != nil || info.Size() > mostPicture {
			t.Errorf("%s has %d bytes, want at most %d (%v)", name, info.Size(), mostPicture, err)
		}
	}
}
