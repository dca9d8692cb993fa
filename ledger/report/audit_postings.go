package report

import (
	"fmt"

	"flattr/ledger/book"
	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// postingsAtOnce is how many readers or authors are asked for at once.
const postingsAtOnce = 1000

// postingsOfMonths proves that each month is booked as its snapshot and its
// sums say, and that nothing else is booked for it.
func (a *audit) postingsOfMonths() error {
	for _, m := range a.months {
		p := postings{audit: a, month: m.Month, all: m.State == flattr.Posted || m.State == flattr.Closed}
		if p.all || m.State == flattr.Computed {
			if err := p.gives(); err != nil {
				return err
			}
			if err := p.earns(); err != nil {
				return err
			}
		}
		name := m.Month.String()
		if n := a.postings[name]; n != p.right {
			a.findingf("%s, which is %s: %d postings are booked, of which %d are right", m.Month, m.State, n, p.right)
		}
		delete(a.postings, name)
	}
	for batch, n := range a.postings {
		a.findingf("%d postings are booked for %q, which is no month", n, batch)
	}
	return nil
}

// postings proves the postings of a month.
type postings struct {
	*audit
	month flattr.Month
	all   bool // none may be missing
	right int
}

// must proves that a transfer is booked just so.
func (p *postings) must(t book.Transfer) error {
	booked, err := p.tx.Booked(t)
	if err != nil {
		return err
	}
	if booked {
		p.right++
	} else if p.all {
		p.findingf("%s: member %d must have a transfer %s of %d, which is not booked so", p.month, max(t.Debit.Owner, t.Credit.Owner), t.Code, t.Amount)
	}
	return nil
}

// gives proves what each reader gave.
func (p *postings) gives() error {
	clearing := book.Account{Kind: book.Clearing, Month: int32(p.month)}
	return eachPage(func(after flattr.MemberID) ([]store.ReaderBudget, error) {
		return p.tx.Budgets(p.month, after, postingsAtOnce)
	},
		func(r store.ReaderBudget) (flattr.MemberID, error) {
			if r.Budget == 0 {
				return r.Reader, nil
			}
			held := book.Account{Kind: book.Held, Bucket: r.Reader.Bucket(), Owner: int64(r.Reader), Month: int32(p.month)}
			return r.Reader, p.must(book.New(p.month.String(), book.Give, held, clearing, held, r.Budget))
		})
}

// earns proves what each author got, and the operator of it.
func (p *postings) earns() error {
	clearing := book.Account{Kind: book.Clearing, Month: int32(p.month)}
	return eachPage(func(after flattr.MemberID) ([]store.AuthorSum, error) {
		return p.tx.AuthorSums(p.month, after, postingsAtOnce)
	},
		func(s store.AuthorSum) (flattr.MemberID, error) {
			revenue := book.Account{Kind: book.Revenue, Bucket: s.Author.Bucket(), Owner: int64(s.Author)}
			if s.Net > 0 {
				if err := p.must(book.New(p.month.String(), book.Earn, clearing, revenue, revenue, s.Net)); err != nil {
					return 0, err
				}
			}
			if s.Fee > 0 {
				return s.Author, p.must(book.New(p.month.String(), book.Charge, clearing, book.Account{Kind: book.Fee}, revenue, s.Fee))
			}
			return s.Author, nil
		})
}

// eachPage reads page after page and hands over what is on them. use answers
// after what the next page begins.
func eachPage[T any, Key comparable](read func(after Key) ([]T, error), use func(T) (Key, error)) error {
	var after Key
	for {
		page, err := read(after)
		if err != nil || len(page) == 0 {
			return err
		}
		before := after
		for _, row := range page {
			if after, err = use(row); err != nil {
				return err
			}
		}
		if after == before {
			return fmt.Errorf("the database is damaged: what comes after %v comes again", after)
		}
	}
}
