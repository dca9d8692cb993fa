package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// simulated is a line of a random world and when it arrives.
type simulated struct {
	text    string
	arrived time.Time
}

// simulate makes a quarter of a year of random members, things, clicks, undos,
// top-ups, budgets and fees, in the order of arrival.
func simulate(random *rand.Rand) []simulated {
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	span := 92 * 24 * time.Hour
	when := func() time.Time { return start.Add(time.Duration(random.Int64N(int64(span)))).Truncate(time.Second) }
	stamp := func(t time.Time) string { return t.Format(time.RFC3339) }
	members, things := 3+random.IntN(6), 4+random.IntN(12)
	var first, lines []simulated
	for i := range members {
		first = append(first, simulated{text: fmt.Sprintf(`{"type":"member","name":"m%d","budget":"%d.%02d","means":"%d.00"}`,
			i, 2+random.IntN(5), random.IntN(100), random.IntN(20))})
	}
	for i := range things {
		owner := ""
		if random.IntN(4) > 0 {
			owner = fmt.Sprintf(`,"owner":"m%d"`, random.IntN(members))
		}
		first = append(first, simulated{text: fmt.Sprintf(`{"type":"thing","url":"https://t.example/%d"%s}`, i, owner)})
		if owner == "" && random.IntN(2) == 0 {
			at := when()
			lines = append(lines, simulated{fmt.Sprintf(`{"type":"thing","url":"https://t.example/%d","owner":"m%d","at":"%s"}`,
				i, random.IntN(members), stamp(at)), at})
		}
	}
	clicks := 50 + random.IntN(150)
	for i := range clicks {
		at := when()
		arrived := at.Add(time.Duration(random.Int64N(int64(10 * 24 * time.Hour)))).Truncate(time.Second)
		if random.IntN(3) > 0 {
			arrived = at
		}
		reader := random.IntN(members)
		lines = append(lines, simulated{fmt.Sprintf(
			`{"type":"click","id":"c0000000-0000-4000-8000-%012d","reader":"m%d","url":"https://t.example/%d","at":"%s","arrived":"%s"}`,
			i, reader, random.IntN(things), stamp(at), stamp(arrived)), arrived})
		if random.IntN(3) == 0 {
			undone := at.Add(time.Duration(random.Int64N(int64(20*24*time.Hour))) - 24*time.Hour).Truncate(time.Second)
			lines = append(lines, simulated{fmt.Sprintf(
				`{"type":"undo","id":"d0000000-0000-4000-8000-%012d","click":"c0000000-0000-4000-8000-%012d","reader":"m%d","at":"%s"}`,
				i, i, reader, stamp(undone)), undone})
		}
	}
	for i := range 10 {
		at := when()
		lines = append(lines, simulated{fmt.Sprintf(`{"type":"credit","name":"m%d","amount":"%d.00","ref":"R%d","at":"%s"}`,
			random.IntN(members), 1+random.IntN(9), i%8, stamp(at)), at})
		at = when()
		lines = append(lines, simulated{fmt.Sprintf(`{"type":"budget","name":"m%d","budget":"%d.%02d","at":"%s"}`,
			random.IntN(members), 1+random.IntN(6), random.IntN(100), stamp(at)), at})
		at = when()
		lines = append(lines, simulated{fmt.Sprintf(`{"type":"policy","fee_bp":%d,"at":"%s"}`, random.IntN(10_001), stamp(at)), at})
	}
	slices.SortStableFunc(lines, func(a, b simulated) int { return a.arrived.Compare(b.arrived) })
	return append(first, lines...)
}

// months of a simulation; a late click of December counts in January.
var simulatedMonths = []string{"2026-10", "2026-11", "2026-12", "2027-01"}

// settleSimulation loads parts of a world one after the other, settles all
// months, and returns their statements and what the audit said.
func settleSimulation(t *testing.T, parts ...[]simulated) []string {
	t.Helper()
	dir := t.TempDir()
	db := filepath.Join(dir, "ledger.db")
	for _, part := range parts {
		var text strings.Builder
		for _, line := range part {
			text.WriteString(line.text + "\n")
		}
		file := filepath.Join(dir, "part.ndjson")
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		ledger(t, "load", "--db", db, file)
		ledger(t, "audit", "--db", db)
	}
	var statements []string
	for _, month := range simulatedMonths {
		ledger(t, "settle", "--db", db, "--month", month, "--now", "2027-02-04T00:00:00Z")
		ledger(t, "audit", "--db", db)
		statements = append(statements, ledger(t, "statement", "--db", db, "--month", month))
	}
	return statements
}

// checkStatement holds the invariants that anyone can prove with a statement
// in hand.
func checkStatement(t *testing.T, text string) {
	t.Helper()
	number := func(line map[string]any, field string) int64 { return int64(line[field].(float64)) }
	shares := map[string][]int64{}
	var budgets, net, fee, gross int64
	for _, line := range jsonLines(t, text) {
		switch line["type"] {
		case "share":
			reader := line["reader"].(string)
			if line["owner"] != nil {
				shares[reader] = append(shares[reader], number(line, "micro"))
			} else if number(line, "micro") != 0 {
				t.Errorf("a promise gets something: %v", line)
			}
			if line["owner"] == reader {
				t.Errorf("own thing: %v", line)
			}
		case "reader":
			sum, mine := int64(0), shares[line["name"].(string)]
			for _, s := range mine {
				sum += s
			}
			if sum != number(line, "budget_micro") || len(mine) != int(number(line, "clicks")) {
				t.Errorf("%v, but the shares are %v", line, mine)
			}
			if len(mine) > 0 && slices.Max(mine)-slices.Min(mine) > 1 {
				t.Errorf("%v has shares from %d to %d", line, slices.Min(mine), slices.Max(mine))
			}
			budgets += sum
		case "author":
			gross += number(line, "gross_micro")
			net += number(line, "net_micro")
			fee += number(line, "fee_micro")
		case "total":
			if budgets != number(line, "budget_micro") || net != number(line, "net_micro") || fee != number(line, "fee_micro") ||
				gross != budgets || net+fee != gross {
				t.Errorf("%v, but readers give %d and authors get %d and %d", line, budgets, net, fee)
			}
		default:
			t.Errorf("unknown line %v", line)
		}
	}
}

func TestRandomWorldsHoldTheInvariants(t *testing.T) {
	const worlds = 12
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			lines := simulate(random)
			whole := settleSimulation(t, lines)
			for _, statement := range whole {
				checkStatement(t, statement)
			}
			// How a world is cut into files changes nothing.
			cut := random.IntN(len(lines))
			parts := settleSimulation(t, lines[:cut], lines[cut:])
			for i, statement := range whole {
				if parts[i] != statement {
					t.Errorf("seed %d: the statement of %s differs when the world is cut at line %d", seed, simulatedMonths[i], cut)
				}
			}
		})
	}
}
