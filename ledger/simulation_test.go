package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flattr/ledger/store/storetest"
)

// simulated is a line of a random world and when it arrives.
type simulated struct {
	text    string
	arrived time.Time
}

// worldMaker makes random lines. Members are m0, m1 …, things lie on a few sites,
// some of them in folders.
type worldMaker struct {
	*rand.Rand
	members, things int
	lines           []simulated
}

// simulatedStart is when the first line of a random world can arrive.
var simulatedStart = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

// simulatedSpan is how long lines arrive: long enough that promises are claimed
// months later and subscriptions come to their end.
const simulatedSpan = 150 * 24 * time.Hour

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

func (w *worldMaker) when() time.Time { return w.within(simulatedStart, simulatedSpan) }

func (w *worldMaker) within(from time.Time, span time.Duration) time.Time {
	return from.Add(time.Duration(w.Int64N(int64(span)))).Truncate(time.Second)
}

// add writes a line, whose last field is its time of arrival.
func (w *worldMaker) add(arrived time.Time, format string, args ...any) {
	w.lines = append(w.lines, simulated{fmt.Sprintf(format, args...), arrived})
}

// at adds a line whose only time is that of its arrival.
func (w *worldMaker) at(arrived time.Time, format string, args ...any) {
	w.add(arrived, "{"+format+`,"at":"%s"}`, append(args, stamp(arrived))...)
}

func (w *worldMaker) member() int { return w.IntN(w.members) }

func (w *worldMaker) url(thing int) string {
	return fmt.Sprintf("https://%s.example/%s%d", []string{"s", "t", "u"}[thing%3], []string{"", "in/"}[thing/3%2], thing)
}

// scope is a thing, a folder or a site.
func (w *worldMaker) scope() string {
	host := fmt.Sprintf("https://%s.example/", []string{"s", "t", "u"}[w.IntN(3)])
	return []string{w.url(w.IntN(w.things)), host, host + "in/"}[w.IntN(3)]
}

// simulate makes five months of random lines of every type, in the order of
// arrival.
func simulate(random *rand.Rand) []simulated {
	w := &worldMaker{Rand: random, members: 3 + random.IntN(6), things: 4 + random.IntN(12)}
	for i := range w.members {
		w.add(time.Time{}, `{"type":"member","name":"m%d","budget":"%d.%02d","means":"%d.00"}`,
			i, 2+w.IntN(5), w.IntN(100), w.IntN(20))
	}
	for i := range w.things {
		switch w.IntN(3) {
		case 0:
			w.add(time.Time{}, `{"type":"thing","url":%q,"owner":"m%d"}`, w.url(i), w.member())
		case 1:
			w.add(time.Time{}, `{"type":"thing","url":%q}`, w.url(i))
		}
	}
	for i := range 60 + w.IntN(160) {
		w.click(i)
	}
	for i := range 10 {
		w.at(w.when(), `"type":"budget","name":"m%d","budget":"%d.%02d"`, w.member(), 1+w.IntN(6), w.IntN(100))
		w.at(w.when(), `"type":"policy","fee_bp":%d,"promise_months":%d`, w.IntN(10_001), 1+w.IntN(7))
		w.money(i)
		w.subscription(i)
	}
	for i := range 6 {
		w.at(w.when(), `"type":"claim","owner":"m%d","url":%q`, w.member(), w.scope())
		w.parts()
		// Every alias is of a URL of its own, so that none is in a circle.
		w.at(w.when(), `"type":"alias","url":"https://old.example/%d","of":%q`, i, w.url(w.IntN(w.things)))
	}
	w.at(w.when(), `"type":"thing","url":"https://old.example/0","owner":"m%d"`, w.member())
	slices.SortStableFunc(w.lines, func(a, b simulated) int { return a.arrived.Compare(b.arrived) })
	return w.lines
}

// click adds a click, sometimes late, sometimes through an alias, and sometimes
// undone, or undone before it came.
func (w *worldMaker) click(i int) {
	at := w.when()
	arrived := at
	if w.IntN(3) == 0 {
		arrived = w.within(at, 10*24*time.Hour)
	}
	reader, url := w.member(), w.url(w.IntN(w.things))
	if w.IntN(8) == 0 {
		url = fmt.Sprintf("http://www.old.example/%d", w.IntN(6))
	}
	w.add(arrived, `{"type":"click","id":"c0000000-0000-4000-8000-%012d","reader":"m%d","url":%q,"at":"%s","arrived":"%s"}`,
		i, reader, url, stamp(at), stamp(arrived))
	if w.IntN(3) == 0 {
		w.at(w.within(at.Add(-24*time.Hour), 20*24*time.Hour),
			`"type":"undo","id":"d0000000-0000-4000-8000-%012d","click":"c0000000-0000-4000-8000-%012d","reader":"m%d"`, i, i, reader)
	}
}

// money adds top-ups, some of them returned, and a refund.
func (w *worldMaker) money(i int) {
	at, member, amount := w.when(), w.member(), 1+w.IntN(9)
	w.at(at, `"type":"credit","name":"m%d","amount":"%d.00","ref":"R%d"`, member, amount, i)
	if w.IntN(3) == 0 {
		w.at(w.within(at, 40*24*time.Hour), `"type":"return","name":"m%d","ref":"R%d","amount":"%d.00"`, member, i, amount)
	}
	if w.IntN(3) == 0 { // the same reference again books nothing
		w.at(w.when(), `"type":"credit","name":"m%d","amount":"9.00","ref":"R%d"`, w.member(), 100+w.IntN(2))
	}
	if w.IntN(4) == 0 {
		w.at(w.when(), `"type":"refund","name":"m%d","amount":"%d.00","ref":"F%d"`, w.member(), 1+w.IntN(4), i%3)
	}
}

// subscription adds a subscription that is paused, resumed and stopped at
// random, some of that around the beginning of a month.
func (w *worldMaker) subscription(i int) {
	const of = `"subscription":"50000000-0000-4000-8000-%012d","reader":"m%d"`
	at, reader := w.when(), w.member()
	term := []string{"", `,"months":3`, `,"months":6`}[w.IntN(3)]
	w.at(at, `"type":"subscribe","id":"50000000-0000-4000-8000-%012d","reader":"m%d","url":%q%s`,
		i, reader, w.url(w.IntN(w.things)), term)
	for range w.IntN(3) {
		change := w.within(at, 90*24*time.Hour)
		if w.IntN(2) == 0 {
			change = time.Date(change.Year(), change.Month()+1, 1, 0, 0, w.IntN(3)-1, 0, time.UTC)
		}
		w.at(change, `"type":"pause",`+of+`,"on":%t`, i, reader, w.IntN(2) == 0)
	}
	if w.IntN(3) == 0 {
		w.at(w.within(at, 90*24*time.Hour), `"type":"stop",`+of, i, reader)
	}
}

// parts adds the parts of two or three authors.
func (w *worldMaker) parts() {
	order := w.Perm(w.members)
	first, second := 1+w.IntN(5000), 1+w.IntN(4000)
	w.at(w.when(), `"type":"parts","url":%q,"parts":[{"author":"m%d","bp":%d},{"author":"m%d","bp":%d},{"author":"m%d","bp":%d}]`,
		w.scope(), order[0], first, order[1], second, order[2], 10_000-first-second)
}

// simulatedMonths are the months of a random world; a late click of the last
// lines counts in the last.
var simulatedMonths = []string{"2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04"}

// settleSimulation loads parts of a world one after the other, settles all
// months, and returns what was refused, all statements, and what the audit said.
func settleSimulation(t *testing.T, db string, parts ...[]simulated) (refused map[string]int, statements []string) {
	t.Helper()
	refused = make(map[string]int)
	for _, part := range parts {
		var text strings.Builder
		for _, line := range part {
			text.WriteString(line.text + "\n")
		}
		file := filepath.Join(t.TempDir(), "part.ndjson")
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if err := run(t.Context(), []string{"load", "--db", db, file}, strings.NewReader(""), &out, &errs); err != nil {
			t.Fatalf("load: %v\n%s", err, errs.String())
		}
		for said := range strings.Lines(errs.String()) {
			var number int
			var code string
			if n, _ := fmt.Sscanf(said, "line %d: %s", &number, &code); n == 2 {
				refused[code+" "+part[number-1].text]++
			}
		}
		ledger(t, "audit", "--db", db)
	}
	for _, month := range simulatedMonths {
		ledger(t, "settle", "--db", db, "--month", month, "--now", "2027-06-04T00:00:00Z")
		statements = append(statements, ledger(t, "statement", "--db", db, "--month", month))
	}
	ledger(t, "audit", "--db", db)
	return refused, statements
}

// checkStatement holds the invariants that anyone can prove with a statement
// in hand.
func checkStatement(t *testing.T, text string) {
	t.Helper()
	number := func(line map[string]any, field string) int64 { return int64(line[field].(float64)) }
	shares := map[string][]int64{}
	things, parts := map[string]int64{}, map[string]int64{}
	var budgets, net, fee, gross int64
	for _, line := range jsonLines(t, text) {
		switch line["type"] {
		case "share":
			reader := line["reader"].(string)
			things[line["url"].(string)] += number(line, "micro")
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
		case "part":
			parts[line["url"].(string)] += number(line, "micro")
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
	for url, sum := range parts {
		if sum != things[url] {
			t.Errorf("the parts of %s add up to %d of %d", url, sum, things[url])
		}
	}
}

func TestRandomWorldsHoldTheInvariants(t *testing.T) {
	const worlds = 4
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			t.Parallel()
			randomWorld(t, seed)
		})
	}
}

// randomWorld loads a world whole and cut into files, on each engine: neither
// changes anything.
func randomWorld(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	lines := simulate(random)
	cuts := []int{random.IntN(len(lines)), random.IntN(len(lines))}
	slices.Sort(cuts)
	var refused map[string]int
	var statements []string
	for name, parts := range map[string][][]simulated{
		"whole": {lines},
		"cut":   {lines[:cuts[0]], lines[cuts[0]:cuts[1]], lines[cuts[1]:]},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, where string) {
				gotRefused, got := settleSimulation(t, where, parts...)
				if statements == nil {
					refused, statements = gotRefused, got
					for _, statement := range got {
						checkStatement(t, statement)
					}
				}
				if diff := cmp.Diff(refused, gotRefused); diff != "" {
					t.Errorf("seed %d, cut at %v: other lines are refused (-first +now):\n%s", seed, cuts, diff)
				}
				for i, statement := range statements {
					if diff := cmp.Diff(statement, got[i]); diff != "" {
						t.Errorf("seed %d, cut at %v: the statement of %s differs (-first +now):\n%s", seed, cuts, simulatedMonths[i], diff)
					}
				}
			})
		})
	}
}
