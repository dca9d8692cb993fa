package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flattr/ledger/flattr"
)

// maxFound is how many things a search finds at most: nobody turns so many
// pages, and the clicks of all of them are counted to sort by.
const maxFound = 10_000

// maxTerms bounds the words, tags, categories and languages of a search each.
const maxTerms = 32

// Sort is by what a search orders what it finds.
type Sort string

// The orders, each with the best first and things of equal worth by id, or, where
// a search by relevance did not need to know ids, the last one listed first. Trend
// counts clicks of the last 30 days, those of the last 7 twice and those of the
// last day thrice.
const (
	ByRelevance Sort = "relevance"
	ByTrend     Sort = "trend"
	ByFlattrs   Sort = "flattrs"
	ByMonth     Sort = "flattrs_month"
	ByWeek      Sort = "flattrs_week"
	ByDay       Sort = "flattrs_day"
)

// Search is what to look for; what is empty does not matter.
type Search struct {
	Query      string   // words, all of which must be there
	URL        string   // of the thing itself
	Below      []string // one of them begins the URL, written without a scheme: a host, with or without a path
	Tags       string   // tags with | for or, & for and, ! for not; & binds closer
	Languages  []string // one of them
	Categories []string // one of them
	User       string   // name of the owner, or of the registrar while there is none
	Sort       Sort
	From       int // how many to leave out
	Count      int // how many to answer
}

// Found are the things of one page, best first, and how many there are on all of
// them, at most 10,000.
type Found struct {
	Total  int
	Things []flattr.ThingID
}

// Search finds listed things. It refuses with invalid_request what cannot be
// looked for.
func (s *Store) Search(ctx context.Context, now time.Time, q Search) (found Found, err error) {
	m, err := q.match()
	if err != nil {
		return Found{}, err
	}
	var key flattr.Key
	if q.URL != "" {
		if key, err = flattr.KeyOf(q.URL); err != nil {
			return Found{}, err
		}
	}
	if m.below, err = prefixesOf(q.Below); err != nil {
		return Found{}, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		found = Found{}
		hits, err := tx.hits(m, q.User, key)
		if err != nil {
			return err
		}
		if q.Sort != ByRelevance { // others count clicks
			if err := tx.words.name(tx, hits); err != nil {
				return err
			}
		}
		if err := tx.sortHits(now, q.Sort, hits); err != nil {
			return err
		}
		found.Total = len(hits)
		from := min(max(q.From, 0), len(hits))
		page := hits[from:min(from+max(q.Count, 0), len(hits))]
		if err := tx.words.name(tx, page); err != nil {
			return err
		}
		for _, h := range page {
			found.Things = append(found.Things, h.thing)
		}
		return nil
	})
	return found, err
}

// hit is a thing that was found.
type hit struct {
	thing  flattr.ThingID // 0: not known yet, number is
	number int64          // under which the engine has it in its index
	rank   float64        // higher is better
}

// hits are the things that match, in no order.
func (tx *Tx) hits(m match, user string, key flattr.Key) ([]hit, error) {
	if key != "" {
		t, err := tx.registration(selectRegistrationByKey, string(key))
		if err != nil || t.id == 0 {
			return nil, err
		}
		m.only = t.id
	}
	if user != "" {
		u, err := tx.memberByName(user)
		if flattr.CodeOf(err) == flattr.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		m.of = u.ID
	}
	hits, err := tx.words.matching(tx, m)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

// match is what an index is asked for.
type match struct {
	all    []alternatives  // each must hold
	ranked bool            // how well things match is wanted
	only   flattr.ThingID  // 0: any
	of     flattr.MemberID // 0: anybody's
	below  []flattr.Key    // the keys with which that of a thing may begin; nil: any
}

// prefixesOf are the keys of what URLs begin with.
func prefixesOf(starts []string) (keys []flattr.Key, err error) {
	if len(starts) > maxTerms {
		return nil, flattr.Refuse(flattr.Invalid, fmt.Sprintf("At most %d hosts can be looked for at once.", maxTerms))
	}
	for _, start := range starts {
		key, err := flattr.KeyOf("http://" + start)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// alternatives are several of which one must hold.
type alternatives []literals

// literals are words that must all be there, and words that must not.
type literals struct{ yes, no []string }

// match reads a search.
func (q Search) match() (match, error) {
	m := match{ranked: q.Query != "" && q.Sort == ByRelevance}
	query := wordsOf(q.Query)
	if strings.TrimSpace(q.Query) != "" && len(query) == 0 {
		return m, flattr.Refuse(flattr.Invalid, "There is no word in what is looked for. Write one of letters or digits.")
	}
	if len(query) > maxTerms || len(q.Languages) > maxTerms || len(q.Categories) > maxTerms {
		return m, flattr.Refuse(flattr.Invalid, fmt.Sprintf("At most %d words, categories or languages can be looked for at once.", maxTerms))
	}
	if len(query) > 0 {
		m.all = append(m.all, alternatives{{yes: query}})
	}
	if q.Tags != "" {
		tags, err := parseTags(q.Tags)
		if err != nil {
			return m, err
		}
		m.all = append(m.all, tags)
	}
	for kind, values := range map[string][]string{facetLanguage: q.Languages, facetCategory: q.Categories} {
		var any alternatives
		for _, value := range values {
			any = append(any, literals{yes: []string{facet(kind, value)}})
		}
		if len(any) > 0 {
			m.all = append(m.all, any)
		}
	}
	return m, nil
}

// terms are how an engine writes an expression.
type terms struct {
	word    func(string) string
	and, or string
	not     func(yes, no string) string // yes may be empty
}

// write writes the expression of a match.
func (m match) write(in terms) string {
	var all []string
	for _, any := range m.all {
		var parts []string
		for _, l := range any {
			part := in.join(l.yes, in.and)
			if len(l.no) > 0 {
				part = in.not(part, in.join(l.no, in.or))
			}
			parts = append(parts, "("+part+")")
		}
		all = append(all, "("+strings.Join(parts, in.or)+")")
	}
	if len(all) == 0 {
		return in.word(facetAll)
	}
	return strings.Join(all, in.and)
}

func (in terms) join(words []string, by string) string {
	written := make([]string, len(words))
	for i, word := range words {
		written[i] = in.word(word)
	}
	return strings.Join(written, by)
}

// within are the conditions beside the words, on the column that names the
// thing, and the bound.
func (m match) within(column string, args []any) (string, []any) {
	where := ""
	parameter := func(value any) string {
		args = append(args, value)
		return "$" + strconv.Itoa(len(args))
	}
	if m.only != 0 {
		where += " AND " + column + " = " + parameter(int64(m.only))
	}
	if m.of != 0 {
		where += " AND " + column + " IN (SELECT id FROM thing WHERE owner = " + parameter(int64(m.of)) +
			" UNION ALL SELECT id FROM thing WHERE owner IS NULL AND registrar = " + parameter(int64(m.of)) + ")"
	}
	if len(m.below) > 0 {
		var begin []string
		for _, key := range m.below {
			last := len(key) - 1
			begin = append(begin, "SELECT id FROM thing WHERE key >= "+parameter(string(key))+" AND key < "+parameter(string(key[:last])+string(key[last]+1)))
		}
		where += " AND " + column + " IN (" + strings.Join(begin, " UNION ALL ") + ")"
	}
	return where + " LIMIT " + strconv.Itoa(maxFound), args
}

const (
	day       = 24 * time.Hour
	trendDays = 30
	weekDays  = 7
)

// sortHits orders what was found.
func (tx *Tx) sortHits(now time.Time, by Sort, hits []hit) error {
	var err error
	switch by {
	case ByRelevance:
	case ByFlattrs:
		err = tx.rankByClicks(hits)
	case ByMonth:
		err = tx.rankSince(hits, now.Add(-trendDays*day))
	case ByWeek:
		err = tx.rankSince(hits, now.Add(-weekDays*day))
	case ByDay:
		err = tx.rankSince(hits, now.Add(-day))
	case ByTrend:
		err = tx.rankSince(hits, now.Add(-trendDays*day), now.Add(-weekDays*day), now.Add(-day))
	default:
		return flattr.Refuse(flattr.Invalid, "Things are sorted by relevance, trend, flattrs, flattrs_month, flattrs_week or flattrs_day.")
	}
	if err != nil {
		return fmt.Errorf("count clicks: %w", err)
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.thing, b.thing), cmp.Compare(b.number, a.number))
	})
	return nil
}

// clicked are the hits, and the aliases that stand for them, by id: clicks on
// both count.
func (tx *Tx) clicked(hits []hit) (of map[flattr.ThingID]*hit, ids []any, err error) {
	of = make(map[flattr.ThingID]*hit, len(hits))
	for i := range hits {
		h := &hits[i]
		h.rank, of[h.thing] = 0, h
		ids = append(ids, int64(h.thing))
	}
	var aliases []any
	err = tx.eachIn(selectAliasesOf, ids, func(rows *sql.Rows) error {
		var id, target flattr.ThingID
		err := rows.Scan(&id, &target)
		if of[id] == nil { // an alias that was found too stands for itself
			of[id] = of[target]
			aliases = append(aliases, int64(id))
		}
		return err
	})
	return of, append(ids, aliases...), err
}

const selectAliasesOf = `SELECT id, alias_of FROM thing WHERE alias_of IN `

const flattrsAmong = `
SELECT t.id, CAST(SUM(p.flattrs) AS BIGINT) FROM thing t JOIN popularity p ON p.thing = COALESCE(t.alias_of, t.id) WHERE t.id IN %s GROUP BY t.id`

// rankByClicks ranks hits by how often they were flattred, as each look at them says.
func (tx *Tx) rankByClicks(hits []hit) error {
	of := make(map[flattr.ThingID]*hit, len(hits))
	var ids []any
	for i := range hits {
		h := &hits[i]
		h.rank, of[h.thing] = 0, h
		ids = append(ids, int64(h.thing))
	}
	return inParts(ids, 1, func(part []any) error {
		return tx.each(fmt.Sprintf(flattrsAmong, placeholders(1, len(part))), func(rows *sql.Rows) error {
			var thing flattr.ThingID
			var flattrs int
			err := rows.Scan(&thing, &flattrs)
			of[thing].rank = float64(flattrs)
			return err
		}, part...)
	})
}

const selectClicksSince = `
SELECT c.thing, e.at FROM counted c JOIN event e ON e.id = c.click WHERE c.thing IN %s AND c.month = $%d`

// rankSince ranks hits by the clicks since several times: one since two of them
// counts twice. Clicks count in the month of their time, or, late, in a later one.
func (tx *Tx) rankSince(hits []hit, since ...time.Time) error {
	of, ids, err := tx.clicked(hits)
	if err != nil {
		return err
	}
	first := flattr.MonthOf(slices.MinFunc(since, time.Time.Compare))
	for month := first; month <= first.Add(2); month = month.Next() {
		err := inParts(ids, 1, func(part []any) error {
			query := fmt.Sprintf(selectClicksSince, placeholders(1, len(part)), len(part)+1)
			return tx.each(query, func(rows *sql.Rows) error {
				var thing flattr.ThingID
				var at int64
				err := rows.Scan(&thing, &at)
				for _, t := range since {
					if at >= micros(t) {
						of[thing].rank++
					}
				}
				return err
			}, append(part[:len(part):len(part)], int32(month))...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
