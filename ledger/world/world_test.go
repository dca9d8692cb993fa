package world

import (
	"context"
	"errors"
	"strings"
	"testing"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

func init() { storetest.Schema = storetest.MadeBy(store.Open) }

// load loads text and returns the tally, the refusals and the bad lines.
func load(t *testing.T, s *store.Store, text string, keepGoing bool) (Tally, []int, error) {
	t.Helper()
	var bad []int
	l := Loader{
		Store: s, KeepGoing: keepGoing, Refused: func(int, flattr.Code) {}, Say: func(string, ...any) {},
		Bad: func(line int, _ error) { bad = append(bad, line) },
	}
	tally, err := l.Load(context.Background(), strings.NewReader(text))
	return tally, bad, err
}

func open(t *testing.T, where string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestNothingOfABadFileIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		text := `{"type":"member","name":"ann"}` + "\n\n" + `{"type":"thing","url":"https://a.example/","owner":"bob"}`
		_, bad, err := load(t, s, text, false)
		if !errors.Is(err, ErrBad) || len(bad) != 1 || bad[0] != 3 {
			t.Fatalf("load = %v, bad lines %v", err, bad)
		}
		if _, err := s.MemberByName(context.Background(), "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("ann after a bad file: %v", err)
		}
		tally, bad, err := load(t, s, text, true)
		if !errors.Is(err, ErrBad) || len(bad) != 1 || tally.Loaded["member"] != 1 || tally.Bad != 1 {
			t.Fatalf("load, keeping on = %+v, %v, bad lines %v", tally, err, bad)
		}
		if _, err := s.MemberByName(context.Background(), "ann"); err != nil {
			t.Errorf("ann after keeping on: %v", err)
		}
	})
}

func TestALineThatIsTooLongIsABadLine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		long := `{"type":"member","name":"` + strings.Repeat("a", 2*maxLineBytes) + `"}`
		text := `{"type":"member","name":"ann"}` + "\n" + long + "\n" + `{"type":"member","name":"bob"}` + "\n" + long
		if _, bad, err := load(t, s, text, false); !errors.Is(err, ErrBad) || len(bad) != 1 || bad[0] != 2 {
			t.Errorf("load = %v, bad lines %v, want line 2", err, bad)
		}
		tally, bad, err := load(t, s, text, true)
		if !errors.Is(err, ErrBad) || len(bad) != 2 || bad[1] != 4 || tally.Loaded["member"] != 2 {
			t.Errorf("load, keeping on = %+v, %v, bad lines %v, want ann and bob", tally, err, bad)
		}
		almost := `{"type":"thing","url":"https://a.example/","title":"`
		almost += strings.Repeat("x", maxLineBytes-len(almost)-len(`"}`+"\n")) + `"}` + "\n"
		if _, _, err := load(t, s, almost, false); err != nil {
			t.Errorf("a line of %d bytes: %v", len(almost), err)
		}
	})
}

// Files come from all kinds of editors and programs.
// Whatever a line names that no database could keep, it is that line that is bad.
func TestWhatIsNoTextIsABadLine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		if _, _, err := load(t, s, `{"type":"member","name":"ann","means":"9.00"}`, false); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			`{"type":"member","name":"a\u0000"}`,
			`{"type":"thing","url":"https://a.example/\u0000"}`,
			`{"type":"thing","url":"https://a.example/","owner":"a\u0000"}`,
			`{"type":"click","id":"c0000000-0000-4000-8000-000000000001","reader":"a\u0000","url":"https://a.example/","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"click","id":"c0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://a.example/\u0000","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"credit","name":"ann","amount":"1.00","ref":"a\u0000","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"return","name":"ann","amount":"1.00","ref":"a\u0000","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"refund","name":"ann","amount":"1.00","ref":"a\u0000","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"claim","owner":"a\u0000","url":"https://a.example/","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"parts","url":"https://a.example/","parts":[{"author":"a\u0000","bp":10000}],"at":"2026-10-03T12:00:00Z"}`,
			`{"type":"delete","name":"a\u0000","at":"2026-10-03T12:00:00Z"}`,
			`{"type":"thing","url":` + strings.Repeat("[", maxLineBytes/2) + `}`,
		} {
			if _, bad, err := load(t, s, line, true); !errors.Is(err, ErrBad) || len(bad) != 1 || bad[0] != 1 {
				t.Errorf("load of %.200s = %v, bad lines %v, want line 1", line, err, bad)
			}
		}
	})
}

func TestFilesAreReadAsTheyAreWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		text := "\ufeff" + `{"type":"member","name":"ann","means":"9.00"}` + "\r\n \t\r\n\r\n" +
			`{"type":"click","id":"C0000000-0000-4000-8000-00000000000A","reader":"Ann","url":"https://a.example/","at":"2026-10-03t12:00:00.5z"}` + "\r\n" +
			`  {"at":"2026-10-03T15:00:00+01:00","reader":"ann","click":"c0000000-0000-4000-8000-00000000000a","id":"c0000000-0000-4000-8000-00000000000B","type":"undo"}`
		tally, bad, err := load(t, s, text, false)
		if err != nil || len(bad) != 0 || tally.Loaded["click"] != 1 || tally.Loaded["undo"] != 1 {
			t.Fatalf("load = %+v, %v, bad lines %v", tally, err, bad)
		}
		m, err := s.MemberByName(context.Background(), "ann")
		if err != nil || m.Means != 9_000_000 {
			t.Errorf("ann = %+v, %v, want all of her means back", m, err)
		}
		// Only a file begins with the mark.
		if _, bad, _ := load(t, s, "\n\ufeff"+`{"type":"member","name":"bob"}`, true); len(bad) != 1 {
			t.Errorf("a mark in the second line: bad lines %v, want 2", bad)
		}
	})
}

// What is wrong is said in the words of the format, not of the program.
func TestBadLinesAreSaidInPlainWords(t *testing.T) {
	for text, want := range map[string]string{
		`["member"]`:    "malformed: not a JSON object",
		`7`:             "malformed: not a JSON object",
		`{"type":7}`:    "malformed: type cannot be of the JSON type number",
		`{"type":null}`: "malformed: no type",
		`{"type":"member","name":"ann","means":5}`:            "malformed: means cannot be of the JSON type number",
		`{"type":"member","name":"ann","means":"5000000.00"}`: "malformed: means: too much at once: an amount is at most 1000000.00 EUR",
	} {
		if _, err := parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("parse(%s) = %v, want %s", text, err, want)
		}
	}
}

func TestAFailingReaderKeepsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		l := Loader{Store: s, Bad: func(int, error) {}, Refused: func(int, flattr.Code) {}, Say: func(string, ...any) {}}
		broken := errors.New("broken pipe")
		_, err := l.Load(context.Background(), &failing{strings.NewReader(`{"type":"member","name":"ann"}` + "\n"), broken})
		if !errors.Is(err, broken) {
			t.Errorf("load = %v, want %v", err, broken)
		}
		if _, err := s.MemberByName(context.Background(), "ann"); flattr.CodeOf(err) != flattr.NotFound {
			t.Errorf("ann after a broken file: %v", err)
		}
	})
}

type failing struct {
	*strings.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.Len() == 0 {
		return 0, f.err
	}
	return f.Reader.Read(p)
}

// FuzzParse holds that a line is either refused or complete: nothing that is
// applied later is out of bounds.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{"type":"member","name":"ann","budget":"2.00","means":"50.00"}`,
		`{"type":"thing","url":"https://a.example/1","owner":"bob","title":"T"}`,
		`{"type":"click","id":"c0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://a.example/1","at":"2026-10-03T12:00:00Z","arrived":"2026-11-04T00:00:00+01:00"}`,
		`{"type":"undo","id":"c0000000-0000-4000-8000-000000000002","click":"c0000000-0000-4000-8000-000000000001","reader":"ann","at":"2026-10-03T12:00:00.123456789Z"}`,
		`{"type":"budget","name":"ann","budget":"3.00","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"credit","name":"ann","amount":"3.00","ref":"R","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"policy","fee_bp":1000,"promise_months":6,"max_budget":"100.00","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"alias","url":"https://a.example/1","of":"https://a.example/2","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"claim","owner":"bob","url":"https://a.example/","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"parts","url":"https://a.example/","parts":[{"author":"bob","bp":9999},{"author":"cyd","bp":1}],"at":"2026-10-03T12:00:00Z"}`,
		`{"type":"subscribe","id":"c0000000-0000-4000-8000-000000000003","reader":"ann","url":"https://a.example/1","months":3,"at":"2026-10-03T12:00:00Z"}`,
		`{"type":"pause","subscription":"c0000000-0000-4000-8000-000000000003","reader":"ann","on":false,"at":"2026-10-03T12:00:00Z"}`,
		`{"type":"stop","subscription":"c0000000-0000-4000-8000-000000000003","reader":"ann","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"return","name":"ann","ref":"R","amount":"3.00","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"refund","name":"ann","ref":"S","amount":"3.00","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"delete","name":"ann","at":"2026-10-03T12:00:00Z"}`,
		`{"type":"click"}{}`, `[]`, `null`, `{"type":null}`, `{"type":7}`, "{\"type\":\"member\",\"name\":\"\xff\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parse(text)
		if err != nil {
			return
		}
		if _, known := ranks[l.Type]; !known {
			t.Fatalf("parse(%q) accepts the type %q", text, l.Type)
		}
		if l.budget < 0 || l.amount < 0 || l.arrived.Year() < firstYear || l.arrived.Year() > lastYear || l.at.Year() > lastYear {
			t.Fatalf("parse(%q) = %+v", text, l)
		}
		if (l.Type == clickLine || l.Type == undoLine) && l.Reader == "" {
			t.Fatalf("parse(%q) accepts an event of nobody", text)
		}
		if (l.Type == creditLine || l.Type == returnLine || l.Type == refundLine) && (l.amount == 0 || l.Ref == "" || l.Name == "") {
			t.Fatalf("parse(%q) accepts that nothing is moved, or without reference", text)
		}
		if l.Type == subscribeLine && (l.id.IsZero() || l.URL == "" || l.Reader == "") {
			t.Fatalf("parse(%q) accepts a subscription of nobody", text)
		}
		if l.Type == partsLine {
			sum := 0
			for _, p := range l.Parts {
				if sum += p.BP; p.BP < 1 || p.Author == "" {
					t.Fatalf("parse(%q) accepts a part of nothing", text)
				}
			}
			if sum != flattr.AllParts {
				t.Fatalf("parse(%q) accepts parts of %d", text, sum)
			}
		}
	})
}

// Lines of one instant have an order of their own: what others need comes first.
func TestLinesOfOneInstantComeInTheOrderOfTheirTypes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := open(t, where)
		const at = `"at":"2026-10-03T12:00:00Z"}`
		tally, bad, err := load(t, s, strings.Join([]string{
			`{"type":"undo","id":"c0000000-0000-4000-8000-000000000000","click":"c0000000-0000-4000-8000-000000000001","reader":"ann","at":"2026-10-03T11:00:00Z","arrived":"2026-10-03T12:00:00Z"}`,
			`{"type":"click","id":"c0000000-0000-4000-8000-000000000001","reader":"ann","url":"https://bob.example/1",` + at,
			`{"type":"click","id":"c0000000-0000-4000-8000-000000000002","reader":"ann","url":"https://bob.example/2",` + at,
			`{"type":"click","id":"c0000000-0000-4000-8000-000000000003","reader":"bob","url":"https://bob.example/2",` + at,
			`{"type":"budget","name":"ann","budget":"300.00",` + at,
			`{"type":"credit","name":"ann","amount":"300.00","ref":"R",` + at,
			`{"type":"policy","max_budget":"500.00",` + at,
			`{"type":"thing","url":"https://bob.example/2","owner":"bob",` + at,
			`{"type":"member","name":"bob",` + at,
			`{"type":"member","name":"ann",` + at,
		}, "\n"), false)
		if err != nil || len(bad) != 0 || tally.Refused != 1 || tally.Loaded["click"] != 2 { // bob's own thing is refused
			t.Fatalf("load = %+v, %v, bad lines %v, want all but the click of bob", tally, err, bad)
		}
		if m, err := s.MemberByName(context.Background(), "ann"); err != nil || m.Means != 0 || m.Budget != 300_000_000 {
			t.Errorf("ann = %+v, %v, want her 300.00 EUR held", m, err)
		}
	})
}
