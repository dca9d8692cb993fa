package report_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flattr/ledger/flattr"
	"flattr/ledger/report"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// titles is a month whose things have hard titles, co-authors, aliases, names
// that byte order puts apart, a late click, promises, and a fee.
const titles = `
{"type":"member","name":"ann","means":"30.00"}
{"type":"member","name":"Zoe","budget":"5.03","means":"40.00"}
{"type":"member","name":"jörg","budget":"7.00","means":"10.00"}
{"type":"member","name":"bob"}
{"type":"member","name":"cyd","means":"3.00"}
{"type":"policy","fee_bp":1000,"at":"2026-09-01T00:00:00Z"}
{"type":"thing","url":"https://bob.example/umlaut","owner":"bob","title":"Über Bücher – süß & „groß“"}
{"type":"thing","url":"https://bob.example/quote?a=1&b=<2>","owner":"bob","title":"She said \"no\"; he said; \"yes\""}
{"type":"thing","url":"https://bob.example/formula","owner":"bob","title":"=HYPERLINK(\"https://evil.example\")"}
{"type":"thing","url":"https://bob.example/at","owner":"bob","title":"@sum(1+1)"}
{"type":"thing","url":"https://bob.example/break","owner":"bob","title":"two\nlines, a\ttab and \u202eturned"}
{"type":"thing","url":"https://bob.example/none","owner":"bob"}
{"type":"parts","url":"https://bob.example/at","parts":[{"author":"cyd","bp":3333},{"author":"bob","bp":6667}],"at":"2026-09-02T00:00:00Z"}
{"type":"alias","url":"https://bob.example/old","of":"https://bob.example/break","at":"2026-09-03T00:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000000","reader":"Zoe","url":"https://bob.example/umlaut","at":"2026-09-20T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://bob.example/umlaut","at":"2026-10-02T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000002","reader":"ann","url":"https://bob.example/quote?a=1&b=<2>","at":"2026-10-03T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000003","reader":"ann","url":"https://bob.example/formula","at":"2026-10-04T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000004","reader":"Zoe","url":"https://bob.example/umlaut","at":"2026-10-05T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000005","reader":"Zoe","url":"https://bob.example/old","at":"2026-10-06T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000006","reader":"Zoe","url":"https://bob.example/at","at":"2026-10-07T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000007","reader":"jörg","url":"https://bob.example/formula","at":"2026-10-08T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000008","reader":"jörg","url":"https://bob.example/none","at":"2026-10-09T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000009","reader":"jörg","url":"https://nobody.example/","at":"2026-10-10T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000a","reader":"jörg","url":"https://bob.example/at","at":"2026-09-30T10:00:00Z","arrived":"2026-10-11T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000b","reader":"cyd","url":"https://nobody.example/","at":"2026-10-12T10:00:00Z"}
`

// reports are all reports there are, by the file that holds them.
var reports = map[string]func(ctx context.Context, s *store.Store, to io.Writer) error{
	"statement.ndjson": whole(report.NDJSON), "statement.txt": whole(report.Text), "statement.json": whole(report.JSON),
	"reader.json": reader(report.JSON), "reader.ndjson": reader(report.NDJSON), "reader.csv": reader(report.CSV), "reader.txt": reader(report.Text),
	"author.json": author(report.JSON, 202610), "author.csv": author(report.CSV, 202610), "author.txt": author(report.Text, 202610),
	"revenue.csv": author(report.CSV, 0), "revenue.json": author(report.JSON, 0), "revenue.ndjson": author(report.NDJSON, 0),
	"operator.ndjson": operator(report.NDJSON), "operator.csv": operator(report.CSV), "operator.txt": operator(report.Text),
}

func whole(f report.Format) func(context.Context, *store.Store, io.Writer) error {
	return func(ctx context.Context, s *store.Store, to io.Writer) error {
		return report.Statement(ctx, s, 202610, f, to)
	}
}

func reader(f report.Format) func(context.Context, *store.Store, io.Writer) error {
	return func(ctx context.Context, s *store.Store, to io.Writer) error {
		return report.ReaderStatement(ctx, s, 202610, "JÖRG", f, to)
	}
}

func author(f report.Format, month flattr.Month) func(context.Context, *store.Store, io.Writer) error {
	return func(ctx context.Context, s *store.Store, to io.Writer) error {
		return report.Revenue{Author: "bob", Month: month, Public: "https://ledger.example/"}.Write(ctx, s, f, to)
	}
}

func operator(f report.Format) func(context.Context, *store.Store, io.Writer) error {
	return func(ctx context.Context, s *store.Store, to io.Writer) error {
		return report.OperatorStatement(ctx, s, 202610, f, to)
	}
}

func TestReportsComeOutAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		load(t, where, titles, 202609, 202610)
		if found := audit(t, storetest.Copy(t, where)); found != "" {
			t.Errorf("the audit finds\n%s", found)
		}
		s := open(t, where)
		ids := thingIDs(t, where)
		for name, write := range reports {
			var out bytes.Buffer
			if err := write(context.Background(), s, &out); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got := ids.Replace(out.String())
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// thingIDs puts 1001, 1002 … in the place of ids, which are random.
func thingIDs(t *testing.T, where string) *strings.Replacer {
	t.Helper()
	rows, err := storetest.DB(t, where).QueryContext(context.Background(), "SELECT id FROM thing ORDER BY url")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var pairs []string
	for n := 1001; rows.Next(); n++ {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, strconv.FormatInt(id, 10), strconv.Itoa(n))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(pairs...)
}

// What brings the same number of cents stands in the order of ids, though one
// brings a unit more.
func TestRevenueOrdersCentsThenIDs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		var lines strings.Builder
		lines.WriteString(`{"type":"member","name":"ann","means":"2.00"}` + "\n" + `{"type":"member","name":"bob"}` + "\n")
		for i := range 30 {
			fmt.Fprintf(&lines, `{"type":"thing","url":"https://bob.example/%d","owner":"bob"}`+"\n", i)
			fmt.Fprintf(&lines, `{"type":"click","id":"c0000000-0000-4000-8000-%012d","reader":"ann","url":"https://bob.example/%d","at":"2026-10-01T12:00:00Z"}`+"\n", i, i)
		}
		load(t, where, lines.String(), 202610)
		var out strings.Builder
		err := report.Revenue{Author: "bob", Month: 202610}.Write(context.Background(), open(t, where), report.CSV, &out)
		if err != nil {
			t.Fatal(err)
		}
		rows := strings.Split(strings.TrimSpace(out.String()), "\n")[1:]
		if len(rows) != 30 {
			t.Fatalf("%d rows, want 30", len(rows))
		}
		last := 0
		for _, row := range rows {
			cells := strings.Split(row, ";")
			id, err := strconv.Atoi(cells[1])
			if err != nil || id <= last || cells[6] != "0,06" {
				t.Errorf("after id %d comes %s", last, row)
			}
			last = id
		}
	})
}

func TestReportsRefuseWhatIsNotThere(t *testing.T) {
	where := storetest.SQLite(t)
	load(t, where, titles, 202609)
	s := open(t, where)
	for name, write := range reports {
		err := write(context.Background(), s, io.Discard)
		var refused *flattr.Error
		if strings.HasPrefix(name, "revenue.") {
			if err != nil {
				t.Errorf("%s of the closed months = %v", name, err)
			}
		} else if !errors.As(err, &refused) || refused.Code != flattr.MonthOpen {
			t.Errorf("%s of an open month = %v, want %s", name, err, flattr.MonthOpen)
		}
	}
	err := report.Revenue{Author: "nobody"}.Write(context.Background(), s, report.CSV, io.Discard)
	if flattr.CodeOf(err) != flattr.NotFound {
		t.Errorf("revenue of nobody = %v, want %s", err, flattr.NotFound)
	}
}
