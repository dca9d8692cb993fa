package report_test

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
	"testing"

	"flattr/ledger/store/storetest"
)

// damages are what could happen to a database beside the ledger, and what the
// audit says to each. {id} is an id that is free.
var damages = []struct{ name, statement, want string }{
	{"a balance", `UPDATE account SET debits = debits + 1 WHERE kind = 'bank'`, `account \w+ \(bank of 0\) has debits`},
	{"money on two accounts, transfers untouched", `UPDATE account SET credits = credits + 1 WHERE kind IN ('means', 'fee')`, `account \w+ \(means of \d+\) has debits`},
	{"an event taken out", `DELETE FROM event WHERE kind = 'undo'`, `2026-10, reader \d+, thing \d+: click a0+-0000-4000-8000-000000000004 .* by the log it is`},
	{"an undo before its click", `UPDATE event SET at = at - 86400000000 * 30 WHERE kind = 'undo'`, ``},
	{"an undo after the click that counts", `UPDATE event SET at = at + 86400000000 * 2 WHERE kind = 'undo'`, `kept as one that counts, which by the log it is not`},
	{
		"a click moved by a microsecond, where that changes what counts",
		`UPDATE event SET at = (SELECT u.at - 1 FROM event u WHERE u.kind = 'undo') WHERE kind = 'click' AND arrived = 1791453600000000`,
		`reader \d+, thing \d+: click`,
	},
	{"a click moved into another month", `UPDATE event SET at = at - 86400000000 * 31, arrived = arrived - 86400000000 * 31 WHERE kind = 'click' AND late = 0 AND month = 202611`, `does not belong into 2026-11`},
	{"a click that arrived too late", `UPDATE event SET arrived = arrived + 86400000000 * 40 WHERE kind = 'click' AND late = 0 AND month = 202610`, `does not belong into 2026-10`},
	{"a void taken out", `DELETE FROM event WHERE kind = 'void'`, `2026-10, reader \d+, thing \d+: click a0+-0000-4000-8000-00000000000b .* by the log it is`},
	{"a click of another reader", `UPDATE event SET reader = reader + 1 WHERE kind = 'click' AND month = 202701`, `2027-01: the log has clicks of reader \d+, who is no member`},
	{"a place in the order of units", `UPDATE event SET place = place + 1 WHERE month = 202610`, `click \S+ has the place`},
	{"a place that is missing", `UPDATE event SET place = NULL WHERE month = 202701`, `has the place 0 \(known: false\)`},
	{"a counted click taken out", `DELETE FROM counted WHERE month = 202610 AND thing = (SELECT id FROM thing WHERE url = 'https://cyd.example/1')`, `2026-10, reader \d+, thing \d+: click .* by the log it is`},
	{"a counted click of another id", `UPDATE counted SET click = (SELECT id FROM event WHERE kind = 'undo') WHERE month = 202701 AND thing = (SELECT id FROM thing WHERE url = 'https://cyd.example/1')`, `2027-01, reader \d+, thing \d+: click`},
	{"a merged click that counts", `DELETE FROM snapshot_merged`, `2026-10, reader \d+, thing \d+: click \S+ \(gave way at the freeze: 1\)`},
	{"an alias in the snapshot", `UPDATE snapshot_thing SET target = NULL WHERE target IS NOT NULL`, `2026-10.*click a0+-0000-4000-8000-000000000003`},
	{"a budget of the snapshot", `UPDATE snapshot_budget SET budget = budget + 1 WHERE month = 202610 AND budget = 2000000`, `2026-10: reader \d+ must give 2000000`},
	{"a budget of the snapshot taken out", `DELETE FROM snapshot_budget WHERE month = 202611`, `2026-11: reader \d+ must give`},
	{"the history of budgets", `UPDATE budget SET amount = 3000000 WHERE amount = 4000000`, `2026-10: reader \d+ must give 3000000 .* says 4000000`},
	{"an owner in the snapshot", `UPDATE snapshot_thing SET owner = NULL WHERE month = 202611 AND owner = (SELECT id FROM member WHERE name = 'eve')`, `2026-11: thing \d+ gets`},
	{"another owner in the snapshot", `UPDATE snapshot_thing SET owner = (SELECT id FROM member WHERE name = 'ben') WHERE month = 202611 AND owner = (SELECT id FROM member WHERE name = 'eve')`, `2026-11: thing \d+ brings author`},
	{"a thing of the snapshot taken out", `DELETE FROM snapshot_thing WHERE month = 202610 AND thing = (SELECT id FROM thing WHERE url = 'https://dan.example/1')`, `2026-10: thing \d+ is clicked and the snapshot does not have it`},
	{"a part of the snapshot", `UPDATE snapshot_part SET bp = bp + CASE position WHEN 1 THEN 1 ELSE -1 END WHERE month = 202610`, `2026-10: thing \d+ brings author`},
	{"parts that do not add up", `UPDATE snapshot_part SET bp = bp + 1 WHERE month = 202612`, `2026-12: the 2 parts of thing \d+ sum to 10002`},
	{"a sum of a thing", `UPDATE thing_sum SET gross = gross + 1 WHERE month = 202610`, `2026-10: thing \d+ gets \d+ for`},
	{"a sum of a thing taken out", `DELETE FROM thing_sum WHERE month = 202611 AND thing = (SELECT id FROM thing WHERE url = 'https://eve.example/')`, `2026-11: thing \d+ gets \d+ for 1 clicks .* kept are 0 for 0`},
	{"a sum for things that nobody clicked", `INSERT INTO thing_sum (month, bucket, thing, clicks, gross) SELECT 202611, 4095, id, 0, 0 FROM thing WHERE url = 'https://late.example/'`, `2026-11: thing \d+ brings author nothing 0`},
	{"an earning", `UPDATE earning SET gross = gross + 1 WHERE month = 202610`, `2026-10: thing \d+ brings author \d+`},
	{"clicks of an earning", `UPDATE earning SET clicks = clicks + 1 WHERE month = 202611`, `2026-11: thing \d+ brings author \d+`},
	{"a sum of an author", `UPDATE author_sum SET gross = gross + 1, net = net + 1 WHERE month = 202610`, `2026-10: author \d+ earns`},
	{"an author's clicks", `UPDATE author_sum SET clicks = clicks + 1 WHERE month = 202611`, `2026-11: author \d+ earns`},
	{"a sum of an author who earned nothing", `INSERT INTO author_sum (month, author, clicks, gross, fee, net) SELECT 202611, id, 0, 0, 0, 0 FROM member WHERE name = 'ann'`, `2026-11: author \d+ earns 0 less 0 for 0 clicks \(0\), kept are 0 less 0 for 0 \(1\)`},
	{"the fee of a month", `UPDATE month SET fee_bp = fee_bp + 1 WHERE month = 202611`, `2026-11: the policy fee_bp of 701 was not in force`},
	{"how long promises of a month live", `UPDATE month SET promise_months = promise_months + 1 WHERE month = 202610`, `2026-10: the policy promise_months of 7 was not in force`},
	{"the largest budget of a month", `UPDATE month SET max_budget = max_budget + 1 WHERE month = 202610`, `2026-10: the policy max_budget of 100000001 was not in force`},
	{"the grace of a month", `UPDATE month SET grace_hours = grace_hours - 1 WHERE month = 202610`, `2026-10 was frozen after a grace of 71 hours`},
	{"a month frozen in its grace", `UPDATE month SET frozen_at = frozen_at - 1 WHERE month = 202610`, `2026-10 took clicks until 2026-11-04`},
	{"clicks in a bucket that is none", `INSERT INTO counted (month, bucket, reader, thing, click, late) SELECT month, bucket + 4096, reader, thing, click, late FROM counted WHERE month = 202610`, `kept as one that counts, which by the log it is not`},
	{"budgets in a bucket that is none", `INSERT INTO snapshot_budget (month, bucket, reader, budget) SELECT month, bucket - 4096, reader, budget FROM snapshot_budget WHERE month = 202610`, `2026-10: reader \d+ must give`},
	{"a closed month that is open", `UPDATE month SET state = 'open', frozen_at = NULL WHERE month = 202611`, `2026-11 is open, and has been frozen`},
	{"a closed month that is frozen", `UPDATE month SET state = 'frozen' WHERE month = 202611`, `2026-11, which is frozen: \d+ postings are booked, of which 0 are right`},
	{"a closed month that is posted, to hide a damage", `UPDATE month SET state = 'posted' WHERE month = 202610; UPDATE earning SET gross = gross + 1 WHERE month = 202610`, `2026-10: thing \d+ brings author`},
	{"a closed month that is computed, and a posting", `UPDATE month SET state = 'computed' WHERE month = 202610; UPDATE transfer SET amount = amount + 1 WHERE code = 'earn' AND batch = '2026-10'`, `2026-10, which is computed: \d+ postings are booked`},
	{"a month taken out", `DELETE FROM month WHERE month = 202610`, `2026-10 has clicks, sums or accounts, and nothing says`},
	{"a month computed in part", `UPDATE month SET next_bucket = 7 WHERE month = 202610`, `2026-10 is closed, and was computed up to bucket 7`},
	{"a month computed beyond the last bucket", `UPDATE month SET next_bucket = 4097 WHERE month = 202610`, `2026-10 is closed, and was computed up to bucket 4097`},
	{"an open month computed in part", `UPDATE month SET next_bucket = 1 WHERE month = 202701`, `2027-01 is open, and has been frozen or computed`},
	{"parts of today that do not add up", `UPDATE parts_author SET bp = bp + 1 WHERE position = 1`, `the 2 parts of cyd.example/2 sum to 10001`},
	{"the first of the parts of today", `UPDATE parts_author SET position = position + 1 WHERE position = 2`, `the 2 parts of cyd.example/2 sum to 10000`},
	{"a promise taken out", `DELETE FROM promise WHERE month = 202612`, `2026-12: click a0+-0000-4000-8000-000000000010 of reader \d+ on thing \d+ is a promise, and is not kept so`},
	{"a promise of another time", `UPDATE promise SET at = at + 1 WHERE month = 202612`, `2026-12: click \S+ of reader \d+ on thing \d+ is a promise, and is not kept so`},
	{"a promise that is none", `INSERT INTO promise (thing, bucket, reader, month, click, at, state) SELECT thing, bucket, reader, month, click, 1, 'waiting' FROM counted WHERE month = 202612 AND thing = (SELECT id FROM thing WHERE url = 'https://cyd.example/2')`, `is kept as a promise of 2026-12, and is none`},
	{"a promise that became nothing", `UPDATE promise SET became = NULL WHERE state = 'kept'`, `the promise of click \S+ is kept, and what it became is no click`},
	{"a transfer", `UPDATE transfer SET amount = amount + 1 WHERE code = 'earn' AND batch = '2026-11'`, `2026-11: member \d+ must have a transfer earn of \d+, which is not booked so`},
	{"a transfer and its accounts", `UPDATE transfer SET amount = amount + 1 WHERE code = 'charge' AND batch = '2026-11'; UPDATE account SET credits = credits + (SELECT COUNT(*) FROM transfer WHERE code = 'charge' AND batch = '2026-11') WHERE kind = 'fee'; UPDATE account SET debits = debits + (SELECT COUNT(*) FROM transfer WHERE code = 'charge' AND batch = '2026-11') WHERE kind = 'clearing' AND month = 202611`, `account \w+ \(clearing of 0, month 202611 closed\) is at -`},
	{"a hold of another id", `UPDATE transfer SET id = {id} WHERE id IN (SELECT id FROM transfer WHERE code = 'hold' ORDER BY at LIMIT 1)`, `transfer 0+-0000-0000-0000-000000000001 is not the hold for`},
	{"a hold with another code", `UPDATE transfer SET code = 'raise' WHERE code = 'hold'`, `is not the raise for`},
	{"a transfer for another cause", `UPDATE transfer SET batch = 'x' WHERE code = 'release'`, `is not the release for x`},
	{"money from the means of one to those of another", `INSERT INTO transfer (id, debit_account, credit_account, amount, code, batch, at) SELECT {id}, d.id, c.id, 5, 'release', 'x', 1 FROM account d, account c WHERE d.kind = 'means' AND d.owner = (SELECT id FROM member WHERE name = 'ann') AND c.kind = 'means' AND c.owner = (SELECT id FROM member WHERE name = 'ben'); UPDATE account SET debits = debits + 5 WHERE kind = 'means' AND owner = (SELECT id FROM member WHERE name = 'ann'); UPDATE account SET credits = credits + 5 WHERE kind = 'means' AND owner = (SELECT id FROM member WHERE name = 'ben')`, `\(release\) goes from means of \d+ to means of \d+, which are not the accounts for it`},
	{"a top-up that is not booked", `INSERT INTO topup (ref, member, amount, at) SELECT 'BANK-9', id, 1000000, 1 FROM member WHERE name = 'ann'`, `ref:BANK-9: 1000000 micro-EUR for member \d+ are a top-up that is not booked so`},
	{"a top-up that nobody told of", `DELETE FROM topup WHERE ref = 'BANK-1'`, `ref:BANK-1: 5000000 micro-EUR for member \d+ are booked as a top-up that nobody told of`},
	{"a return that nobody told of", `DELETE FROM topup_return`, `top-ups of 0 micro-EUR of member \d+ were taken back, 6000000 are booked`},
	{"a return above the top-up", `UPDATE topup_return SET amount = amount + 1`, `top-up "BANK-2" was taken back with 6000001`},
	{"a refund that is not booked", `UPDATE refund SET amount = amount + 1`, `1500001 micro-EUR were paid back to member \d+, 1500000 are booked`},
	{"what is held in an open month", `UPDATE budget SET amount = 2000001 WHERE amount = 2000000 AND member = (SELECT id FROM member WHERE name = 'ann')`, `2027-01, which is open: 2000000 are held for reader \d+, by the log it must be 2000001`},
	{"what is held for nothing", `DELETE FROM event WHERE month = 202701; DELETE FROM counted WHERE month = 202701`, `2027-01, which is open: 2000000 are held for reader \d+, by the log it must be 0`},
	{"what is held in a frozen month", `UPDATE snapshot_budget SET budget = 1 WHERE month = 202612 AND budget > 0`, `2026-12, which is not posted: \d+ are held for reader \d+, by the snapshot it must be 1`},
	{"an account of another owner", `UPDATE account SET owner = owner + 1 WHERE kind = 'receivable'`, `account \w+ is not the receivable of \d+`},
	{"a member taken out", `DELETE FROM member WHERE name = 'eve'`, `owners of things, claims, parts or accounts are no members`},
	{"a member in another bucket", `UPDATE member SET bucket = (bucket + 1) % 4096 WHERE name = 'dan'`, `member \d+ is kept in bucket \d+ instead of \d+`},
	{"a reversal of nothing", `UPDATE transfer SET reverses = {id} WHERE code = 'refund'`, `reverses none of that amount the other way`},
	{"other names", `UPDATE member SET name = 'x' || name, name_key = 'x' || name_key`, ``},
	{"other owners today", `UPDATE thing SET owner = (SELECT id FROM member WHERE name = 'ben') WHERE owner IS NOT NULL`, ``},
}

// breakRows changes rows as no part of the ledger would: past its triggers and
// checks.
func breakRows(t *testing.T, where, statement string) {
	t.Helper()
	db := storetest.DB(t, where)
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	free, opening := `x'00000000000000000000000000000001'`, []string{"PRAGMA ignore_check_constraints = 1"}
	if strings.HasPrefix(where, "postgres") {
		free = `'\x00000000000000000000000000000001'::bytea`
		opening = append([]string{"SET session_replication_role = replica"}, names(t, conn,
			`SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT "' || conname || '"' FROM pg_constraint WHERE contype = 'c' AND conrelid = 'account'::regclass`)...)
	} else {
		opening = append(opening, names(t, conn, `SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'`)...)
	}
	changed := int64(0)
	for _, st := range append(opening, strings.Split(strings.ReplaceAll(statement, "{id}", free), "; ")...) {
		result, err := conn.ExecContext(ctx, st)
		if err != nil {
			t.Fatalf("%s: %v", st, err)
		}
		changed, _ = result.RowsAffected()
	}
	if changed == 0 {
		t.Fatalf("nothing was damaged by %s", statement)
	}
}

func names(t *testing.T, conn *sql.Conn, query string) (all []string) {
	t.Helper()
	rows, err := conn.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAuditFindsEachDamage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, where string) {
		load(t, where, year, 202610, 202611)
		if found := audit(t, storetest.Copy(t, where)); found != "" {
			t.Fatalf("of a ledger that nobody damaged, the audit says\n%s", found)
		}
		for _, d := range damages {
			t.Run(d.name, func(t *testing.T) {
				copied := storetest.Copy(t, where)
				breakRows(t, copied, d.statement)
				found := audit(t, copied)
				if d.want == "" && found != "" {
					t.Errorf("the audit finds\n%s", found)
				}
				if !regexp.MustCompile(d.want).MatchString(found) {
					t.Errorf("the audit finds\n%s\nnot %s", found, d.want)
				}
			})
		}
	})
}
