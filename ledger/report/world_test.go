package report_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/report"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
	"flattr/ledger/world"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// open opens a ledger for the test.
func open(t *testing.T, where string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// load loads the lines of a world and settles months.
func load(t *testing.T, where, lines string, months ...flattr.Month) {
	t.Helper()
	s, err := store.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	l := world.Loader{
		Store: s, Say: func(string, ...any) {},
		Refused: func(line int, code flattr.Code) { t.Errorf("line %d: %s", line, code) },
		Bad:     func(line int, err error) { t.Errorf("line %d: %v", line, err) },
	}
	if _, err := l.Load(context.Background(), strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	for _, month := range months {
		settle(t, s, month)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func settle(t *testing.T, s *store.Store, month flattr.Month) {
	t.Helper()
	err := closing.Settlement{
		Store: s, Month: month, Now: time.Date(2027, 1, 20, 0, 0, 0, 0, time.UTC), Say: func(string, ...any) {},
	}.Settle(context.Background())
	if err != nil {
		t.Fatalf("settle %s: %v", month, err)
	}
}

// audit is what an audit finds; nothing when it is clean.
func audit(t *testing.T, where string) string {
	t.Helper()
	before := bytesOf(t, where)
	s, err := store.OpenExisting(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = report.Audit(context.Background(), s, &out, func(string, ...any) {})
	if failed := s.Close(); failed != nil {
		t.Fatal(failed)
	}
	if !bytes.Equal(bytesOf(t, where), before) {
		t.Error("the audit changed the file")
	}
	switch {
	case err == nil && out.String() == "audit: clean\n":
		return ""
	case errors.Is(err, report.ErrDamaged):
		return out.String()
	}
	t.Fatalf("audit = %v\n%s", err, out.String())
	return ""
}

// bytesOf is a ledger's file, where it is one.
func bytesOf(t *testing.T, where string) []byte {
	t.Helper()
	if strings.HasPrefix(where, "postgres") {
		return nil
	}
	text, err := os.ReadFile(where)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// year is a world that uses every rule of money: October and November are
// closed, December frozen, January open.
const year = `
{"type":"member","name":"ann","means":"30.00"}
{"type":"member","name":"ben","budget":"3.00","means":"40.00"}
{"type":"member","name":"cyd","means":"10.00"}
{"type":"member","name":"dan"}
{"type":"member","name":"eve","budget":"2.50","means":"9.99"}
{"type":"policy","fee_bp":700,"at":"2026-09-01T00:00:00Z"}
{"type":"thing","url":"https://cyd.example/1","owner":"cyd","title":"One"}
{"type":"thing","url":"https://cyd.example/2","owner":"cyd","title":"Two"}
{"type":"thing","url":"https://dan.example/1","owner":"dan","title":"Three"}
{"type":"parts","url":"https://cyd.example/2","parts":[{"author":"dan","bp":3333},{"author":"cyd","bp":6667}],"at":"2026-10-01T00:00:00Z"}
{"type":"alias","url":"https://old.example/2","of":"https://cyd.example/2","at":"2026-10-01T00:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://cyd.example/1","at":"2026-10-02T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000002","reader":"ann","url":"https://cyd.example/2","at":"2026-10-03T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000003","reader":"ann","url":"https://old.example/2","at":"2026-10-04T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000004","reader":"ann","url":"https://dan.example/1","at":"2026-10-05T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000005","reader":"ann","url":"https://nobody.example/","at":"2026-10-06T10:00:00Z"}
{"type":"undo","id":"a0000000-0000-4000-8000-000000000006","click":"a0000000-0000-4000-8000-000000000004","reader":"ann","at":"2026-10-07T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000007","reader":"ann","url":"https://dan.example/1","at":"2026-10-08T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000008","reader":"ben","url":"https://cyd.example/2","at":"2026-10-09T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000009","reader":"ben","url":"https://dan.example/1","at":"2026-10-09T11:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000a","reader":"eve","url":"https://nobody.example/","at":"2026-10-09T11:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000b","reader":"eve","url":"https://eve.example/","at":"2026-10-09T12:00:00Z"}
{"type":"claim","owner":"eve","url":"https://eve.example/","at":"2026-10-20T00:00:00Z"}
{"type":"budget","name":"ben","budget":"4.00","at":"2026-10-21T00:00:00Z"}
{"type":"credit","name":"ann","amount":"5.00","ref":"BANK-1","at":"2026-10-22T00:00:00Z"}
{"type":"credit","name":"dan","amount":"6.00","ref":"BANK-2","at":"2026-10-22T00:00:00Z"}
{"type":"subscribe","id":"b0000000-0000-4000-8000-000000000001","reader":"ben","url":"https://cyd.example/1","months":3,"at":"2026-10-23T00:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000c","reader":"ann","url":"https://cyd.example/1","at":"2026-10-30T10:00:00Z","arrived":"2026-11-05T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000d","reader":"ann","url":"https://eve.example/","at":"2026-11-06T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000e","reader":"dan","url":"https://cyd.example/1","at":"2026-11-07T10:00:00Z"}
{"type":"return","name":"dan","ref":"BANK-2","amount":"6.00","at":"2026-11-08T00:00:00Z"}
{"type":"refund","name":"ann","amount":"1.50","ref":"OUT-1","at":"2026-11-09T00:00:00Z"}
{"type":"claim","owner":"cyd","url":"https://nobody.example/","at":"2026-11-20T00:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-00000000000f","reader":"ann","url":"https://cyd.example/2","at":"2026-12-06T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000010","reader":"ben","url":"https://late.example/","at":"2026-12-07T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000011","reader":"ann","url":"https://dan.example/1","at":"2027-01-10T10:00:00Z"}
{"type":"click","id":"a0000000-0000-4000-8000-000000000012","reader":"ann","url":"https://cyd.example/1","at":"2027-01-11T10:00:00Z"}
`
