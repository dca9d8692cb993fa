package web

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/skip2/go-qrcode"
)

var drawnRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// The picture has each dark module once, and no other.
func TestAQRCodeIsDrawnModuleByModule(t *testing.T) {
	for _, text := range []string{"x", "https://ledger.example/signup?invite=S6H8-RHTD-655C-6NAW", strings.Repeat("long ", 200)} {
		code, err := newQRCode(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		drawn := map[string]int{}
		for _, run := range drawnRun.FindAllStringSubmatch(code.Path, -1) {
			x, _ := strconv.Atoi(run[1]) // digits
			length, _ := strconv.Atoi(run[3])
			for i := range length {
				drawn[fmt.Sprint(x+i, " ", run[2])]++
			}
		}
		if drawnRun.ReplaceAllString(code.Path, "") != "" {
			t.Errorf("the path of %q has more than runs: %s", text, code.Path)
		}
		for y, row := range want.Bitmap() {
			for x, dark := range row {
				if got := drawn[fmt.Sprint(x, " ", y)]; (got == 1) != dark || got > 1 {
					t.Fatalf("module %d %d of %q is drawn %d times, dark is %t", x, y, text, got, dark)
				}
			}
		}
		if code.Size != len(want.Bitmap()) {
			t.Errorf("%q has %d modules a side, want %d", text, code.Size, len(want.Bitmap()))
		}
	}
	if _, err := newQRCode(strings.Repeat("x", 5000)); err == nil {
		t.Error("5,000 characters fit")
	}
}
