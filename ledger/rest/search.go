package rest

import (
	"net/http"
	"strings"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

var searchRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/things/search", Root: "search",
		Summary: "Finds things that their owners want to be seen.",
		Parameters: append([]parameter{
			{Name: "query", In: "query", Kind: "string", Meaning: "Words that are all in the title, the description or the tags."},
			{Name: "url", In: "query", Kind: "string", Meaning: "URL of the thing itself; or hosts, separated by |, whose things are wanted."},
			{Name: "tags", In: "query", Kind: "string", Meaning: "Tags, with | for or, & for and, ! for not; & binds closer than |, and ! between two tags takes away from all of it: game | games ! software."},
			{Name: "language", In: "query", Kind: "list", Meaning: "Languages, one of which it is in, separated by commas."},
			{Name: "category", In: "query", Kind: "list", Meaning: "Categories, one of which it is in, separated by commas."},
			{Name: "user", In: "query", Kind: "string", Meaning: "Name of the owner."},
			{
				Name: "sort", In: "query", Kind: "string", Meaning: "What comes first; where it is not said, relevance with a query, else trend.",
				Values: []string{
					string(store.ByTrend), string(store.ByFlattrs), string(store.ByMonth), string(store.ByWeek), string(store.ByDay), string(store.ByRelevance),
				},
			},
			inFull,
		}, byPage...),
		Answers: []outcome{{http.StatusOK, searched{}, "What was found; total_items stops at 10,000."}},
		Errors:  []string{codeParameters, codeValidation},
		handle:  search,
	},
}

// searched is a page of what was found.
type searched struct {
	TotalItems int     `json:"total_items"`
	Items      int     `json:"items"` // on this page
	Page       int     `json:"page"`
	Things     []thing `json:"things"`
}

func search(c *call) (any, error) {
	limit, offset, err := c.page()
	if err != nil {
		return nil, err
	}
	q := store.Search{From: offset, Count: limit}
	q.Query, _ = c.text("query")
	q.Tags, _ = c.text("tags")
	q.User, _ = c.text("user")
	q.Languages, _ = c.list("language")
	q.Categories, _ = c.list("category")
	raw, _ := c.text("url")
	switch raw = strings.TrimSpace(raw); {
	case raw == "":
	case !strings.Contains(raw, ":") && !strings.Contains(strings.ToLower(raw), "%3a"): // hosts, as youtube.com|vimeo.com
		for host := range strings.SplitSeq(raw, "|") {
			if err := checkURL("http://" + strings.TrimSpace(host)); err != nil {
				return nil, err
			}
			q.Below = append(q.Below, strings.TrimSpace(host))
		}
	default:
		a, err := c.addressOf(raw)
		if err != nil {
			return nil, err
		}
		if q.URL = a.ref.URL; a.id != 0 { // the page of a thing stands for the thing
			t, err := c.server.Store.Thing(c.ctx(), a.id)
			if flattr.CodeOf(err) == flattr.NotFound {
				return searched{Page: offset/limit + 1, Things: []thing{}}, nil
			}
			if err != nil {
				return nil, err
			}
			q.URL = t.URL
		}
	}
	by, _ := c.text("sort")
	if q.Sort = store.Sort(by); by == "" {
		q.Sort = store.ByTrend
		if q.Query != "" {
			q.Sort = store.ByRelevance
		}
	}
	hits, err := c.server.Store.Search(c.ctx(), c.now, q)
	if flattr.CodeOf(err) == flattr.Invalid {
		p, _ := problemOf(err)
		return nil, refuse(codeParameters, p.description)
	}
	if err != nil {
		return nil, err
	}
	things, err := c.server.Store.Things(c.ctx(), hits.Things)
	if err != nil {
		return nil, err
	}
	whole, err := c.wholeThings(things)
	if err != nil {
		return nil, err
	}
	return searched{TotalItems: hits.Total, Items: len(whole), Page: offset/limit + 1, Things: whole}, nil
}
