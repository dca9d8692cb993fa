package rest

import (
	"net/http"
	"net/url"
	"strings"
)

// older are path and query of today for what clients ask for in another way: a
// lookup whose URL is in the path, and several things whose ids are in the query.
func older(r *http.Request, path string) (today, query string) {
	bare, query := strings.TrimSuffix(path, "/"), r.URL.RawQuery
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return path, query
	}
	if raw, ok := strings.CutPrefix(bare, "/things/lookup/q/"); ok {
		if address, err := url.PathUnescape(raw); err == nil {
			return "/things/lookup", "q=" + url.QueryEscape(address) + "&" + query
		}
	}
	if bare == "/things" {
		values, _ := valuesOf(query) // it answers what could be read
		if ids := values.Get("id"); ids != "" {
			return "/things/" + url.PathEscape(ids), query
		}
	}
	return path, query
}
