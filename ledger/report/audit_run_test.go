package report_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// runLedger is a ledger in which a test does what operators and readers do.
type runLedger struct {
	*testing.T
	*store.Store
}

func runOn(t *testing.T, where string) runLedger {
	t.Helper()
	s, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return runLedger{t, s}
}

// day is noon of a day of 2026.
func day(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 12, 0, 0, 0, time.UTC)
}

func (l runLedger) do(steps ...func(tx *store.Tx) error) {
	l.Helper()
	for _, step := range steps {
		if err := l.Write(context.Background(), step); err != nil {
			l.Fatal(err)
		}
	}
}

// member lets somebody in who begins with means.
func (l runLedger) member(name string, means money.Micro) (id flattr.MemberID) {
	l.Helper()
	l.do(func(tx *store.Tx) (err error) {
		id, err = tx.AddMember(day(time.October, 1), store.NewMember{Name: name, Budget: flattr.MinBudget, Means: means})
		return err
	})
	return id
}

func (l runLedger) auditIsClean() {
	l.Helper()
	var said bytes.Buffer
	if err := report.Audit(l.Context(), l.Store, &said, func(string, ...any) {}); err != nil {
		l.Errorf("audit = %v: %s", err, said.String())
	}
}

// last is the id of the member's last transfer of a code.
func (l runLedger) last(name string, code book.Code) uuid.UUID {
	l.Helper()
	_, _, moves, err := l.Movements(l.Context(), name, 100)
	for _, m := range moves {
		if m.Code == code {
			return m.ID
		}
	}
	l.Fatalf("%s has no transfer %s: %v", name, code, err)
	return uuid.UUID{}
}

func TestWhatIsReversedIsProved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		l := runOn(t, where)
		l.member("ann", 5*money.Euro)
		for _, ref := range []string{"A", "B"} {
			if _, booked, err := l.Credit(t.Context(), day(time.October, 2), "ann", 3*money.Euro, ref); err != nil || !booked {
				t.Fatal(booked, err)
			}
		}
		if booked, err := l.Refund(t.Context(), day(time.October, 3), "ann", money.Euro, "C"); err != nil || !booked {
			t.Fatal(booked, err)
		}
		for _, code := range []book.Code{book.Credit, book.Refund, book.Opening} {
			if _, err := l.Reverse(t.Context(), day(time.October, 4), l.last("ann", code)); err != nil {
				t.Errorf("Reverse of %s = %v", code, err)
			}
			l.auditIsClean()
		}
	})
}

// A freeze that is run late is of its own instant. What it gives back serves the
// clicks that wait by then in later months, which are of no time before they began.
func TestALateFreezeMakesNoClickBeforeItsTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		l := runOn(t, where)
		ann, bob := l.member("ann", 2*money.Euro), l.member("bob", 0)
		id := flattr.EventID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("subscription")))
		l.do(
			func(tx *store.Tx) error { return tx.AddThing(day(time.October, 1), "https://bob.example/", "", bob) },
			func(tx *store.Tx) error { // a promise, which holds all she has
				_, err := tx.Record(day(time.October, 2), ann, flattr.Event{
					ID: id, Kind: flattr.KindClick, At: day(time.October, 2), Thing: flattr.ThingRef{URL: "https://eve.example/"},
				})
				return err
			},
			func(tx *store.Tx) error { // it waits
				return tx.Subscribe(day(time.December, 2), ann, flattr.Subscription{ID: id, URL: "https://bob.example/"})
			},
			func(tx *store.Tx) error { return tx.FreezeThrough(day(time.December, 5), 202610) },
		)
		l.auditIsClean()
		clicks, err := l.Clicks(t.Context(), day(time.December, 6), ann, 202612)
		if err != nil || len(clicks) != 1 || !clicks[0].Counts || !clicks[0].At.Equal(day(time.December, 2)) {
			t.Errorf("clicks of December = %+v, %v, want the one that waited", clicks, err)
		}
	})
}
