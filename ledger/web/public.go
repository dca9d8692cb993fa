package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// What is written for everybody: what Flattr is, and how the money flows.

const (
	// fewReaders is how many readers a month must have had before its sums are
	// shown: of fewer, one could be picked out.
	fewReaders = 5
	// maxExampleClicks bounds the clicks of an example; nobody has made more in a
	// month.
	maxExampleClicks = 10_000
)

// frontPage is the first page: what Flattr is, in one screen.
type frontPage struct {
	Min            money.Micro
	Budget, Clicks string // of the example, as typed
	Wrong          string // what is wrong with them
	Amount         money.Micro
	Rows           []exampleRow
	Slices         []drawnPart // the budget in as many equal parts as the first row has clicks
}

// drawnPart is where a part of a drawn budget begins and how wide it is.
type drawnPart struct{ X, Width int }

const (
	// drawnWidth is how wide a drawn budget is, in units of its own.
	drawnWidth = 6000
	// maxSlices is into how many parts a budget is drawn; more cannot be told apart
	// on a phone.
	maxSlices = 60
)

// drawnParts are a budget in n equal parts; none where there would be too many.
func drawnParts(n int) []drawnPart {
	const gap = drawnWidth / 100
	if n > maxSlices {
		return nil
	}
	drawn := make([]drawnPart, n)
	for i := range drawn {
		x := i * drawnWidth / n
		drawn[i] = drawnPart{x, (i+1)*drawnWidth/n - x - gap}
	}
	return drawn
}

// exampleRow is what each click is worth where there are so many.
type exampleRow struct {
	Clicks int
	Share  money.Micro
	Typed  bool // the visitor asked for it
}

// front says what Flattr is, and what a click is worth, by the rule that splits
// budgets.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	r, err := s.withMember(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t, status := s.tongues.of(r), http.StatusOK
	page := frontPage{Min: flattr.MinBudget, Amount: flattr.MinBudget, Budget: t.plainEuro(flattr.MinBudget), Clicks: "10"}
	counts := []int{10, 20}
	if query := r.URL.Query(); query.Has("budget") || query.Has("clicks") {
		page.Budget, page.Clicks = cut(query.Get("budget")), cut(query.Get("clicks"))
		amount, clicks, wrong, err := s.example(r.Context(), t, page.Budget, page.Clicks)
		switch {
		case err != nil:
			s.fail(w, r, err)
			return
		case wrong != "":
			page.Wrong, status = wrong, http.StatusUnprocessableEntity
		default:
			page.Amount, counts = amount, []int{clicks}
		}
	}
	for _, n := range counts {
		share, _ := money.Split(page.Amount, n)
		page.Rows = append(page.Rows, exampleRow{n, share, len(counts) == 1})
	}
	page.Slices = drawnParts(counts[0])
	s.render(w, r, status, "front", t.say("front.title"), page)
}

// cut is what somebody typed into a short field.
func cut(text string) string {
	const most = 16 // characters, as the fields have it
	runes := []rune(strings.TrimSpace(text))
	return string(runes[:min(len(runes), most)])
}

// example reads a budget and a number of clicks, or says what is wrong with them.
func (s *Server) example(ctx context.Context, t *tongue, budget, count string) (amount money.Micro, clicks int, wrong string, err error) {
	policy, err := s.store.SettlementPolicy(ctx)
	if err != nil {
		return 0, 0, "", err
	}
	amount, malformed := readEuro(budget)
	if malformed != nil || amount < flattr.MinBudget || amount > policy.MaxBudget {
		return 0, 0, t.say("wrong.budget_range", t.euro(flattr.MinBudget), t.euro(policy.MaxBudget)), nil
	}
	clicks, malformed = strconv.Atoi(count)
	if malformed != nil || clicks < 1 || clicks > maxExampleClicks {
		return 0, 0, t.say("front.wrong.clicks", maxExampleClicks), nil
	}
	return amount, clicks, "", nil
}

// moneyPage tells how the money flows.
type moneyPage struct {
	Min    money.Micro
	Share  money.Micro // of ten clicks on Min
	Slices []drawnPart // of Min
	Fee    string      // in percent
	Months int         // that promises live
	Hours  int         // of grace
	Last   *flattr.ClosedMonth
	Few    bool // the last month had too few readers
}

// flow shows how the money flows, with the sums of the last closed month.
func (s *Server) flow(w http.ResponseWriter, r *http.Request) {
	policy, err := s.store.SettlementPolicy(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	last, err := s.closed.last(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := s.tongues.of(r)
	page := moneyPage{Min: flattr.MinBudget, Fee: t.percent(policy.FeeBP), Months: policy.PromiseMonths, Hours: int(policy.Grace.Hours()), Last: last}
	page.Share, _ = money.Split(flattr.MinBudget, 10)
	page.Slices = drawnParts(10)
	if last != nil && last.Readers < fewReaders {
		page.Last, page.Few = nil, true
	}
	s.render(w, r, http.StatusOK, "money", t.say("money.title"), page)
}

// lastMonth remembers the sums of the newest closed month: it never changes, and
// to sum it takes time.
type lastMonth struct {
	store *store.Store
	mu    sync.Mutex
	sums  flattr.ClosedMonth
}

// last is the newest closed month; nil where there is none.
func (l *lastMonth) last(ctx context.Context) (*flattr.ClosedMonth, error) {
	month, err := l.store.LastClosed(ctx)
	if err != nil || month == 0 {
		return nil, err
	}
	l.mu.Lock() // one visitor sums, the others wait for it
	defer l.mu.Unlock()
	if l.sums.Month != month {
		sums, err := l.store.ClosedMonth(ctx, month)
		if err != nil {
			return nil, fmt.Errorf("sum the last month: %w", err)
		}
		l.sums = sums
	}
	sums := l.sums
	return &sums, nil
}
