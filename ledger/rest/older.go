package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// older is the path of today for what clients ask for in another way: a lookup
// whose URL is in the path, or in the query without having been escaped, and
// several things whose ids are in the query.
func (c *call) older(path string) string {
	bare := strings.TrimSuffix(path, "/")
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return path
	}
	if raw, ok := strings.CutPrefix(bare, "/things/lookup/q/"); ok {
		if address, err := url.PathUnescape(raw); err == nil && c.query.Get("q") == "" {
			c.query.Set("q", address)
			return "/things/lookup"
		}
	}
	switch bare {
	case "/things/lookup":
		c.wholeURL()
	case "/things":
		if ids := c.query.Get("id"); ids != "" {
			return "/things/" + url.PathEscape(ids)
		}
	}
	return path
}

// ownParameters are those of a lookup itself, which are no part of a URL that
// was not escaped.
var ownParameters = []string{"jsonp", "full", "_"}

// wholeURL takes the parameters of a URL that was sent without being escaped for
// its own: ?url=https://blog.example/?p=1&page=2 names page 2.
func (c *call) wholeURL() {
	for _, name := range []string{"url", "q"} {
		pairs := strings.Split(c.r.URL.RawQuery, "&")
		at := slices.IndexFunc(pairs, func(pair string) bool {
			value, ok := strings.CutPrefix(pair, name+"=")
			return ok && strings.Contains(value, "://") && strings.Contains(value, "?")
		})
		if at < 0 {
			continue
		}
		end := at + 1
		for ; end < len(pairs); end++ {
			if key, _, _ := strings.Cut(pairs[end], "="); slices.Contains(ownParameters, key) {
				break
			}
		}
		if address, err := url.QueryUnescape(strings.TrimPrefix(strings.Join(pairs[at:end], "&"), name+"=")); err == nil {
			c.query.Set(name, address)
		}
		return
	}
}
