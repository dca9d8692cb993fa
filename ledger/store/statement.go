package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// What statements read. Names are those of today; everything else of a closed
// month is as its snapshot says.

const selectWritten = `SELECT id, name FROM member WHERE name_key = $1`

// Named is the member of a name, also one that was deleted, as its name is
// written. It refuses with not_found a name that nobody has.
func (tx *Tx) Named(name string) (id flattr.MemberID, written string, err error) {
	err = tx.row(selectWritten, flattr.NameKey(name)).Scan(&id, &written)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", unknownMember(name)
	}
	if err != nil {
		return 0, "", fmt.Errorf("read member: %w", err)
	}
	return id, written, nil
}

const selectReadersByName = `
SELECT b.reader, m.name, b.budget
FROM member m JOIN snapshot_budget b ON b.month = $1 AND b.bucket = m.bucket AND b.reader = m.id
WHERE m.name > $2 ORDER BY m.name LIMIT $3`

// ReadersByName is the next page of a frozen month's readers in the order of
// names, after a name; "" begins.
func (tx *Tx) ReadersByName(month flattr.Month, after string) ([]ReaderBudget, error) {
	var readers []ReaderBudget
	err := tx.each(selectReadersByName, func(rows *sql.Rows) error {
		var r ReaderBudget
		err := rows.Scan(&r.Reader, &r.Name, &r.Budget)
		readers = append(readers, r)
		return err
	}, int32(month), after, page)
	if err != nil {
		return nil, fmt.Errorf("read readers of %s: %w", month, err)
	}
	return readers, nil
}

// Gives is what a reader gives in a frozen month; nothing where the reader has
// no click in it.
func (tx *Tx) Gives(month flattr.Month, reader flattr.MemberID) (budget money.Micro, err error) {
	err = tx.row(selectSnapshotBudget, int32(month), reader.Bucket(), int64(reader)).Scan(&budget)
	if err = ignoreNone(err); err != nil {
		return 0, fmt.Errorf("read budget of %s: %w", month, err)
	}
	return budget, nil
}

const selectAuthorsByName = `
SELECT a.author, m.name, a.clicks, a.gross, a.fee, a.net
FROM member m JOIN author_sum a ON a.month = $1 AND a.author = m.id
WHERE m.name > $2 ORDER BY m.name LIMIT $3`

// AuthorsByName is AuthorSums in the order of names.
func (tx *Tx) AuthorsByName(month flattr.Month, after string) ([]AuthorSum, error) {
	return tx.authorSums(month, selectAuthorsByName, int32(month), after, page)
}

const selectAuthorSum = `
SELECT author, '', clicks, gross, fee, net FROM author_sum WHERE month = $1 AND author = $2`

// AuthorSum is what one author earns in a month; zero where it is nothing.
func (tx *Tx) AuthorSum(month flattr.Month, author flattr.MemberID) (AuthorSum, error) {
	sums, err := tx.authorSums(month, selectAuthorSum, int32(month), int64(author))
	if err != nil || len(sums) == 0 {
		return AuthorSum{Author: author}, err
	}
	return sums[0], nil
}

// StatementClick is a click of a reader as a statement names it, on the thing
// after aliases.
type StatementClick struct {
	ID        flattr.EventID
	At        time.Time
	Thing     flattr.ThingID
	URL       string
	Title     string
	Owner     flattr.MemberID // 0: a promise
	OwnerName string
	Authors   int // that share what the thing gets, where they are more than one; else 0
	Late      bool
}

const selectStatementClicks = `
SELECT c.click, e.at, t.id, t.url, t.title, COALESCE(o.owner, 0), COALESCE(m.name, ''),
       (SELECT COUNT(*) FROM snapshot_part p WHERE p.month = o.month AND p.thing = t.id), c.late
FROM counted c
JOIN event e ON e.id = c.click
JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing
JOIN thing t ON t.id = COALESCE(o.target, o.thing)
LEFT JOIN member m ON m.id = o.owner
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 ORDER BY c.click`

// StatementClicks are the clicks of a reader that count in a frozen month, in
// the order of their ids.
func (tx *Tx) StatementClicks(month flattr.Month, reader flattr.MemberID) ([]StatementClick, error) {
	var clicks []StatementClick
	err := tx.each(selectStatementClicks, func(rows *sql.Rows) error {
		var c StatementClick
		var at int64
		err := scanID(rows, &c.ID, &at, &c.Thing, &c.URL, &c.Title, &c.Owner, &c.OwnerName, &c.Authors, &c.Late)
		c.At = timeOf(at)
		clicks = append(clicks, c)
		return err
	}, int32(month), reader.Bucket(), int64(reader))
	if err != nil {
		return nil, fmt.Errorf("read clicks of a reader in %s: %w", month, err)
	}
	return clicks, nil
}

// Part is what a thing with several authors brings one of them in a month.
type Part struct {
	Thing  flattr.ThingID
	URL    string
	Author string
	BP     int
	Gross  money.Micro
}

const selectPaidParts = `
SELECT p.thing, t.url, m.name, SUM(p.bp), e.gross
FROM snapshot_part p
JOIN earning e ON e.month = p.month AND e.author = p.author AND e.thing = p.thing
JOIN thing t ON t.id = p.thing
JOIN member m ON m.id = p.author
WHERE p.month = $1 AND e.clicks > 0 GROUP BY p.thing, t.url, m.name, e.gross ORDER BY t.url, m.name`

// EachPart hands over what the things of a closed month with several authors
// bring them, in the order of URL and name.
func (tx *Tx) EachPart(month flattr.Month, use func(Part) error) error {
	err := tx.each(selectPaidParts, func(rows *sql.Rows) error {
		var p Part
		if err := rows.Scan(&p.Thing, &p.URL, &p.Author, &p.BP, &p.Gross); err != nil {
			return err
		}
		return use(p)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read parts of %s: %w", month, err)
	}
	return nil
}

// Earned is what a thing brings one of its authors in a closed month.
type Earned struct {
	flattr.RevenueThing
	Total int // clicks in all closed months
}

const selectEarnedThings = `
SELECT e.thing, t.url, t.title, e.clicks, e.gross, CAST((
    SELECT SUM(a.clicks) FROM earning a JOIN month m ON m.month = a.month
    WHERE a.author = e.author AND a.thing = e.thing AND m.state = 'closed'
) AS BIGINT)
FROM earning e JOIN thing t ON t.id = e.thing
WHERE e.month = $1 AND e.author = $2 ORDER BY e.gross / 10000 DESC, e.thing`

// EachEarned hands over what the things of an author bring in a closed month:
// what is most in whole cents first, ties by id.
func (tx *Tx) EachEarned(month flattr.Month, author flattr.MemberID, use func(Earned) error) error {
	err := tx.each(selectEarnedThings, func(rows *sql.Rows) error {
		var e Earned
		if err := rows.Scan(&e.ID, &e.URL, &e.Title, &e.Clicks, &e.Gross, &e.Total); err != nil {
			return err
		}
		return use(e)
	}, int32(month), int64(author))
	if err != nil {
		return fmt.Errorf("read revenue of %s: %w", month, err)
	}
	return nil
}

const selectEarnedMonths = `
SELECT a.month FROM author_sum a JOIN month m ON m.month = a.month
WHERE a.author = $1 AND m.state = 'closed' ORDER BY a.month`

// EarnedMonths are the closed months in which an author earned something.
func (tx *Tx) EarnedMonths(author flattr.MemberID) ([]flattr.Month, error) {
	return tx.monthsBy(selectEarnedMonths, int64(author))
}

// monthsBy are the months that a query answers.
func (tx *Tx) monthsBy(query string, args ...any) ([]flattr.Month, error) {
	var months []flattr.Month
	err := tx.each(query, func(rows *sql.Rows) error {
		var m flattr.Month
		err := rows.Scan(&m)
		months = append(months, m)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read months: %w", err)
	}
	return months, nil
}

// MonthSums are the sums of a closed month.
type MonthSums struct {
	Readers, Clicks, Empty, Promises, Authors int // Empty: readers with promises only
	Budget, Net, Fee                          money.Micro
}

const sumReaders = `
SELECT COUNT(*), COALESCE(SUM(CASE budget WHEN 0 THEN 1 ELSE 0 END), 0), CAST(COALESCE(SUM(budget), 0) AS BIGINT)
FROM snapshot_budget WHERE month = $1`

const sumClicks = `
SELECT COALESCE(SUM(CASE WHEN t.owner IS NULL THEN 0 ELSE 1 END), 0), COALESCE(SUM(CASE WHEN t.owner IS NULL THEN 1 ELSE 0 END), 0)
FROM counted c JOIN snapshot_thing t ON t.month = c.month AND t.thing = c.thing WHERE c.month = $1`

const sumAuthors = `
SELECT COUNT(*), CAST(COALESCE(SUM(net), 0) AS BIGINT), CAST(COALESCE(SUM(fee), 0) AS BIGINT) FROM author_sum WHERE month = $1`

// MonthSums sums a closed month.
func (tx *Tx) MonthSums(month flattr.Month) (sums MonthSums, err error) {
	err = errors.Join(
		tx.row(sumReaders, int32(month)).Scan(&sums.Readers, &sums.Empty, &sums.Budget),
		tx.row(sumClicks, int32(month)).Scan(&sums.Clicks, &sums.Promises),
		tx.row(sumAuthors, int32(month)).Scan(&sums.Authors, &sums.Net, &sums.Fee),
	)
	if err != nil {
		return sums, fmt.Errorf("sum %s: %w", month, err)
	}
	return sums, nil
}

const sumPostings = `
SELECT CAST(COALESCE(SUM(CASE code WHEN 'give' THEN amount ELSE 0 END), 0) AS BIGINT),
       CAST(COALESCE(SUM(CASE code WHEN 'earn' THEN amount ELSE 0 END), 0) AS BIGINT),
       CAST(COALESCE(SUM(CASE code WHEN 'charge' THEN amount ELSE 0 END), 0) AS BIGINT)
FROM transfer WHERE batch = $1 AND code IN ('give', 'earn', 'charge')`

// Posted sums the postings of a month: what readers gave, what authors got, and
// the fee.
func (tx *Tx) Posted(month flattr.Month) (given, net, fee money.Micro, err error) {
	if err := tx.row(sumPostings, month.String()).Scan(&given, &net, &fee); err != nil {
		return 0, 0, 0, fmt.Errorf("sum postings of %s: %w", month, err)
	}
	return given, net, fee, nil
}

const sumKinds = `SELECT kind, CAST(SUM(credits - debits) AS BIGINT) FROM account GROUP BY kind`

// Kinds sums the accounts of each kind: what is on them now.
func (tx *Tx) Kinds() (map[book.Kind]money.Micro, error) {
	kinds := make(map[book.Kind]money.Micro)
	err := tx.each(sumKinds, func(rows *sql.Rows) error {
		var kind book.Kind
		var net money.Micro
		err := rows.Scan(&kind, &net)
		kinds[kind] = net
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sum accounts: %w", err)
	}
	return kinds, nil
}

// Unpaid is what an author earned in a month, and what is on the account
// revenue now.
type Unpaid struct {
	AuthorSum
	Balance money.Micro
}

const selectUnpaid = `
SELECT m.name, COALESCE(s.clicks, 0), COALESCE(s.gross, 0), COALESCE(s.fee, 0), COALESCE(s.net, 0), a.credits - a.debits
FROM account a JOIN member m ON m.id = a.owner
LEFT JOIN author_sum s ON s.month = $1 AND s.author = a.owner
WHERE a.kind = 'revenue' AND (a.credits <> a.debits OR s.author IS NOT NULL) ORDER BY m.name`

// EachUnpaid hands over the authors of a month and all others with revenue that
// is not paid out, in the order of names.
func (tx *Tx) EachUnpaid(month flattr.Month, use func(Unpaid) error) error {
	err := tx.each(selectUnpaid, func(rows *sql.Rows) error {
		var u Unpaid
		if err := rows.Scan(&u.Name, &u.Clicks, &u.Gross, &u.Fee, &u.Net, &u.Balance); err != nil {
			return err
		}
		return use(u)
	}, int32(month))
	if err != nil {
		return fmt.Errorf("read unpaid revenue: %w", err)
	}
	return nil
}
