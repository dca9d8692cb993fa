package store_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
	"flattr/ledger/store/storetest"
)

// Whoever makes two ids whose hashes begin with the same 8 bytes confuses
// neither the settlement nor the proof of it.
func TestClicksWithTheSamePlaceAreToldApartByTheirWholeHash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		s := loaded(t, where)
		ctx := context.Background()
		var more strings.Builder
		for i := range 7 {
			fmt.Fprintf(&more, `{"type":"click","id":"c0000000-0000-4000-8000-00000000000%d","reader":"ben","url":"https://bob.example/x%d","at":"2026-11-02T10:00:00Z"}`+"\n", i, i)
		}
		more.WriteString(`{"type":"claim","owner":"bob","url":"https://bob.example/","at":"2026-11-03T10:00:00Z"}` + "\n")
		loadMore(t, s, more.String())
		december := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
		if err := (closing.Settlement{Store: s, Month: 202611, Now: december, Say: func(string, ...any) {}}).Settle(ctx); err != nil {
			t.Fatal(err)
		}
		// 4,000,000 = 7 x 571,428 + 4: with all places the same, only the hash tells
		// which four clicks got the units.
		db := storetest.DB(t, where)
		for _, statement := range []string{"DROP TRIGGER event_stays" + on(where), "UPDATE event SET place = 5 WHERE month = 202611"} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		prove := func(hash store.Hash) (found []string) {
			t.Helper()
			err := s.View(ctx, func(tx *store.Tx) error {
				return tx.ProveThings(202611, store.Range{From: 0, To: flattr.Buckets}, hash, func(f string) { found = append(found, f) })
			})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		real := func(month flattr.Month, id flattr.EventID) [sha256.Size]byte {
			return sha256.Sum256([]byte(month.String() + "|" + id.String()))
		}
		if found := prove(real); len(found) > 0 {
			t.Errorf("by the whole hash it finds %q", found)
		}
		opposite := func(month flattr.Month, id flattr.EventID) [sha256.Size]byte {
			sum := real(month, id)
			for i := range sum {
				sum[i] = ^sum[i]
			}
			return sum
		}
		// Seven clicks, four units: the other way round three give theirs to others.
		if found := prove(opposite); len(found) != 6 {
			t.Errorf("by the opposite of the hash it finds %q, want six things", found)
		}
		// Nor does it take the order of ids for that of hashes.
		for _, statement := range []string{
			"DROP TRIGGER thing_sum_stays" + strings.Replace(on(where), "event", "thing_sum", 1),
			`UPDATE thing_sum SET gross = CASE WHEN thing IN (SELECT thing FROM event WHERE month = 202611 ORDER BY id LIMIT 4) THEN 571429 ELSE 571428 END WHERE month = 202611`,
		} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		if found := prove(real); len(found) == 0 {
			t.Error("it takes units that went by the ids of clicks for right")
		}
	})
}

// on is what PostgreSQL wants to know about a trigger of event.
func on(where string) string {
	if strings.HasPrefix(where, "postgres") {
		return " ON event"
	}
	return ""
}
