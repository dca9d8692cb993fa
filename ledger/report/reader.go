package report

import (
	"context"
	"fmt"
	"io"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// readerShare is one click of a reader, and what became of it.
type readerShare struct {
	Click  string         `json:"click"`
	At     time.Time      `json:"at"`
	Thing  flattr.ThingID `json:"thing"`
	URL    string         `json:"url"`
	Title  string         `json:"title"`
	Author *string        `json:"author"`            // owner of the thing; null: a promise
	Shared int            `json:"authors,omitempty"` // how many share it, where it is more than one
	Micro  money.Micro    `json:"micro"`
	Late   bool           `json:"late,omitempty"`
}

// readerStatement is a closed month of one reader.
type readerStatement struct {
	Month    string        `json:"month"`
	Reader   string        `json:"reader"`
	Budget   money.Micro   `json:"budget_micro"` // what was taken
	Clicks   int           `json:"clicks"`       // over how many it was divided
	Promises int           `json:"promises"`
	Sum      money.Micro   `json:"sum_micro"` // of the shares: the budget, always
	Shares   []readerShare `json:"shares"`
}

// closedStatement reads a closed month of one reader. It refuses with month_open
// when the month is not closed, and with not_found an unknown name.
func closedStatement(ctx context.Context, s *store.Store, month flattr.Month, name string) (out readerStatement, err error) {
	err = s.View(ctx, func(tx *store.Tx) error {
		reader, written, err := tx.Named(name)
		if err != nil {
			return err
		}
		if err := closed(tx, month); err != nil {
			return err
		}
		out, err = readStatement(tx, month, reader, written)
		return err
	})
	return out, err
}

// ReaderStatement writes a closed month of one reader: each click in the order
// of time, the thing, its author, and the share. It refuses with month_open when
// the month is not closed, and with not_found an unknown name.
func ReaderStatement(ctx context.Context, s *store.Store, month flattr.Month, name string, format Format, to io.Writer) error {
	out, err := closedStatement(ctx, s, month, name)
	if err != nil {
		return err
	}
	switch format {
	case JSON:
		return writeJSON(to, out)
	case NDJSON:
		lines := newObjects(to, format)
		for _, s := range out.Shares {
			line := shareLine{Type: "share", Reader: out.Reader, URL: s.URL, Owner: s.Author, Click: s.Click, Micro: s.Micro, Late: s.Late}
			if err := lines.write(line); err != nil {
				return err
			}
		}
		if len(out.Shares) > 0 {
			if err := lines.write(readerLine{Type: "reader", Name: out.Reader, Budget: out.Budget, Clicks: out.Clicks}); err != nil {
				return err
			}
		}
		return lines.end()
	case CSV:
		return out.csv(to)
	case Text:
	}
	return out.text(to)
}

func readStatement(tx *store.Tx, month flattr.Month, reader flattr.MemberID, name string) (readerStatement, error) {
	out := readerStatement{Month: month.String(), Reader: name, Shares: []readerShare{}}
	var err error
	if out.Budget, err = tx.Gives(month, reader); err != nil {
		return out, err
	}
	clicks, err := tx.StatementClicks(month, reader)
	if err != nil {
		return out, err
	}
	w := statement{tx: tx, month: month}
	shares, divisor := w.divide(out.Budget, clicks)
	out.Clicks, out.Promises = divisor, len(clicks)-divisor
	for i, c := range clicks {
		line := readerShare{
			Click: c.ID.String(), At: c.At, Thing: c.Thing, URL: c.URL, Title: c.Title, Shared: c.Authors, Micro: shares[i], Late: c.Late,
		}
		if c.Owner != 0 {
			line.Author = &c.OwnerName
		}
		out.Sum += shares[i]
		out.Shares = append(out.Shares, line)
	}
	return out, nil
}

// author is the name of who gets a share, for people.
func (s readerShare) author() string {
	switch {
	case s.Author == nil:
		return ""
	case s.Shared > 1:
		return fmt.Sprintf("%s and %d more", *s.Author, s.Shared-1)
	}
	return *s.Author
}

func (out readerStatement) csv(to io.Writer) error {
	w := newCSV(to, readerHeader)
	out.rows(w)
	return w.end()
}

func (out readerStatement) rows(w csvWriter) {
	for _, s := range out.Shares {
		late := 0
		if s.Late {
			late = 1
		}
		w.row(out.Month, s.Click, quoted(s.URL), quoted(s.Title), quoted(s.author()), decimal(s.Micro, 6), late)
	}
}

func (out readerStatement) text(to io.Writer) error {
	t := newTable(to)
	t.line("%s of %s", out.Month, clean(out.Reader))
	t.line("")
	if len(out.Shares) == 0 {
		t.line("Nothing was flattred and nothing taken.")
		return t.end()
	}
	t.row("day", "thing", "author", ">share")
	for _, s := range out.Shares {
		label, who, share := s.Title, s.author(), s.Micro.String()
		if label == "" {
			label = s.URL
		}
		if s.Author == nil {
			who, share = "(a promise)", "-"
		}
		if s.Late {
			label = "(late) " + label
		}
		t.row(s.At.UTC().Format(time.DateOnly), label, who, share)
	}
	t.line("")
	t.line("%s EUR given, divided over %s; %s.", out.Budget, counted(out.Clicks, "click"), counted(out.Promises, "promise"))
	return t.end()
}
