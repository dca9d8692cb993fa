package store

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"flattr/ledger/flattr"
)

// asked is a question of a member's own pages.
type asked struct {
	name  string
	query string
	args  []any
	all   string // the table that is read whole: that of months, which is small
}

// ownQuestions are all of them.
func ownQuestions() []asked {
	const member = flattr.MemberID(4711)
	bucket, reader, month := member.Bucket(), int64(member), int32(202610)
	first, last := accountsOf(member)
	questions := []asked{
		{"months", selectGivenMonths, []any{bucket, reader, month, int32(0), 24}, "month"},
		{"years", selectGivenYears, []any{bucket, reader}, "month"},
		{"what was given", selectGivenClicks, []any{month, bucket, reader}, ""},
		{"when", selectClickTimes, []any{month, bucket, reader}, ""},
		{"titles", selectClickTexts, []any{month, bucket, reader}, ""},
		{"paid clicks", selectPaidClicks, []any{month, bucket, reader}, ""},
		{"paid clicks, frozen", selectFrozenPaidClicks, []any{month, bucket, reader}, ""},
		{"clicks of a month", selectClicksOf, []any{month, bucket, reader}, ""},
		{"single clicks", selectTheClicks(2), []any{nothing, nothing, reader}, ""},
		{"names", selectNames + placeholders(1, 2), []any{reader, reader + 1}, ""},
		{"a statement", selectStatementClicks, []any{month, bucket, reader}, ""},
		{"how many promises", countWaitingPromises, []any{bucket, reader, month}, ""},
		{"promises", selectWaitingPromises, []any{bucket, reader, month, 40, 0}, ""},
		{"how many subscriptions", countSubscribed, []any{bucket, reader}, ""},
		{"subscriptions", selectSubscribed, []any{bucket, reader, 40, 0}, ""},
		{"what is held", selectAllHeld, []any{first[:], last[:]}, ""},
		{"what counts", countCountedOf, []any{month, bucket, reader}, ""},
		{"what counts, frozen", countFrozenCountedOf, []any{month, bucket, reader}, ""},
		{"clicks by month", selectClickMonths, []any{bucket, reader, int32(0), int32(0)}, "month"},
	}
	for _, table := range OwnTables() {
		for i, q := range table.queries {
			args := q.args(member)
			if q.monthly {
				args = append([]any{month}, args...)
			}
			for _, key := range q.first {
				if key == (accountEnd{}) {
					key = first[:]
				}
				args = append(args, key)
			}
			questions = append(questions, asked{fmt.Sprintf("own %s %d", table.Name, i), q.text, append(args, page), ""})
		}
	}
	return questions
}

// readsWhole finds in a plan the tables that are read whole.
var readsWhole = map[string]*regexp.Regexp{
	"sqlite":   regexp.MustCompile(`^SCAN (\w+)(?: AS \w+)?(?: USING .*)?$`),
	"postgres": regexp.MustCompile(`Seq Scan on (\w+)`),
}

// No question of a member's own pages reads what others have done: each is
// answered through an index, on both engines.
func TestOwnPagesReadNoTableWhole(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		explain, reads := "EXPLAIN QUERY PLAN ", readsWhole["sqlite"]
		if s.remote {
			explain, reads = "EXPLAIN ", readsWhole["postgres"] // the writers' connections use indexes wherever there are any
		}
		for _, q := range ownQuestions() {
			rows, err := s.dbs[0].QueryContext(t.Context(), explain+q.query, q.args...)
			if err != nil {
				t.Errorf("%s: %v", q.name, err)
				continue
			}
			var plan []string
			for rows.Next() {
				var a, b, c any
				var line string
				to := []any{&line}
				if !s.remote {
					to = []any{&a, &b, &c, &line}
				}
				if err := rows.Scan(to...); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, strings.TrimSpace(line))
			}
			if err := joinClose(rows, rows.Err()); err != nil {
				t.Fatal(err)
			}
			if len(plan) == 0 {
				t.Errorf("%s has no plan", q.name)
			}
			for _, line := range plan {
				found := reads.FindStringSubmatch(line)
				if found != nil && (q.all == "" || found[1] != q.all && found[1] != q.all[:1]) {
					t.Errorf("%s reads %s whole:\n%s", q.name, found[1], strings.Join(plan, "\n"))
				}
			}
		}
	})
}
