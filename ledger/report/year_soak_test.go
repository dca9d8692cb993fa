//go:build soak

package report_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/report"
	"flattr/ledger/store/storetest"
)

// The year of a newspaper: so many readers, each with so many clicks a month.
const (
	yearReaders = 16_000
	yearAuthors = 600
	yearThings  = 6_000
	yearClicks  = 30 // of a reader in a month
	yearMonths  = 12
	yearBudget  = 3*money.Euro + 1
	yearBegins  = flattr.Month(202601)

	readersVariable = "FLATTR_YEAR_READERS" // another number of readers
)

// TestSoakTheAuditOfAYearIsClean makes the log of a year, settles its months
// and proves all of it.
func TestSoakTheAuditOfAYearIsClean(t *testing.T) {
	readers := yearReaders
	if text := os.Getenv(readersVariable); text != "" {
		var err error
		if readers, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", readersVariable, err)
		}
	}
	storetest.Each(t, func(t *testing.T, where string) {
		ctx := context.Background()
		s := open(t, where)
		clock := time.Now()
		lap := func(what string, n int) {
			took := time.Since(clock)
			t.Logf("%s: %d clicks in %.1f s, %.0f clicks/s", what, n, took.Seconds(), float64(n)/took.Seconds())
			clock = time.Now()
		}
		clicks := makeYear(t, where, readers)
		lap("made", clicks)
		for i, month := 0, yearBegins; i < yearMonths; i, month = i+1, month.Next() {
			settle(t, s, month)
		}
		lap("settled", clicks)
		var found strings.Builder
		peak, stop := watchMemory()
		err := report.Audit(ctx, s, &found, t.Logf)
		stop()
		if err != nil {
			t.Fatalf("audit: %v\n%s", err, found.String())
		}
		lap("proved", clicks)
		t.Logf("the audit's heap was %d MB at most", peak()>>20)
	})
}

// watchMemory looks at the heap until it is stopped.
func watchMemory() (peak func() uint64, stop func()) {
	var most uint64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapSys)
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}()
	return func() uint64 { return most }, func() { close(end); <-ended }
}

// rows takes the rows of a table, many at once.
type rows struct {
	t       *testing.T
	conn    *sql.Conn
	table   string
	columns []string
	copies  bool // into PostgreSQL
	waiting [][]any
}

func (r *rows) add(values ...any) {
	if r.waiting = append(r.waiting, values); len(r.waiting) == cap(r.waiting) {
		r.flush()
	}
}

func (r *rows) flush() {
	var err error
	switch {
	case len(r.waiting) == 0:
	case r.copies:
		err = r.conn.Raw(func(raw any) error {
			_, err := raw.(*stdlib.Conn).Conn().CopyFrom(context.Background(), pgx.Identifier{r.table}, r.columns, pgx.CopyFromRows(r.waiting))
			return err
		})
	default:
		one := "(?" + strings.Repeat(", ?", len(r.columns)-1) + ")"
		var args []any
		for _, row := range r.waiting {
			args = append(args, row...)
		}
		_, err = r.conn.ExecContext(context.Background(), "INSERT INTO "+r.table+" ("+strings.Join(r.columns, ", ")+") VALUES "+
			one+strings.Repeat(", "+one, len(r.waiting)-1), args...)
	}
	if err != nil {
		r.t.Fatalf("fill %s: %v", r.table, err)
	}
	r.waiting = r.waiting[:0]
}

// longYear is the log of a year being made, past the store: the way of each click is
// measured elsewhere.
type longYear struct {
	t      *testing.T
	conn   *sql.Conn
	copies bool
	tables []*rows
	random *rand.Rand

	members, budgets, things, months, events, counted, accounts, transfers *rows
}

func (y *longYear) table(name string, columns ...string) *rows {
	r := &rows{t: y.t, conn: y.conn, table: name, columns: columns, copies: y.copies, waiting: make([][]any, 0, 30_000/len(columns))}
	y.tables = append(y.tables, r)
	return r
}

// makeYear fills a ledger and answers how many clicks its log has.
func makeYear(t *testing.T, where string, readers int) int {
	ctx := context.Background()
	conn, err := storetest.DB(t, where).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	y := &longYear{t: t, conn: conn, copies: strings.HasPrefix(where, "postgres"), random: rand.New(rand.NewPCG(7, 7))}
	y.members = y.table("member", "bucket", "id", "name", "name_key", "password_hash", "language", "since")
	y.budgets = y.table("budget", "bucket", "member", "seq", "amount", "at")
	y.things = y.table("thing", "id", "key", "url", "title", "description", "category", "language", "tags", "hidden", "owner", "asserted", "since")
	y.months = y.table("month", "month", "state", "next_bucket")
	y.events = y.table("event", "id", "kind", "bucket", "reader", "at", "arrived", "month", "thing", "late", "click", "body", "result", "code", "place")
	y.counted = y.table("counted", "month", "bucket", "reader", "thing", "click", "late")
	y.accounts = y.table("account", "id", "kind", "owner", "month", "currency", "debits", "credits")
	y.transfers = y.table("transfer", "id", "debit_account", "credit_account", "amount", "code", "batch", "at")
	if !y.copies {
		exec(t, conn, "PRAGMA cache_size = -500000")
	}
	exec(t, conn, "BEGIN")
	clicks := y.fill(readers)
	for _, table := range y.tables {
		table.flush()
	}
	exec(t, conn, "COMMIT")
	return clicks
}

func exec(t *testing.T, conn *sql.Conn, statement string) {
	if _, err := conn.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

func (y *longYear) member(name string) flattr.MemberID {
	id := flattr.MemberID(y.random.Int64N(flattr.MaxID) + 1)
	y.members.add(id.Bucket(), int64(id), name, name, "", "en", 0)
	y.budgets.add(id.Bucket(), int64(id), 1, int64(yearBudget), 0)
	return id
}

func (y *longYear) fill(readers int) (clicks int) {
	var authors []flattr.MemberID
	for i := range yearAuthors {
		authors = append(authors, y.member(fmt.Sprintf("author%d", i)))
	}
	var things []flattr.ThingID
	for i := range yearThings {
		id := flattr.ThingID(y.random.Int64N(flattr.MaxID) + 1)
		var owner any
		if i%20 > 0 {
			owner = int64(authors[i%len(authors)])
		}
		key := fmt.Sprintf("t.example/%d", i)
		y.things.add(int64(id), key, "https://"+key, "A thing", "", "", "", "", 0, owner, "", 0)
		things = append(things, id)
	}
	for i, month := 0, yearBegins; i < yearMonths; i, month = i+1, month.Next() {
		y.months.add(int64(month), "open", 0)
	}
	all := money.Micro(0)
	for i := range readers {
		clicks += y.reader(y.member(fmt.Sprintf("reader%d", i)), things)
		all += yearMonths * yearBudget
	}
	bank := book.Account{Kind: book.Bank}.ID()
	y.accounts.add(bank[:], "bank", 0, 0, "EUR", int64(all), 0)
	return clicks
}

// reader makes the clicks of a reader, a tenth of them undone or doubled, and
// holds what pays for them.
func (y *longYear) reader(id flattr.MemberID, things []flattr.ThingID) (clicks int) {
	means := book.Account{Kind: book.Means, Bucket: id.Bucket(), Owner: int64(id)}
	y.transfer(book.New(fmt.Sprintf("member:%d", id), book.Opening, book.Account{Kind: book.Bank}, means, means, yearMonths*yearBudget))
	meansID := means.ID()
	y.accounts.add(meansID[:], "means", int64(id), 0, "EUR", int64(yearMonths*yearBudget), int64(yearMonths*yearBudget))
	for i, month := 0, yearBegins; i < yearMonths; i, month = i+1, month.Next() {
		held := book.Account{Kind: book.Held, Bucket: id.Bucket(), Owner: int64(id), Month: int32(month)}
		heldID := held.ID()
		y.transfer(book.New(fmt.Sprintf("%s %d", month, id), book.Hold, means, held, held, yearBudget))
		y.accounts.add(heldID[:], "held", int64(id), int64(month), "EUR", 0, int64(yearBudget))
		first := y.random.IntN(len(things))
		for j := range yearClicks {
			thing := things[(first+j*j*7)%len(things)]
			at := month.Start().Add(time.Duration(1+j) * 20 * time.Hour).UnixMicro()
			click := y.event(flattr.KindClick, id, month, thing, at, nil, "accepted", "")
			clicks++
			switch {
			case j > 0 && y.random.IntN(20) == 0:
				y.event(flattr.KindUndo, id, 0, 0, at+1_000_000, click[:], "accepted", "")
				continue
			case y.random.IntN(20) == 0:
				y.event(flattr.KindClick, id, month, thing, at+1_000_000, nil, "duplicate", "flattr_once")
				clicks++
			}
			y.counted.add(int64(month), id.Bucket(), int64(id), int64(thing), click[:], 0)
		}
	}
	return clicks
}

func (y *longYear) event(kind flattr.Kind, reader flattr.MemberID, month flattr.Month, thing flattr.ThingID, at int64, click []byte, result, code string) flattr.EventID {
	var id flattr.EventID
	binary.BigEndian.PutUint64(id[:], uint64(at/1000)<<16|0x7000|uint64(y.random.IntN(0x1000)))
	binary.BigEndian.PutUint64(id[8:], y.random.Uint64()&^(1<<62)|1<<63)
	body := sha256.Sum256(id[:])
	var in, on, place any
	if month != 0 {
		in, on, place = int64(month), int64(thing), flattr.Place(month, id)
	}
	y.events.add(id[:], string(kind), reader.Bucket(), int64(reader), at, at, in, on, 0, click, body[:], result, code, place)
	return id
}

func (y *longYear) transfer(t book.Transfer) {
	debit, credit := t.Debit.ID(), t.Credit.ID()
	y.transfers.add(t.ID[:], debit[:], credit[:], int64(t.Amount), string(t.Code), t.Batch, 0)
}
