package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"flattr/ledger/money"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	NDJSON Format = "ndjson" // one JSON object a line
	JSON   Format = "json"   // one JSON value
	CSV    Format = "csv"    // `;`-separated, for spreadsheets
	Text   Format = "text"   // aligned columns, for people
)

// ParseFormat reads the name of a format.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case NDJSON, JSON, CSV, Text:
		return f, nil
	}
	return "", fmt.Errorf("format %q: it is ndjson, json, csv or text", s)
}

// objects writes JSON objects, one a line, or as the elements of an array.
type objects struct {
	out   *bufio.Writer
	enc   *json.Encoder
	array bool
	n     int
}

func newObjects(to io.Writer, format Format) *objects {
	o := &objects{out: bufio.NewWriter(to), array: format == JSON}
	o.enc = json.NewEncoder(o.out)
	o.enc.SetEscapeHTML(false)
	return o
}

func (o *objects) write(line any) error {
	if o.array {
		separator := ","
		if o.n == 0 {
			separator = "["
		}
		if _, err := o.out.WriteString(separator); err != nil {
			return err
		}
	}
	o.n++
	return o.enc.Encode(line)
}

func (o *objects) end() error {
	if o.array {
		if o.n == 0 {
			o.out.WriteString("[") // bufio keeps the error for Flush
		}
		o.out.WriteString("]\n")
	}
	return o.out.Flush()
}

// writeJSON writes one value, indented for the eye.
func writeJSON(to io.Writer, value any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// csvWriter writes `;`-separated lines that end in LF.
type csvWriter struct{ out *bufio.Writer }

func newCSV(to io.Writer, header string) csvWriter {
	w := csvWriter{bufio.NewWriter(to)}
	w.out.WriteString(header + "\n") // bufio keeps the error for Flush
	return w
}

// row writes a line: bare text and numbers as they are, quoted as text.
func (w csvWriter) row(cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			w.out.WriteByte(';')
		}
		switch c := cell.(type) {
		case quoted:
			w.out.WriteString(c.csv())
		default:
			fmt.Fprint(w.out, c)
		}
	}
	w.out.WriteByte('\n')
}

func (w csvWriter) end() error { return w.out.Flush() }

// quoted is text in a CSV file.
type quoted string

// formulaSigns are what a formula begins with, also as wide as a Chinese letter.
const formulaSigns = "=+-@＝＋－＠"

// csv puts the text in quotes and doubles those in it. Text that a spreadsheet
// would take for a formula gets a ' before it: also where white space or another
// character that is not seen stands before the sign, which some take away.
func (q quoted) csv() string {
	text := string(q)
	unseen := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
	bare, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, unseen))
	if strings.ContainsRune(formulaSigns, bare) || strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") {
		text = "'" + text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// cents writes an amount with two decimals, cut, after a comma.
func cents(m money.Micro) string { return decimal(m, 2) }

// decimal writes an amount with so many decimals, cut, after a comma.
func decimal(m money.Micro, digits int) string {
	sign, u := "", uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	fraction := fmt.Sprintf("%06d", u%uint64(money.Euro))[:digits]
	return fmt.Sprintf("%s%d,%s", sign, u/uint64(money.Euro), fraction)
}

// How tables for people are set.
const (
	columnGap  = 2
	maxCell    = 60   // characters; longer ones are cut
	maxAligned = 5000 // rows whose widths are looked at; later ones may stand out
)

// table writes aligned columns. Sections of rows are aligned by themselves.
type table struct {
	out   *bufio.Writer
	rows  [][]string
	right []bool
	wide  []int
}

func newTable(to io.Writer) *table { return &table{out: bufio.NewWriter(to)} }

// line writes a line of its own, which ends a section.
func (t *table) line(format string, args ...any) {
	t.flush()
	t.right, t.wide = nil, nil
	fmt.Fprintf(t.out, format+"\n", args...)
}

// row adds a row. The first one of a section has the titles; a `>` before one
// sets the column to the right.
func (t *table) row(cells ...any) {
	first := t.wide == nil
	row := make([]string, len(cells))
	for i, cell := range cells {
		text := clean(fmt.Sprint(cell))
		if first {
			title, right := strings.CutPrefix(text, ">")
			text, t.right, t.wide = title, append(t.right, right), append(t.wide, 0)
		}
		row[i] = text
		t.wide[i] = max(t.wide[i], utf8.RuneCountInString(text))
	}
	if t.rows = append(t.rows, row); len(t.rows) >= maxAligned {
		t.flush()
	}
}

// clean cuts long text, and takes out what would break a line or a terminal.
func clean(text string) string {
	kept := make([]rune, 0, min(len(text), maxCell))
	for _, r := range text {
		if len(kept) == maxCell {
			kept[maxCell-1] = '…'
			break
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			r = ' '
		}
		kept = append(kept, r)
	}
	return string(kept)
}

// counted is a number of things: "1 click", "2 clicks".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// flush writes the rows that were kept back.
func (t *table) flush() {
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", max(0, t.wide[i]-utf8.RuneCountInString(cell)))
			if i > 0 {
				line.WriteString(strings.Repeat(" ", columnGap))
			}
			if t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(t.out, strings.TrimRight(line.String(), " "))
	}
	t.rows = t.rows[:0]
}

func (t *table) end() error {
	t.flush()
	return t.out.Flush()
}
