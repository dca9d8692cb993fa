package store

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store/storetest"
)

// BenchmarkRecord accepts clicks in batches of 100, each of another reader.
func BenchmarkRecord(b *testing.B) {
	const batch = 100
	s := openFor(b, storetest.SQLite(b))
	now := at("10-02 12:00:00")
	var readers []flattr.MemberID
	err := s.Write(context.Background(), func(tx *Tx) error {
		for i := range 200 {
			id, err := tx.AddMember(now, NewMember{Name: fmt.Sprintf("r%d", i), Budget: flattr.DefaultBudget, Means: 9 * money.Euro})
			if err != nil {
				return err
			}
			readers = append(readers, id)
		}
		for i := range 1000 {
			if err := tx.AddThing(now, fmt.Sprintf("https://bob.example/%d", i), "", 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		events := make([]flattr.Event, batch)
		for i := range events {
			events[i] = flattr.Event{
				ID: flattr.EventID(uuid.New()), Kind: flattr.KindClick, At: now,
				Thing: flattr.ThingRef{URL: fmt.Sprintf("https://bob.example/%d", (n*37+i)%1000)},
			}
		}
		if _, err := s.Record(context.Background(), now, readers[n%len(readers)], events); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n*batch)/b.Elapsed().Seconds(), "clicks/s")
}
