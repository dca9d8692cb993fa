package chart_test

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"flattr/ledger/chart"
)

// hostile are texts of people who want the page to do something else.
var hostile = []string{
	"</text><script>alert(1)</script>",
	"</title></svg><script>alert(1)</script>",
	`" onload="alert(1)" x="`,
	`' onload='alert(1)`,
	"\u202egnp.exe \u2066\u2067 \u200f",
	strings.Repeat("W", 10_000),
	strings.Repeat(`"<&`, 5_000),
	"<!--", "]]>", "{{.}}", "\x00\x01\x7f\u0085", "",
}

// draw draws and reads the result as a browser does.
func draw(t *testing.T, name string, value any) (string, *html.Node) {
	t.Helper()
	parsed, err := template.New("").Parse(chart.Templates)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.ExecuteTemplate(&out, name, value); err != nil {
		t.Fatalf("draw %s: %v", name, err)
	}
	page, err := html.Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), page
}

// allowedElements are what a chart is made of, and what a parser puts around it.
var allowedElements = map[string]bool{
	"html": true, "head": true, "body": true, "svg": true, "title": true, "rect": true, "path": true, "text": true,
}

// sound holds that a chart is one picture with a title, of the elements it may
// have, without a style and without anything that runs.
func sound(t *testing.T, drawn string, page *html.Node) {
	t.Helper()
	pictures := 0
	for n := range page.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("the chart has a comment %.60q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		if !allowedElements[n.Data] {
			t.Errorf("the chart has an element %q:\n%.300s", n.Data, drawn)
		}
		attrs := map[string]string{}
		for _, a := range n.Attr {
			attrs[a.Key] = a.Val
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has the attribute %s=%q", n.Data, a.Key, a.Val)
			}
		}
		if attrs["role"] == "img" {
			pictures++
			title := n.FirstChild
			if title == nil || title.Data != "title" || attrs["aria-labelledby"] == "" || len(title.Attr) != 1 || title.Attr[0].Val != attrs["aria-labelledby"] {
				t.Errorf("the picture is labelled by %q and begins with %v", attrs["aria-labelledby"], title)
			}
		}
	}
	if pictures != 1 {
		t.Errorf("the chart is %d pictures", pictures)
	}
	if strings.ContainsAny(drawn, "\u202e\u2066\u2067\u200f\x00\x01\x7f") {
		t.Errorf("the chart turns the text around it: %.200q", drawn)
	}
}

func TestHostileTitlesStayText(t *testing.T) {
	for _, text := range hostile {
		for count := range 3 {
			var points []chart.Point
			for i := range count {
				points = append(points, chart.Point{Label: text, Text: text, Value: int64(i)})
			}
			drawn, page := draw(t, "chart-bars", chart.NewBars("a", text, points))
			sound(t, drawn, page)
			line, linePage := draw(t, "chart-lines", chart.NewLines("a", text, points))
			sound(t, line, linePage)
			if most := 6_000; len(drawn) > most || len(line) > most {
				t.Errorf("charts of %.20q have %d and %d bytes, want at most %d", text, len(drawn), len(line), most)
			}
		}
	}
	drawn, page := draw(t, "chart-bars", chart.NewBars("a", "<b>&\"", []chart.Point{{Label: "<i>", Text: "a&b", Value: 1}}))
	var texts []string
	for n := range page.Descendants() {
		if n.Type == html.TextNode && strings.TrimSpace(n.Data) != "" {
			texts = append(texts, n.Data)
		}
	}
	if got, want := fmt.Sprintf("%q", texts), `["<b>&\"" "a&b" "<i>"]`; got != want {
		t.Errorf("the chart shows %s, want %s:\n%s", got, want, drawn)
	}
}

func points(values ...int64) []chart.Point {
	var all []chart.Point
	for i, value := range values {
		all = append(all, chart.Point{Label: fmt.Sprint(i), Value: value, Text: fmt.Sprint(value)})
	}
	return all
}

// Bars stand on zero: above it, below it, or not at all.
func TestBarsHaveTheLengthOfTheirValues(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []int64
		want   []int // lengths in pixels, those of values below zero below zero
	}{
		{"none", nil, nil},
		{"one", []int64{7}, []int{140}},
		{"only zero", []int64{0, 0}, []int{0, 0}},
		{"halves", []int64{10, 5, 0}, []int{140, 70, 0}},
		{"below zero", []int64{10, -10, 5}, []int{70, -70, 35}},
		{"only below", []int64{-4, -2}, []int{-140, -70}},
		{"what is little is seen", []int64{1, 1_000_000}, []int{1, 140}},
		{"huge", []int64{math.MaxInt64, math.MaxInt64 / 2, 1}, []int{140, 69, 1}},
		{"all there are", []int64{math.MaxInt64, math.MinInt64}, []int{69, -70}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := chart.NewBars("a", "Title", points(c.values...))
			drawn, page := draw(t, "chart-bars", b)
			sound(t, drawn, page)
			var got []int
			for _, bar := range b.Bars {
				length := bar.Height
				if bar.Below {
					length = -length
				}
				got = append(got, length)
				top, end := bar.Y, bar.Y+bar.Height
				if bar.Below && top != b.Axis || !bar.Below && end != b.Axis {
					t.Errorf("the bar of %s lies from %d to %d, zero at %d", bar.Text, top, end, b.Axis)
				}
				if top < 0 || end > b.Height {
					t.Errorf("the bar of %s lies from %d to %d, outside of the %d pixels", bar.Text, top, end, b.Height)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("bars of %v are %v long, want %v", c.values, got, c.want)
			}
			if rects := strings.Count(drawn, "chart-bar\""); rects != nonZero(c.values) {
				t.Errorf("%d bars are drawn of %v", rects, c.values)
			}
		})
	}
}

func nonZero(values []int64) (n int) {
	for _, value := range values {
		if value != 0 {
			n++
		}
	}
	return n
}

func TestTwelveBarsShareTheWidth(t *testing.T) {
	b := chart.NewBars("year", "Title", points(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
	if b.Bars[0].X != "0.00%" || b.Bars[6].X != "50.00%" || b.Bars[11].X != "91.66%" || b.Bars[0].Width != "8.33%" {
		t.Errorf("the bars stand at %s, %s and %s, %s wide", b.Bars[0].X, b.Bars[6].X, b.Bars[11].X, b.Bars[0].Width)
	}
}

func TestALineGoesThroughItsPoints(t *testing.T) {
	l := chart.NewLines("clicks", "Clicks", points(0, 10, 5, -10))
	drawn, page := draw(t, "chart-lines", l)
	sound(t, drawn, page)
	zero := l.Axis
	if want := fmt.Sprintf("M50 %dL150 %dL250 %dL350 %d", zero, zero-70, zero-35, zero+70); l.Path != want || !strings.Contains(drawn, want) {
		t.Errorf("the line is %q, want %q", l.Path, want)
	}
	if l.Dots[0].X != "12.50%" || l.Dots[3].X != "87.50%" || l.Dots[1].Y != zero-70 || l.BoxWidth != 400 {
		t.Errorf("dots = %+v in %d", l.Dots, l.BoxWidth)
	}
	for _, values := range [][]int64{nil, {5}} {
		l := chart.NewLines("one", "One", points(values...))
		drawn, page := draw(t, "chart-lines", l)
		sound(t, drawn, page)
		if l.Path != "" || len(l.Dots) != len(values) || strings.Contains(drawn, "chart-line\"") {
			t.Errorf("a line through %v is %q with %d dots", values, l.Path, len(l.Dots))
		}
	}
}

// Of too many points the last are drawn, and as many labels as there is room for.
func TestManyPointsFit(t *testing.T) {
	var values []int64
	for i := range 1000 {
		values = append(values, int64(i))
	}
	l := chart.NewLines("many", "Many", points(values...))
	labels := 0
	for _, dot := range l.Dots {
		if dot.Label != "" {
			labels++
		}
	}
	if len(l.Dots) != chart.MaxPoints || labels != 12 || l.Dots[len(l.Dots)-1].Label != "999" {
		t.Errorf("%d dots with %d labels, the last %q", len(l.Dots), labels, l.Dots[len(l.Dots)-1].Label)
	}
	if b := chart.NewBars("many", "Many", points(values...)); len(b.Bars) != chart.MaxPoints || b.Bars[0].Label != "940" {
		t.Errorf("%d bars from %q on", len(b.Bars), b.Bars[0].Label)
	}
}

func TestTheBarsOfAList(t *testing.T) {
	for _, c := range []struct {
		value, most int64
		want        string
	}{
		{10, 10, "100.00%"},
		{5, 10, "50.00%"},
		{1, 3, "33.30%"},
		{0, 10, "0%"},
		{-5, 10, "0%"},
		{5, 0, "0%"},
		{11, 10, "100.00%"},
		{math.MaxInt64, math.MaxInt64, "100.00%"},
	} {
		if got := chart.NewRow(c.value, c.most).Width; got != c.want {
			t.Errorf("NewRow(%d, %d) is %s wide, want %s", c.value, c.most, got, c.want)
		}
	}
	drawn, _ := draw(t, "chart-row", chart.NewRow(1, 2))
	if !strings.Contains(drawn, `aria-hidden="true"`) || !strings.Contains(drawn, `width="50.00%"`) || strings.Contains(drawn, "style") {
		t.Errorf("a row is drawn as %s", drawn)
	}
}
