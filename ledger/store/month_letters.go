package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// summarised is how long after its end a month's summary is still news: who
// turns letters on is not told of all the months before.
const summarised = 40 * 24 * time.Hour

// lettersAtOnce is how many letters are written in one transaction: clicks wait
// for it no longer than for any other.
const lettersAtOnce = 200

const selectUntold = `
SELECT m.month, COALESCE(l.after, 0) FROM month m LEFT JOIN letter_month l ON l.month = m.month
WHERE m.state = 'closed' AND m.month >= $1 AND COALESCE(l.done, 0) = 0 ORDER BY m.month LIMIT 1`

const selectTold = `
SELECT a.member, a.address FROM mail_address a JOIN member m ON m.id = a.member AND m.deleted IS NULL
WHERE a.member > $1 AND a.summary = 1 AND (
    EXISTS (SELECT 1 FROM snapshot_budget b WHERE b.month = $2 AND b.bucket = m.bucket AND b.reader = m.id)
 OR EXISTS (SELECT 1 FROM author_sum s WHERE s.month = $2 AND s.author = m.id)
) ORDER BY a.member LIMIT $3`

const upsertTold = `
INSERT INTO letter_month (month, after, done) VALUES ($1, $2, $3)
ON CONFLICT (month) DO UPDATE SET after = excluded.after, done = excluded.done`

// WriteSummaries writes the next letters with the summary of a month that was
// closed lately, to members who flattred or earned in it and want to know. Each
// gets one, whatever processes do so at the same time. It answers whether there
// is more to do.
func (s *Store) WriteSummaries(ctx context.Context, now time.Time) (more bool, err error) {
	since := flattr.MonthOf(now.Add(-summarised))
	err = s.write(ctx, func(tx *Tx) error {
		var month flattr.Month
		var after int64
		err := tx.row(selectUntold, int32(since)).Scan(&month, &after)
		if more = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		type reader struct {
			id      int64
			address string
		}
		var readers []reader
		err = tx.each(selectTold, func(rows *sql.Rows) error {
			var r reader
			err := rows.Scan(&r.id, &r.address)
			readers = append(readers, r)
			return err
		}, after, int32(month), lettersAtOnce)
		if err != nil {
			return err
		}
		for _, r := range readers {
			after = r.id
			id := uuid.NewSHA1(summarySpace, fmt.Appendf(nil, "%s %d", month, r.id))
			letter := Letter{ID: flattr.EventID(id), Kind: LetterSummary, Member: flattr.MemberID(r.id), Address: r.address, Detail: month.String()}
			if err := tx.addLetter(now, letter); err != nil {
				return err
			}
		}
		_, err = tx.exec(upsertTold, int32(month), after, number(len(readers) < lettersAtOnce))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("write summaries: %w", err)
	}
	return more, nil
}

// summarySpace is the namespace of the ids of summaries.
var summarySpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("flattr:month-summary"))

// Summary is a settled month of one member.
type Summary struct {
	Budget  money.Micro // what was given
	Clicks  int         // among which it was divided
	Authors []AuthorShare
	More    int         // authors beside these
	Earned  money.Micro // as an author, after the fee
}

// AuthorShare is what a reader gave to an author in a month.
type AuthorShare struct {
	Name   string
	Clicks int
	Share  money.Micro // what clicks of theirs are worth, to a unit
}

// Summary is what a closed month was for a member. Of authors to whom most went
// it names so many. What several authors share is counted for the owner.
func (s *Store) Summary(ctx context.Context, month flattr.Month, member flattr.MemberID, most int) (sum Summary, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		sum = Summary{}
		if sum.Budget, err = tx.Gives(month, member); err != nil {
			return err
		}
		earned, err := tx.AuthorSum(month, member)
		if err != nil {
			return err
		}
		sum.Earned = earned.Net
		clicks, err := tx.StatementClicks(month, member)
		if err != nil {
			return err
		}
		sum.divide(clicks, most)
		return nil
	})
	return sum, err
}

// divide counts the clicks of a reader by author.
func (sum *Summary) divide(clicks []StatementClick, most int) {
	byOwner := map[flattr.MemberID]int{}
	for _, c := range clicks {
		if c.Owner == 0 {
			continue
		}
		sum.Clicks++
		i, known := byOwner[c.Owner]
		if !known {
			i = len(sum.Authors)
			byOwner[c.Owner] = i
			sum.Authors = append(sum.Authors, AuthorShare{Name: c.OwnerName})
		}
		sum.Authors[i].Clicks++
	}
	if sum.Clicks == 0 {
		return
	}
	for i := range sum.Authors {
		a := &sum.Authors[i]
		a.Share = sum.Budget * money.Micro(a.Clicks) / money.Micro(sum.Clicks)
	}
	slices.SortStableFunc(sum.Authors, func(a, b AuthorShare) int {
		return cmp.Or(cmp.Compare(b.Clicks, a.Clicks), cmp.Compare(a.Name, b.Name))
	})
	if len(sum.Authors) > most {
		sum.More, sum.Authors = len(sum.Authors)-most, sum.Authors[:most]
	}
}
