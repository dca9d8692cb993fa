// Package chart draws bars and lines as SVG from numbers and labels.
//
// It answers geometry; Templates draws it with rect, path and text that have
// classes and no style, so that pages keep their content security policy and the
// style sheet decides on colours, also dark and forced ones. Widths are in
// percent and heights in pixels: the text of a chart stays as large as that
// around it, on a phone and on a wide screen. A chart is one picture with one
// title for those who do not see it, and a page shows its numbers in a table
// beside it too.
package chart

import (
	_ "embed" // charts.html
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Templates are the html/template definitions that draw: "chart-bars" takes Bars,
// "chart-lines" takes Lines, "chart-row" takes a Row of a list.
//
//go:embed charts.html
var Templates string

// Limits of a chart.
const (
	// MaxPoints bounds the points of one chart: more are narrower than a finger
	// or an eye can tell apart on a phone. Of more points the last are drawn.
	MaxPoints = 60
	maxLabels = 12  // on a line: more would run into each other on a phone
	maxTitle  = 200 // characters
	maxText   = 16  // characters of a value on its bar: the table has the whole
	maxLabel  = 8   // characters below a bar
)

// Sizes in pixels.
const (
	plotHeight  = 140 // between the largest value and the smallest
	labelHeight = 20  // below the plot
	charWidth   = 7   // of a digit at the size of the style sheet, and a little more
	textGap     = 12  // around a value
	rowHeight   = 8
)

// Point is a number of a chart.
type Point struct {
	Label string // short, such as "Oct"
	Value int64  // in any unit, the same for the whole chart
	Text  string // the value as people read it
}

// Bars is a chart of vertical bars, in the order of their points.
type Bars struct {
	ID     string // of the picture on its page
	Title  string // says what the chart shows
	Height int    // in pixels
	Axis   int    // where zero is, in pixels from the top
	LabelY int    // where labels stand
	Bars   []Bar
}

// Bar is one bar with its value and label.
type Bar struct {
	X, Width    string // of its slot, in percent of the chart
	Y, Height   int    // in pixels
	TextY       int    // the end of the bar, where its value stands
	Label, Text string
	Below       bool // the value is below zero and stands below the bar
	Long        bool // the value is too long to lie across the slot even on a wide screen
}

// NewBars lays out bars. id is unique on the page: letters, digits and dashes.
func NewBars(id, title string, points []Point) Bars {
	points = last(points)
	s := newScale(points)
	b := Bars{ID: id, Title: short(title, maxTitle), Height: s.height(), Axis: s.zero, LabelY: s.height() - labelHeight/4}
	for i, p := range points {
		bar := Bar{
			X: percent(i, len(points)), Width: percent(1, len(points)), Y: s.zero,
			Label: short(p.Label, maxLabel), Text: short(p.Text, maxText), Below: p.Value < 0,
		}
		bar.Long = len([]rune(bar.Text)) > maxLabel
		bar.Height = s.length(p.Value)
		bar.TextY = s.zero + bar.Height
		if !bar.Below {
			bar.Y -= bar.Height
			bar.TextY = bar.Y
		}
		b.Bars = append(b.Bars, bar)
	}
	return b
}

// Lines is a chart of one line through its points.
type Lines struct {
	ID     string
	Title  string
	Height int
	Axis   int
	LabelY int
	// Path is the line in a box of BoxWidth units, which is drawn as wide as the
	// page has room, and of the chart's height in pixels. Empty with one point.
	Path     string
	BoxWidth int
	Dots     []Dot
}

// Dot is a point of a line.
type Dot struct {
	X           string // in percent of the chart
	Y           int    // in pixels
	Label, Text string // "" where there is no room
	Long        bool
}

// slotUnits is how wide the slot of a point is in the box of a path.
const slotUnits = 100

// NewLines lays out a line. id is unique on the page: letters, digits and dashes.
func NewLines(id, title string, points []Point) Lines {
	points = last(points)
	s := newScale(points)
	l := Lines{
		ID: id, Title: short(title, maxTitle), Height: s.height(), Axis: s.zero, LabelY: s.height() - labelHeight/4,
		BoxWidth: slotUnits * max(1, len(points)),
	}
	every := (len(points) + maxLabels - 1) / maxLabels
	var path strings.Builder
	for i, p := range points {
		y := s.zero - s.length(p.Value)
		if p.Value < 0 {
			y = s.zero + s.length(p.Value)
		}
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&path, "%s%d %d", letter, i*slotUnits+slotUnits/2, y)
		dot := Dot{X: percent(2*i+1, 2*len(points)), Y: y}
		if (len(points)-1-i)%every == 0 { // the last one always
			dot.Label, dot.Text = short(p.Label, maxLabel), short(p.Text, maxText)
			dot.Long = len([]rune(dot.Text)) > maxLabel
		}
		l.Dots = append(l.Dots, dot)
	}
	if len(points) > 1 {
		l.Path = path.String()
	}
	return l
}

// Row is a bar of a list, to be drawn in the row of a table that says its label
// and value.
type Row struct {
	Width  string // in percent of the longest of the list
	Height int    // in pixels
}

// NewRow is the bar of a value in a list whose largest value is most. What is not
// above zero has no bar.
func NewRow(value, most int64) Row {
	row := Row{Width: "0%", Height: rowHeight}
	if value > 0 && most > 0 {
		row.Width = percent(scaled(uint64(min(value, most)), uint64(most), wholeRow), wholeRow)
	}
	return row
}

// wholeRow is in how many steps the bars of a list are measured.
const wholeRow = 1000

// last are the points that are drawn.
func last(points []Point) []Point { return points[max(0, len(points)-MaxPoints):] }

// scale turns values into pixels.
type scale struct {
	span  uint64 // from the smallest value, or zero, to the largest, or zero
	zero  int    // pixels from the top
	below int    // pixels from zero to the end of the plot
}

func newScale(points []Point) scale {
	var top, bottom uint64
	long, under := 0, 0
	for _, p := range points {
		n := len([]rune(short(p.Text, maxText)))
		if p.Value < 0 {
			bottom, under = max(bottom, magnitude(p.Value)), max(under, n)
		} else {
			top, long = max(top, magnitude(p.Value)), max(long, n)
		}
	}
	s := scale{span: top + bottom} // at most 2^63-1 and 2^63
	s.zero = textGap + long*charWidth + s.pixels(top)
	s.below = s.pixels(bottom)
	if under > 0 {
		s.below += textGap + under*charWidth
	}
	if s.span == 0 {
		s.zero += plotHeight / 4 // a plain line with its values
	}
	return s
}

func (s scale) height() int { return s.zero + s.below + labelHeight }

// length is how long the bar of a value is. What is not zero is seen.
func (s scale) length(value int64) int {
	if value == 0 {
		return 0
	}
	return max(1, s.pixels(magnitude(value)))
}

func (s scale) pixels(n uint64) int {
	if s.span == 0 {
		return 0
	}
	return scaled(n, s.span, plotHeight)
}

// scaled is n of whole as so many of size, exact for every n up to whole.
func scaled(n, whole uint64, size int) int {
	high, low := bits.Mul64(n, uint64(size))
	quotient, _ := bits.Div64(high, low, whole) // n <= whole: no overflow
	return int(quotient)
}

// magnitude is the value without its sign, of every int64.
func magnitude(value int64) uint64 {
	if value < 0 {
		return -uint64(value)
	}
	return uint64(value)
}

// percent is n of whole with two decimals.
func percent(n, whole int) string {
	hundredths := n * 10_000 / whole
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}

// short cuts text to most characters, the last of which then is an ellipsis, and
// takes out what would turn the direction of the text around it or is no text.
func short(text string, most int) string {
	kept := make([]rune, 0, most)
	for _, r := range text {
		if len(kept) == most {
			kept[most-1] = '…'
			break
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || slices.Contains(turning, r) {
			continue
		}
		kept = append(kept, r)
	}
	return string(kept)
}

// turning are the characters by which text says its direction.
var turning = []rune{0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069}
