package report

import (
	"encoding/csv"
	"strings"
	"testing"
)

// What a spreadsheet takes for a formula gets a ' before it, also behind what is
// not seen; other text stays as it is.
func TestNoTextIsAFormula(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", " =1": "' =1", "\u00a0=1": "'\u00a0=1",
		"\ufeff=1": "'\ufeff=1", "\u202e=1": "'\u202e=1", "\x00=1": "'\x00=1", "＝1": "'＝1", "＋1": "'＋1", "\tplain": "'\tplain", "\rplain": "'\rplain",
		"": "", " ": " ", "a=1": "a=1", "1-1": "1-1", "'=1": "'=1", " plain": " plain", "say \"x\"; y": "say \"x\"; y", "\xff": "\xff", "—": "—",
	} {
		got := quoted(text).csv()
		if inner := `"` + strings.ReplaceAll(want, `"`, `""`) + `"`; got != inner {
			t.Errorf("csv(%q) = %s, want %s", text, got, inner)
		}
		if text == "\xff" || strings.Contains(text, "\r") {
			continue // the reader below reads no such bytes, or changes them
		}
		cells, err := csv.NewReader(strings.NewReader(got + "\n")).Read()
		if err != nil || len(cells) != 1 || cells[0] != want {
			t.Errorf("csv(%q) is read as %q, %v", text, cells, err)
		}
	}
}
