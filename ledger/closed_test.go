package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// TestOneWorldOnBothStores settles a world on each store; ids of members and
// things, which are random, are seen in no statement.
func TestOneWorldOnBothStores(t *testing.T) {
	const seed = 21
	world := crashWorld(rand.New(rand.NewPCG(seed, 0)))
	first := ""
	storetest.Each(t, func(t *testing.T, where string) {
		loaded(t, where, world)
		statement := settled(t, where)
		checkStatement(t, statement)
		if first == "" {
			first = statement
		}
		if statement != first {
			t.Errorf("seed %d: the statement is\n%s\non the other store it is\n%s", seed, statement, first)
		}
	})
}

// TestWhatChangesAfterTheCloseChangesNothing changes fee, promises, parts,
// owners, aliases and names of a world whose month is closed.
func TestWhatChangesAfterTheCloseChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		const seed = 22
		loaded(t, where, crashWorld(rand.New(rand.NewPCG(seed, 0))))
		before := settled(t, where)
		loaded(t, where, `{"type":"policy","fee_bp":9000,"promise_months":1,"max_budget":"3.00","at":"2026-12-05T00:00:00Z"}
{"type":"member","name":"newcomer","at":"2026-12-05T00:00:00Z"}
{"type":"claim","owner":"newcomer","url":"https://t.example/","at":"2026-12-06T00:00:00Z"}
{"type":"parts","url":"https://t.example/","parts":[{"author":"newcomer","bp":5000},{"author":"a0","bp":5000}],"at":"2026-12-06T00:00:00Z"}
{"type":"parts","url":"https://t.example/1","parts":[{"author":"a1","bp":1},{"author":"newcomer","bp":9999}],"at":"2026-12-06T00:00:00Z"}
{"type":"alias","url":"https://t.example/0","of":"https://t.example/199","at":"2026-12-06T00:00:00Z"}
`)
		db := storetest.DB(t, where)
		for _, statement := range []string{
			"UPDATE member SET name = 'x-' || name, name_key = 'x-' || name_key",
			"UPDATE thing SET owner = (SELECT MIN(id) FROM member WHERE name = 'x-newcomer') WHERE owner IS NOT NULL AND alias_of IS NULL",
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		after := ledger(t, "statement", "--db", where, "--month", crashMonth.String())
		// Names are those of today, and the order is that of names: all have the
		// same beginning now.
		after = strings.ReplaceAll(after, `"x-`, `"`)
		if after != before {
			t.Errorf("seed %d: the statement is\n%s\nbefore the changes it was\n%s", seed, after, before)
		}
		ledger(t, "audit", "--db", where)
	})
}
