package report

import (
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/settle"
	"flattr/ledger/store"
)

// micro is the time that the log keeps.
func micro(at int64) time.Time { return time.UnixMicro(at).UTC() }

// monthAudit proves one closed month.
type monthAudit struct {
	*audit
	month   flattr.Month
	feeBP   int
	bucket  int
	sums    map[flattr.ThingID]store.ThingSum
	authors map[flattr.MemberID]settle.Author
	clicks  int // that count, promises too
	rows    int // of sums that were proved
	posted  int // transfers that must be booked
	given   money.Micro
}

// closedMonths proves each closed month from what counts and the snapshot.
func (a *audit) closedMonths() error {
	sums, err := a.tx.ThingSumRows()
	if err != nil {
		return err
	}
	for _, month := range a.list {
		p := a.states[month]
		if p.State != flattr.Closed {
			continue
		}
		m := &monthAudit{
			audit: a, month: month, feeBP: p.FeeBP, bucket: -1,
			sums: make(map[flattr.ThingID]store.ThingSum), authors: make(map[flattr.MemberID]settle.Author),
		}
		if err := m.readers(); err != nil {
			return err
		}
		if err := m.checkAuthors(); err != nil {
			return err
		}
		if m.clicks != a.counted[month] {
			a.finding("%s: %d clicks count, the readers of the snapshot have %d", month, a.counted[month], m.clicks)
		}
		if m.rows != sums[month] {
			a.finding("%s: %d sums are kept, %d follow from the clicks", month, sums[month], m.rows)
		}
		if n := a.postings[month.String()]; n != m.posted {
			a.finding("%s: %d postings are booked, %d must be", month, n, m.posted)
		}
		a.say("audit: %s closed, %d clicks, %d authors, %s EUR", month, m.clicks, len(m.authors), m.given)
	}
	return nil
}

// readers divides each reader's budget again.
func (m *monthAudit) readers() error {
	var after flattr.MemberID
	for {
		page, err := m.tx.Budgets(m.month, after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return m.endBucket(-1)
		}
		for _, r := range page {
			if bucket := r.Reader.Bucket(); bucket != m.bucket {
				if err := m.endBucket(bucket); err != nil {
					return err
				}
			}
			if err := m.reader(r); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Reader
	}
}

// reader proves what one reader gives, and adds it to the sums.
func (m *monthAudit) reader(r store.ReaderBudget) error {
	clicks, err := m.tx.StatementClicks(m.month, r.Reader)
	if err != nil {
		return err
	}
	m.clicks += len(clicks)
	shares, divisor := settle.Shares(m.month, r.Budget, ofSettlement(clicks))
	want := money.Micro(0)
	if divisor > 0 {
		if want, err = m.tx.BudgetOf(r.Reader, m.month); err != nil {
			return err
		}
		m.posted++
		booked, err := m.tx.Booked(settle.Give(m.month, r.Reader, want))
		if err != nil {
			return err
		}
		if !booked {
			m.finding("%s: reader %d must give %d, which is not booked so", m.month, r.Reader, want)
		}
	}
	if r.Budget != want {
		m.finding("%s: the snapshot says reader %d gives %d, by the history of budgets it is %d", m.month, r.Reader, r.Budget, want)
	}
	m.given += want
	sum := money.Micro(0)
	for i, c := range clicks {
		sum += shares[i]
		if c.Owner == 0 {
			continue
		}
		s := m.sums[c.Thing]
		s.Clicks++
		s.Gross += shares[i]
		m.sums[c.Thing] = s
		author := m.authors[c.Owner]
		author.ID = c.Owner
		author.Clicks++
		author.Gross += shares[i]
		m.authors[c.Owner] = author
	}
	if divisor > 0 && sum != r.Budget {
		m.finding("%s: the shares of reader %d sum to %d instead of %d", m.month, r.Reader, sum, r.Budget)
	}
	return nil
}

// endBucket compares the sums of a bucket with the kept ones.
func (m *monthAudit) endBucket(next int) error {
	if m.bucket >= 0 {
		kept, err := m.tx.ThingSums(m.month, m.bucket)
		if err != nil {
			return err
		}
		m.rows += len(m.sums)
		for _, k := range kept {
			if s := m.sums[k.Thing]; s.Clicks != k.Clicks || s.Gross != k.Gross {
				m.finding("%s: thing %d gets %d for %d clicks from bucket %d, kept are %d for %d",
					m.month, k.Thing, s.Gross, s.Clicks, m.bucket, k.Gross, k.Clicks)
			}
			delete(m.sums, k.Thing)
		}
		for id, s := range m.sums {
			m.finding("%s: thing %d gets %d for %d clicks from bucket %d, nothing is kept", m.month, id, s.Gross, s.Clicks, m.bucket)
		}
		clear(m.sums)
	}
	m.bucket = next
	return nil
}

// checkAuthors compares what authors earn with what is kept and booked.
func (m *monthAudit) checkAuthors() error {
	seen := 0
	var after flattr.MemberID
	for {
		page, err := m.tx.AuthorSums(m.month, after)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			author, known := m.authors[k.Author]
			if known {
				seen++
			}
			author.ID = k.Author
			author.Charge(m.feeBP)
			if author.Clicks != k.Clicks || author.Gross != k.Gross || author.Fee != k.Fee || author.Net != k.Net {
				m.finding("%s: author %d earns %d less %d for %d clicks, kept are %d less %d for %d",
					m.month, k.Author, author.Gross, author.Fee, author.Clicks, k.Gross, k.Fee, k.Clicks)
			}
			for _, t := range settle.Earn(m.month, author) {
				m.posted++
				booked, err := m.tx.Booked(t)
				if err != nil {
					return err
				}
				if !booked {
					m.finding("%s: author %d must get a transfer %s of %d, which is not booked so", m.month, k.Author, t.Code, t.Amount)
				}
			}
		}
		after = page[len(page)-1].Author
	}
	if seen != len(m.authors) {
		m.finding("%s: %d authors earn, of %d it is kept", m.month, len(m.authors), seen)
	}
	return nil
}
