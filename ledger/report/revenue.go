package report

import (
	"context"
	"fmt"
	"io"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
	"flattr/ledger/store"
)

// authorMonth is a closed month of one author. Amounts are micro-EUR; the fee is
// taken once, of all things together.
type authorMonth struct {
	Month  string        `json:"month"`
	Author string        `json:"author"`
	Clicks int           `json:"clicks"`
	Gross  money.Micro   `json:"gross_micro"`
	Fee    money.Micro   `json:"fee_micro"`
	Net    money.Micro   `json:"net_micro"`
	Things []authorThing `json:"things"`
}

// authorThing is what one thing brought an author.
type authorThing struct {
	ID      flattr.ThingID `json:"id"`
	Link    string         `json:"flattr_url"`
	URL     string         `json:"url"`
	Title   string         `json:"title"`
	Clicks  int            `json:"clicks"`
	Revenue money.Micro    `json:"micro"` // the author's gross part
	Total   int            `json:"clicks_total"`
}

// Revenue says which revenue is asked for.
type Revenue struct {
	Author string
	Month  flattr.Month // 0: all closed months, in their order
	Public string       // origin of the ledger, under which things have pages
}

// Write writes the monthly revenue report of an author: as CSV the form that
// tools for authors read, one row per thing; as JSON also micro-EUR, fee and net.
// It refuses with month_open a month that is not closed, and with not_found an
// unknown name.
func (r Revenue) Write(ctx context.Context, s *store.Store, format Format, to io.Writer) error {
	var months []authorMonth
	err := s.View(ctx, func(tx *store.Tx) (err error) {
		months, err = r.read(tx)
		return err
	})
	if err != nil {
		return err
	}
	switch format {
	case JSON:
		if r.Month != 0 {
			return writeJSON(to, months[0])
		}
		return writeJSON(to, months)
	case NDJSON:
		out := newObjects(to, format)
		for _, m := range months {
			if err := out.write(m); err != nil {
				return err
			}
		}
		return out.end()
	case CSV:
		return writeRevenueCSV(to, months)
	case Text:
	}
	return writeRevenueText(to, r.Author, months)
}

// read reads the months of the author that are asked for. They are kept in
// memory: an author has some thousands of things at most.
func (r Revenue) read(tx *store.Tx) ([]authorMonth, error) {
	author, name, err := tx.Named(r.Author)
	if err != nil {
		return nil, err
	}
	list := []flattr.Month{r.Month}
	if r.Month != 0 {
		err = closed(tx, r.Month)
	} else {
		list, err = tx.EarnedMonths(author)
	}
	if err != nil {
		return nil, err
	}
	months := []authorMonth{}
	for _, month := range list {
		sum, err := tx.AuthorSum(month, author)
		if err != nil {
			return nil, err
		}
		m := authorMonth{
			Month: month.String(), Author: name, Clicks: sum.Clicks, Gross: sum.Gross, Fee: sum.Fee, Net: sum.Net,
			Things: []authorThing{},
		}
		err = tx.EachEarned(month, author, func(e store.Earned) error {
			m.Things = append(m.Things, authorThing{
				ID: e.ID, Link: fmt.Sprintf("%s/thing/%d", strings.TrimSuffix(r.Public, "/"), e.ID),
				URL: e.URL, Title: e.Title, Clicks: e.Clicks, Revenue: e.Gross, Total: e.Total,
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
		months = append(months, m)
	}
	return months, nil
}

// revenueHeader is the first line of the monthly revenue report.
const revenueHeader = "period;id;flattr url;url;title;clicks;revenue;clicks total"

func writeRevenueCSV(to io.Writer, months []authorMonth) error {
	w := newCSV(to, revenueHeader)
	for _, m := range months {
		for _, t := range m.Things {
			w.row(m.Month, int64(t.ID), quoted(t.Link), quoted(t.URL), quoted(t.Title), t.Clicks, cents(t.Revenue), t.Total)
		}
	}
	return w.end()
}

func writeRevenueText(to io.Writer, author string, months []authorMonth) error {
	out := newTable(to)
	if len(months) == 0 {
		out.line("%s has earned nothing in a closed month yet.", clean(author))
	}
	for i, m := range months {
		if i > 0 {
			out.line("")
		}
		out.line("Revenue of %s in %s", clean(m.Author), m.Month)
		out.line("")
		out.row("thing", ">clicks", ">revenue", ">clicks total")
		for _, t := range m.Things {
			label := t.Title
			if label == "" {
				label = t.URL
			}
			out.row(label, t.Clicks, t.Revenue, t.Total)
		}
		out.line("")
		out.line("%s EUR less %s EUR fee: %s EUR for %s.", m.Gross, m.Fee, m.Net, counted(m.Clicks, "click"))
	}
	return out.end()
}
