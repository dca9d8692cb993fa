package settle_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/closing"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
	"flattr/ledger/store"
)

// simulation is a ledger whose readers and authors act at random, one after the
// other. The same seed is always the same simulation.
type simulation struct {
	*testing.T
	seed    uint64
	random  *rand.Rand
	store   *store.Store
	now     time.Time
	members []flattr.MemberID
	urls    []string

	events        []recorded
	subscriptions []subscribed
	topUps        []topUp
	closed        map[flattr.Month]string // statements of closed months
	next          flattr.Month            // to be settled
	done          map[string]int          // how often each step was taken, and each refusal
}

// simulate lives through steps, and holds after each what must always hold.
func simulate(t *testing.T, where string, seed uint64, steps int) *simulation {
	t.Helper()
	s, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sim := &simulation{
		T: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), store: s,
		now:    time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		closed: make(map[flattr.Month]string), next: 202610, done: make(map[string]int),
	}
	sim.begin()
	for range steps {
		sim.now = sim.now.Add(time.Duration(sim.random.Int64N(int64(24 * time.Hour)))).Truncate(time.Second)
		sim.calendar()
		sim.step()
		sim.hold()
	}
	sim.now = sim.now.Add(62 * 24 * time.Hour)
	sim.calendar()
	sim.hold()
	return sim
}

// fatal ends the simulation with what is needed to see it again.
func (s *simulation) fatal(format string, args ...any) {
	s.Helper()
	s.Fatalf("seed %d, %s: %s", s.seed, s.now.Format(time.RFC3339), fmt.Sprintf(format, args...))
}

// write does a step; what a rule refuses leaves nothing behind and is no fault.
func (s *simulation) write(work func(*store.Tx) error) bool {
	s.Helper()
	err := s.store.Write(s.Context(), work)
	if code := flattr.CodeOf(err); code != "" {
		s.done["refused "+string(code)]++
		return false
	}
	if err != nil {
		s.fatal("%v", err)
	}
	return true
}

// calendar freezes and settles what is due, as load and an operator do: some
// months some days late.
func (s *simulation) calendar() {
	s.write(func(tx *store.Tx) error { return tx.FreezeDue(s.now) })
	for s.now.After(s.next.FreezeAt().Add(time.Duration(s.seed%3) * 40 * time.Hour)) {
		err := closing.Settlement{Store: s.store, Month: s.next, Now: s.now, Say: func(string, ...any) {}}.Settle(s.Context())
		if err != nil {
			s.fatal("settle %s: %v", s.next, err)
		}
		s.closed[s.next] = s.statement(s.next)
		s.proveStatement(s.next, s.closed[s.next])
		var found bytes.Buffer
		if err := report.Audit(s.Context(), s.store, &found, func(string, ...any) {}); err != nil {
			s.fatal("after the settlement of %s: %v\n%s", s.next, err, found.String())
		}
		s.next = s.next.Next()
		s.provePages()
	}
}

func (s *simulation) statement(month flattr.Month) string {
	var text bytes.Buffer
	if err := report.Statement(s.Context(), s.store, month, report.NDJSON, &text); err != nil {
		s.fatal("statement of %s: %v", month, err)
	}
	return text.String()
}

// hold is what holds after every step.
func (s *simulation) hold() {
	s.Helper()
	s.proveBooks()
	for _, member := range s.members {
		s.proveOpenMonths(member)
	}
	for _, month := range slices.Sorted(maps.Keys(s.closed)) {
		if now := s.statement(month); now != s.closed[month] {
			s.fatal("the statement of %s changed from\n%s\nto\n%s", month, s.closed[month], now)
		}
	}
}

// proveBooks holds that debits are credits, and that nobody is below zero.
func (s *simulation) proveBooks() {
	s.Helper()
	var debits, credits money.Micro
	err := s.store.View(s.Context(), func(tx *store.Tx) error {
		debits, credits = 0, 0
		return tx.EachAccount(func(a store.KeptAccount) {
			debits += a.Debits
			credits += a.Credits
			balance := a.Credits - a.Debits
			switch a.Kind {
			case book.Means, book.Held, book.Revenue, book.Fee:
				if balance < 0 {
					s.fatal("%s of %d is %d", a.Kind, a.Owner, balance)
				}
			case book.Receivable:
				if balance > 0 {
					s.fatal("%d is owed %d by the ledger", a.Owner, balance)
				}
			case book.Clearing:
				if balance != 0 {
					s.fatal("the clearing of %d stands at %d", a.Month, balance)
				}
			case book.Bank, book.Gift:
			}
		})
	})
	if err != nil {
		s.fatal("%v", err)
	}
	if debits != credits {
		s.fatal("debits are %d and credits %d", debits, credits)
	}
}

// proveOpenMonths holds that what a reader's clicks are worth now adds up to
// what is held.
func (s *simulation) proveOpenMonths(member flattr.MemberID) {
	s.Helper()
	_, months, err := s.store.Summaries(s.Context(), s.now, member)
	if err != nil {
		s.fatal("%v", err)
	}
	for _, m := range months {
		views, err := s.store.Clicks(s.Context(), s.now, member, m.Month)
		if err != nil {
			s.fatal("%v", err)
		}
		var worth []money.Micro
		counting := 0
		for _, v := range views {
			if v.Counts {
				counting++
			}
			if v.Promised != 0 {
				s.done["promise kept"]++
			}
			if v.Counts && !v.Promise {
				worth = append(worth, v.Share)
			} else if v.Share != 0 {
				s.fatal("click %s is worth %d in %s, but is no counting click on a thing with owner", v.ID, v.Share, m.Month)
			}
		}
		if counting > 0 && m.Held != m.Budget || counting == 0 && m.Held != 0 {
			s.fatal("reader %d has %d clicks and a budget of %s in %s, but %s is held", member, counting, m.Budget, m.Month, m.Held)
		}
		s.proveEqual(worth, m.Held, fmt.Sprintf("reader %d in %s", member, m.Month))
	}
}

// proveEqual holds that shares are equal and add up to the budget.
func (s *simulation) proveEqual(shares []money.Micro, budget money.Micro, whose string) {
	s.Helper()
	if len(shares) == 0 {
		return
	}
	sum := money.Micro(0)
	for _, share := range shares {
		sum += share
	}
	if low, high := slices.Min(shares), slices.Max(shares); sum != budget || high-low > 1 {
		s.fatal("%s: %d shares from %d to %d add up to %d of %d", whose, len(shares), low, high, sum, budget)
	}
}

// statementLine is a line of a statement, of whatever type.
type statementLine struct {
	Type   string
	Reader string
	Name   string
	URL    string
	Owner  *string
	Author string
	Click  string
	Clicks int
	Micro  money.Micro
	Budget money.Micro `json:"budget_micro"`
	Gross  money.Micro `json:"gross_micro"`
	Fee    money.Micro `json:"fee_micro"`
	Net    money.Micro `json:"net_micro"`
}

// proveStatement holds what anyone can check with the statement in hand.
func (s *simulation) proveStatement(month flattr.Month, text string) {
	s.Helper()
	shares := make(map[string][]money.Micro)
	ofThing, parts := make(map[string]money.Micro), make(map[string]money.Micro)
	var budgets, gross, fee, net money.Micro
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var l statementLine
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			s.fatal("%v", err)
		}
		switch l.Type {
		case "share":
			switch {
			case l.Owner == nil && l.Micro != 0:
				s.fatal("%s: the promise %s gets %d", month, l.Click, l.Micro)
			case l.Owner != nil && *l.Owner == l.Reader:
				s.fatal("%s: %s gives to the own thing %s", month, l.Reader, l.URL)
			case l.Owner != nil:
				shares[l.Reader] = append(shares[l.Reader], l.Micro)
				ofThing[l.URL] += l.Micro
			}
		case "reader":
			if l.Clicks != len(shares[l.Name]) || l.Clicks == 0 && l.Budget != 0 {
				s.fatal("%s: %s has %d shares, but %d clicks and gives %d", month, l.Name, len(shares[l.Name]), l.Clicks, l.Budget)
			}
			s.proveEqual(shares[l.Name], l.Budget, fmt.Sprintf("%s in %s", l.Name, month))
			budgets += l.Budget
		case "author":
			if l.Gross != l.Net+l.Fee {
				s.fatal("%s: gross %d of %s is not net %d and fee %d", month, l.Gross, l.Name, l.Net, l.Fee)
			}
			gross, fee, net = gross+l.Gross, fee+l.Fee, net+l.Net
		case "part":
			parts[l.URL] += l.Micro
		case "total":
			if l.Budget != budgets || gross != budgets || l.Fee != fee || l.Net != net || l.Budget != l.Net+l.Fee {
				s.fatal("%s: total %d = %d + %d, but readers give %d, authors get %d = %d + %d", month, l.Budget, l.Net, l.Fee, budgets, gross, net, fee)
			}
		}
	}
	for url, sum := range parts {
		if sum != ofThing[url] {
			s.fatal("%s: the parts of %s add up to %d of %d", month, url, sum, ofThing[url])
		}
	}
}
