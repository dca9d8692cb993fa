package button

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// markPath is the mark, a heart with an F, on a field of 32 by 32.
const markPath = "M16 29.5C6.8 22.6 2 17.4 2 10.8 2 6.1 5.4 3 9.4 3c2.9 0 5.3 1.6 6.6 4.2C17.3 4.6 19.7 3 22.6 3 26.6 3 30 6.1 30 10.8c0 6.6-4.8 11.8-14 18.7zM11.5 9v14.8h3.8v-4.3h4.8v-3.6h-4.8v-3.3h5.9V9z"

// point is a place on a drawing, y downwards.
type point struct{ x, y float64 }

// heart and letter are the two outlines of the mark, the curves as chords.
var heart = outline(point{16, 29.5}, []point{
	{6.8, 22.6},
	{2, 17.4},
	{2, 10.8},
	{2, 6.1},
	{5.4, 3},
	{9.4, 3},
	{12.3, 3},
	{14.7, 4.6},
	{16, 7.2},
	{17.3, 4.6},
	{19.7, 3},
	{22.6, 3},
	{26.6, 3},
	{30, 6.1},
	{30, 10.8},
	{30, 17.4},
	{25.2, 22.6},
	{16, 29.5},
})

var letter = []point{{11.5, 9}, {11.5, 23.8}, {15.3, 23.8}, {15.3, 19.5}, {20.1, 19.5}, {20.1, 15.9}, {15.3, 15.9}, {15.3, 12.6}, {21.2, 12.6}, {21.2, 9}}

// outline makes chords of cubic curves: each three points are one curve.
func outline(from point, curves []point) []point {
	const chords = 12
	var all []point
	for i := 0; i+2 < len(curves); i += 3 {
		a, b, to := curves[i], curves[i+1], curves[i+2]
		for n := range chords {
			t := float64(n) / chords
			u := 1 - t
			all = append(all, point{
				u*u*u*from.x + 3*u*u*t*a.x + 3*u*t*t*b.x + t*t*t*to.x,
				u*u*u*from.y + 3*u*u*t*a.y + 3*u*t*t*b.y + t*t*t*to.y,
			})
		}
		from = to
	}
	return all
}

// within tells whether an outline holds a point (even-odd rule).
func within(outline []point, p point) bool {
	in := false
	for i, j := 0, len(outline)-1; i < len(outline); j, i = i, i+1 {
		a, b := outline[i], outline[j]
		if (a.y > p.y) != (b.y > p.y) && p.x < (b.x-a.x)*(p.y-a.y)/(b.y-a.y)+a.x {
			in = !in
		}
	}
	return in
}

// strokes write "flattr" in lines; x grows from letter to letter, a line is 0 high
// at the foot of the letters and -11 at the head of f and l.
var strokes = [][]point{
	{{4, -11}, {3, -11}, {2, -10}, {2, 0}}, {{0, -7}, {4, -7}}, // f
	{{7, -11}, {7, 0}}, // l
	{{15, -7}, {12, -7}, {10.6, -5.6}, {10.6, -1.4}, {12, 0}, {13.4, 0}, {15, -1.4}}, {{15, -7}, {15, 0}}, // a
	{{19.5, -10}, {19.5, -1}, {20.5, 0}, {21.5, 0}}, {{17.8, -7}, {21.5, -7}}, // t
	{{25, -10}, {25, -1}, {26, 0}, {27, 0}}, {{23.3, -7}, {27, -7}}, // t
	{{29.8, -7}, {29.8, 0}}, {{29.8, -5}, {31.4, -7}, {33.2, -7}}, // r
}

// onStroke tells whether a point is on a line of that width.
func onStroke(p point, width float64) bool {
	for _, line := range strokes {
		for i := 1; i < len(line); i++ {
			a, b := line[i-1], line[i]
			dx, dy := b.x-a.x, b.y-a.y
			t := max(0, min(1, ((p.x-a.x)*dx+(p.y-a.y)*dy)/(dx*dx+dy*dy)))
			if math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy) <= width/2 {
				return true
			}
		}
	}
	return false
}

// rounded tells whether a box with round corners holds a point.
func rounded(p point, width, height, radius float64) bool {
	dx := max(radius-p.x, p.x-(width-radius), 0)
	dy := max(radius-p.y, p.y-(height-radius), 0)
	return p.x >= 0 && p.y >= 0 && p.x <= width && p.y <= height && math.Hypot(dx, dy) <= radius
}

var (
	green = color.NRGBA{0x2f, 0x7d, 0x1f, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	clear = color.NRGBA{}
)

// drawSmall is the mark alone, 16 by 16.
func drawSmall() ([]byte, error) {
	return draw(16, 16, func(p point) color.NRGBA {
		switch p = (point{p.x * 2, p.y * 2}); {
		case within(letter, p):
			return white
		case within(heart, p):
			return green
		}
		return clear
	})
}

// drawLarge is the mark and the name on a green field, 93 by 20.
func drawLarge() ([]byte, error) {
	return draw(93, 20, func(p point) color.NRGBA {
		onMark := point{(p.x - 8) * 2.2, (p.y - 2.7) * 2.2}
		switch {
		case within(heart, onMark) && !within(letter, onMark), onStroke(point{(p.x - 35) / 1.35, (p.y - 15.5) / 1.05}, 1.7):
			return white
		case rounded(p, 93, 20, 5):
			return green
		}
		return clear
	})
}

// draw paints a picture; a dot is the mean of 8 by 8 places in it.
func draw(width, height int, at func(point) color.NRGBA) ([]byte, error) {
	const fine = 8
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var r, g, b, a int
			for i := range fine * fine {
				c := at(point{float64(x) + (float64(i%fine)+0.5)/fine, float64(y) + (float64(i/fine)+0.5)/fine})
				if c.A > 0 {
					r, g, b, a = r+int(c.R), g+int(c.G), b+int(c.B), a+1
				}
			}
			if a > 0 {
				picture.SetNRGBA(x, y, color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a * 255 / (fine * fine))})
			}
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err := encoder.Encode(&out, picture)
	return out.Bytes(), err
}
