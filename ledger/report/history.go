package report

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// readerHeader are the columns of a reader's clicks.
const readerHeader = "period;click;url;title;author;share;late"

// ReaderMonths writes closed months of one reader, one after another: as CSV the
// rows of all under one header, as JSON an array of what ReaderStatement writes.
// Each month is read by itself, and before it is written, so that nothing waits
// for who takes it. It refuses as ReaderStatement does.
func ReaderMonths(ctx context.Context, s *store.Store, name string, months []flattr.Month, format Format, to io.Writer) error {
	if format != CSV && format != JSON {
		return fmt.Errorf("months of a reader are written as csv or json, not as %s", format)
	}
	out := bufio.NewWriter(to)
	begin, between, end := readerHeader+"\n", "", ""
	if format == JSON {
		begin, between, end = "[", ",", "]\n"
	}
	out.WriteString(begin) // bufio keeps the error for Flush
	for i, month := range months {
		one, err := closedStatement(ctx, s, month, name)
		if err != nil {
			return err
		}
		if i > 0 {
			out.WriteString(between)
		}
		if format == CSV {
			one.rows(csvWriter{out})
			continue
		}
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(one); err != nil {
			return fmt.Errorf("write %s: %w", month, err)
		}
	}
	out.WriteString(end)
	return out.Flush()
}
