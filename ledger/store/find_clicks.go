package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// ClickSearch says which of a reader's clicks are wanted.
type ClickSearch struct {
	Words         string       // all of them are in title, URL or owner's name; "": every click
	Month         flattr.Month // into which they were accepted; 0: all
	Before        flattr.Month // only months before it are looked at; 0: all
	Limit, Offset int
}

// FoundClick is a click with the month into which it was accepted.
type FoundClick struct {
	flattr.ClickView
	Month flattr.Month
	State flattr.State // of the month
}

// FoundClicks is a page of what a search finds.
type FoundClicks struct {
	Clicks []FoundClick // newest first
	Total  int          // that were found
	Before flattr.Month // there are clicks of months before it that were not looked at; 0: there are none
}

// Limits of a search for clicks.
const (
	// enoughSearched is how many clicks, the newest, one search for words looks at:
	// it ends with the month that makes them so many. Most readers have fewer in
	// all; to look at more takes longer than anybody waits for a page.
	enoughSearched = 1500
	// maxSearchWords bounds the words that are looked for in each of them.
	maxSearchWords = 8
)

// Only clicks that were accepted are in a month.
const selectClickMonths = `
SELECT m.month, m.state, (SELECT COUNT(*) FROM event e WHERE e.month = m.month AND e.bucket = $1 AND e.reader = $2)
FROM month m WHERE ($3 = 0 OR m.month = $3) AND ($4 = 0 OR m.month < $4) ORDER BY m.month DESC`

const selectClickTimes = `
SELECT e.id, e.at FROM event e WHERE e.month = $1 AND e.bucket = $2 AND e.reader = $3 AND e.kind = 'click'`

// Titles and owners are those that Clicks shows.
const selectClickTexts = `
SELECT e.id, e.at, t.url, t.title,
       COALESCE(CASE WHEN s.thing IS NOT NULL THEN s.owner WHEN a.id IS NULL THEN t.owner ELSE a.owner END, 0)
FROM event e LEFT JOIN snapshot_thing s ON s.month = e.month AND s.thing = e.thing
JOIN thing t ON t.id = COALESCE(s.target, e.thing) LEFT JOIN thing a ON a.id = t.alias_of
WHERE e.month = $1 AND e.bucket = $2 AND e.reader = $3 AND e.kind = 'click'`

// located is a click and where it stands among the others.
type located struct {
	id    flattr.EventID
	at    int64
	month flattr.Month
	state flattr.State
}

// FindClicks is a page of a reader's clicks, newest first, with what has become
// of each and what it is worth, to the unit.
func (s *Store) FindClicks(ctx context.Context, now time.Time, reader flattr.MemberID, search ClickSearch) (found FoundClicks, err error) {
	if err := s.begin(ctx, now, reader); err != nil {
		return found, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		found = FoundClicks{}
		months, err := tx.clickMonths(reader, search)
		if err != nil {
			return err
		}
		var all []located
		if words := searchedWords(search.Words); len(words) > 0 {
			all, err = tx.locate(reader, months, words, &found)
			found.Total = len(all)
			all = all[min(max(search.Offset, 0), len(all)):]
			all = all[:min(max(search.Limit, 0), len(all))]
		} else {
			all, err = tx.locatePage(reader, months, max(search.Limit, 0), max(search.Offset, 0), &found)
		}
		if err == nil {
			found.Clicks, err = tx.lookAt(reader, all)
		}
		return err
	})
	return found, err
}

// searchedWords are the words of a search, as they are compared.
func searchedWords(text string) []string {
	words := strings.Fields(strings.ToLower(text))
	return words[:min(len(words), maxSearchWords)]
}

// clickMonth is a month with how many clicks a reader has in it.
type clickMonth struct {
	month  flattr.Month
	state  flattr.State
	clicks int
}

// clickMonths are the months of a search in which the reader has clicks, latest
// first.
func (tx *Tx) clickMonths(reader flattr.MemberID, search ClickSearch) (months []clickMonth, err error) {
	err = tx.each(selectClickMonths, func(rows *sql.Rows) error {
		var m clickMonth
		err := rows.Scan(&m.month, &m.state, &m.clicks)
		if m.clicks > 0 {
			months = append(months, m)
		}
		return err
	}, reader.Bucket(), int64(reader), int32(search.Month), int32(search.Before))
	if err != nil {
		return nil, fmt.Errorf("count clicks by month: %w", err)
	}
	return months, nil
}

// locatePage finds a page of all clicks of the months, newest first: it reads
// those months only that the page has clicks of.
func (tx *Tx) locatePage(reader flattr.MemberID, months []clickMonth, limit, offset int, found *FoundClicks) (page []located, err error) {
	for _, m := range months {
		first := offset - found.Total // of the page, in this month
		found.Total += m.clicks
		if first >= m.clicks || len(page) == limit {
			continue
		}
		all, _, err := tx.locateIn(reader, m, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("read clicks of %s: %w", m.month, err)
		}
		all = all[min(max(first, 0), len(all)):]
		page = append(page, all[:min(limit-len(page), len(all))]...)
	}
	return page, nil
}

// locate finds the clicks of the latest months that have all the words.
func (tx *Tx) locate(reader flattr.MemberID, months []clickMonth, words []string, found *FoundClicks) (all []located, err error) {
	owners := make(map[flattr.MemberID]string)
	looked := 0
	for i, m := range months {
		if looked >= enoughSearched {
			found.Before = months[i-1].month
			break
		}
		some, n, err := tx.locateIn(reader, m, words, owners)
		if err != nil {
			return nil, fmt.Errorf("look for clicks of %s: %w", m.month, err)
		}
		looked += n
		all = append(all, some...)
	}
	return all, nil
}

// locateIn finds the clicks of one month, newest first, and how many it has looked
// at. owners are the names that were read already, in lower case.
func (tx *Tx) locateIn(reader flattr.MemberID, m clickMonth, words []string, owners map[flattr.MemberID]string) (found []located, looked int, err error) {
	type text struct {
		located
		said  string
		owner flattr.MemberID
	}
	var texts []text
	query := selectClickTexts
	if len(words) == 0 {
		query = selectClickTimes
	}
	err = tx.each(query, func(rows *sql.Rows) error {
		looked++
		l := text{located: located{month: m.month, state: m.state}}
		if len(words) == 0 {
			err := scanID(rows, &l.id, &l.at)
			found = append(found, l.located)
			return err
		}
		var url, title string
		err := scanID(rows, &l.id, &l.at, &url, &title, &l.owner)
		l.said = strings.ToLower(title + "\n" + url)
		texts = append(texts, l)
		return err
	}, int32(m.month), reader.Bucket(), int64(reader))
	if err != nil {
		return nil, 0, err
	}
	var unknown []any
	for _, l := range texts {
		if _, known := owners[l.owner]; !known {
			owners[l.owner] = ""
			unknown = append(unknown, int64(l.owner))
		}
	}
	if err := tx.lowerNames(unknown, owners); err != nil {
		return nil, 0, err
	}
	for _, l := range texts {
		name := owners[l.owner]
		missing := func(word string) bool { return !strings.Contains(l.said, word) && !strings.Contains(name, word) }
		if !slices.ContainsFunc(words, missing) {
			found = append(found, l.located)
		}
	}
	slices.SortFunc(found, func(a, b located) int {
		return cmp.Or(cmp.Compare(b.at, a.at), strings.Compare(string(b.id[:]), string(a.id[:])))
	})
	return found, looked, nil
}

const selectNames = `SELECT id, name FROM member WHERE id IN `

// lowerNames reads the names of members, in lower case.
func (tx *Tx) lowerNames(members []any, names map[flattr.MemberID]string) error {
	err := tx.eachIn(selectNames, members, func(rows *sql.Rows) error {
		var id flattr.MemberID
		var name string
		err := rows.Scan(&id, &name)
		names[id] = strings.ToLower(name)
		return err
	})
	if err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	return nil
}

// lookAt reads clicks with what they are worth.
func (tx *Tx) lookAt(reader flattr.MemberID, page []located) ([]FoundClick, error) {
	ids := make([]flattr.EventID, len(page))
	for i, l := range page {
		ids[i] = l.id
	}
	views, err := tx.theClicks(reader, ids)
	if err != nil {
		return nil, err
	}
	clicks := make([]FoundClick, len(page))
	worth := make(map[flattr.Month]map[flattr.EventID]money.Micro)
	for i, l := range page {
		view := views[l.id]
		if worth[l.month] == nil {
			if worth[l.month], err = tx.worth(reader, l.month, l.state); err != nil {
				return nil, err
			}
		}
		view.Share = worth[l.month][view.ID]
		clicks[i] = FoundClick{ClickView: view, Month: l.month, State: l.state}
	}
	return clicks, nil
}

// The clicks that are no promises: in an open month by the owners of today.
const (
	selectPaidClicks = `
SELECT c.click FROM counted c
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND ` + isPaid + ` = 1`

	selectFrozenPaidClicks = `
SELECT c.click FROM counted c JOIN snapshot_thing s ON s.month = c.month AND s.thing = c.thing
WHERE c.month = $1 AND c.bucket = $2 AND c.reader = $3 AND s.owner IS NOT NULL`
)

// worth is what each of a reader's clicks of a month is worth that are no
// promises.
func (tx *Tx) worth(reader flattr.MemberID, month flattr.Month, state flattr.State) (map[flattr.EventID]money.Micro, error) {
	budget, err := tx.divided(reader, month, state)
	if err != nil {
		return nil, err
	}
	query := selectFrozenPaidClicks
	if state == flattr.Open {
		query = selectPaidClicks
	}
	var paid []flattr.EventID
	err = tx.each(query, func(rows *sql.Rows) error {
		var id flattr.EventID
		err := scanID(rows, &id)
		paid = append(paid, id)
		return err
	}, int32(month), reader.Bucket(), int64(reader))
	if err != nil {
		return nil, fmt.Errorf("read what counts in %s: %w", month, err)
	}
	shares := make(map[flattr.EventID]money.Micro, len(paid))
	for i, share := range flattr.Shares(month, budget, paid) {
		shares[paid[i]] = share
	}
	return shares, nil
}
