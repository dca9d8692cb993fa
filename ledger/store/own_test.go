package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// notTaken are tables with a column that names members of which nothing is
// handed over, and why.
var notTaken = map[string]string{
	"member":          "member.json",
	"profile":         "member.json",
	"flattr_id":       "member.json",
	"account":         "what transfers add up to",
	"counted":         "follows from the events",
	"snapshot_budget": "the statements of settled months",
	"snapshot_merged": "the statements of settled months",
	"snapshot_thing":  "the statements of settled months",
	"snapshot_part":   "the revenue of settled months",
	"earning":         "the revenue of settled months",
	"author_sum":      "the revenue of settled months",
	"claim":           "a claim that is verified is among the claims",
	"topup":           "the transfers",
	"topup_return":    "the transfers",
	"refund":          "the transfers",
	"oauth_code":      "a secret, and worth nothing after minutes",
	"link":            "a secret, and worth nothing after hours",
	"letter":          "waits to be sent, and is forgotten then",
	"page_proof":      "what the page of one of the things says in public",
	"hook_delivery":   "waits to be told to a partner, and is forgotten then",
}

// Whatever the ledger keeps of members they can take home: who adds a table says
// here or in own.go what is in it.
func TestEveryTableOfMembersIsTakenHome(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		queries := ""
		for _, table := range OwnTables() {
			for _, q := range table.queries {
				queries += q.text + "\n"
			}
		}
		tables, err := s.tables(t.Context(), s.dbs[0])
		if err != nil {
			t.Fatal(err)
		}
		naming := regexp.MustCompile(`^(member|reader|owner|author|minted_by|used_by|registrar|person|account_of)$`)
		for name := range tables {
			if strings.HasPrefix(name, "goose_") || strings.HasPrefix(name, "sqlite_") {
				continue
			}
			rows, err := s.dbs[0].QueryContext(t.Context(), "SELECT * FROM "+name+" LIMIT 0")
			if err != nil {
				t.Fatal(err)
			}
			columns, err := rows.Columns()
			if err := joinClose(rows, err); err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(columns, naming.MatchString) {
				continue
			}
			asked := regexp.MustCompile(`(FROM|JOIN) ` + name + `\b`).MatchString(queries)
			if _, known := notTaken[name]; !known && !asked {
				t.Errorf("the table %s (%s) names members, and they cannot take home what it says of them", name, strings.Join(columns, ", "))
			}
		}
		for _, secret := range []string{"password_hash", "secret", "public_key", "challenge", "token,"} {
			if strings.Contains(queries, secret) {
				t.Errorf("what members take home asks for %s", secret)
			}
		}
	})
}

func joinClose(rows *sql.Rows, err error) error {
	if closed := rows.Close(); err == nil {
		err = closed
	}
	return err
}

// ownLines reads a kind of thing as lines.
func ownLines(t *testing.T, s *Store, member flattr.MemberID, name string) (lines []string) {
	t.Helper()
	for _, table := range OwnTables() {
		if table.Name != name {
			continue
		}
		err := s.EachOwn(context.Background(), member, table, func(row []any) error {
			var cells []string
			for i, value := range row {
				if at, ok := value.(time.Time); ok {
					value = at.Format("01-02 15:04")
				}
				cells = append(cells, fmt.Sprintf("%s=%v", table.Columns[i].Name, value))
			}
			lines = append(lines, strings.Join(cells, " "))
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return lines
}

// A member takes home what is theirs, all of it and nothing of others.
func TestAMemberTakesHomeWhatIsTheirs(t *testing.T) {
	each(t, func(t *testing.T, s *Store) {
		ann, bob, eve := join(t, s, "ann", 50*money.Euro), join(t, s, "bob", 50*money.Euro), join(t, s, "eve", 50*money.Euro)
		now := at("10-02 12:00:00")
		own(t, s, "https://bob.example/own", bob)
		for i := range page + 5 { // more than are read at once
			record(t, s, now, ann, click(i+1, fmt.Sprintf("https://things.example/%d", i), now))
		}
		record(t, s, now, ann, undo(5001, 1, now.Add(time.Hour)))
		record(t, s, now, ann, undo(5002, 9999, now.Add(time.Hour))) // of a click that never came
		record(t, s, now, eve, click(6001, "https://bob.example/own", now))
		record(t, s, now, bob, click(6002, "https://bob.example/own", now)) // refused
		events := ownLines(t, s, ann, "events")
		if len(events) != page+7 {
			t.Errorf("ann has %d events, want %d", len(events), page+7)
		}
		slices.Sort(events)
		if len(slices.Compact(events)) != page+7 {
			t.Error("some events of ann came twice")
		}
		if got := ownLines(t, s, bob, "events"); len(got) != 1 || !strings.Contains(got[0], "result=refused code=flattr_owner") {
			t.Errorf("bob's events are %q", got)
		}
		want := []string{"code=welcome from=gift to=means micro=50000000", "code=hold from=means to=held micro=2000000 month=2026-10"}
		got := strings.Join(ownLines(t, s, eve, "transfers"), "\n")
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("eve's transfers are\n%s\nwant %q", got, text)
			}
		}
		if n := len(ownLines(t, s, eve, "transfers")); n != 2 {
			t.Errorf("eve has %d transfers:\n%s", n, got)
		}
		if got := ownLines(t, s, ann, "budgets"); len(got) != 1 || !strings.HasPrefix(got[0], "micro=2000000 at=10-01") {
			t.Errorf("ann's budgets are %q", got)
		}
		if got := ownLines(t, s, ann, "invites"); len(got) != flattr.InvitesPerMember {
			t.Errorf("ann's invites are %q", got)
		}
		if got := ownLines(t, s, bob, "things"); len(got) != 1 || !strings.Contains(got[0], "url=https://bob.example/own") {
			t.Errorf("bob's things are %q", got)
		}
		for _, table := range OwnTables() {
			for _, member := range []flattr.MemberID{ann, bob, eve} {
				ownLines(t, s, member, table.Name)
			}
		}
	})
}
