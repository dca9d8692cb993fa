package claim

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"flattr/ledger/flattr"
)

// wellKnown is where a site says who is thanked for it.
const wellKnown = "/.well-known/flattr.txt"

// recordPrefix comes before the host whose TXT records say who is thanked.
const recordPrefix = "_flattr."

// maxParents bounds the names that are asked for the records of one host.
const maxParents = 4

// Site is what a member may claim, from what was typed: a URL whose path ends in
// `/`, with all below, or one page. A host alone is all of the host. It refuses
// with no_site what is nobody's alone: an address without a name, a name that
// others are given names below, such as github.io or co.uk, and what has a query.
func Site(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := target(typed)
	if err != nil || u.RawQuery != "" || u.ForceQuery {
		return "", noSite()
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if host(u) == "" {
		return "", noSite()
	}
	return u.String(), nil
}

func noSite() error {
	return flattr.Refuse(flattr.NoSite, "Name a site of your own, such as https://blog.example/, or your part of one, such as https://pages.example/~ann/.")
}

// host is the name that a site goes by, in lower-case ASCII, or "" for what has
// none of its own.
func host(u *url.URL) string {
	key, err := flattr.KeyOf(u.Scheme + "://" + u.Host + "/")
	if err != nil {
		return ""
	}
	name := strings.TrimSuffix(string(key), "/")
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasPrefix(name, "[") {
		name = name[:i]
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ""
	}
	if _, err := publicsuffix.EffectiveTLDPlusOne(name); err != nil {
		return ""
	}
	return name
}

// recordNames are the names whose TXT records speak for a host, nearest first:
// its own, and those above it up to the one that was registered. What lies higher
// is shared by strangers.
func recordNames(name string) (names []string) {
	top, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return nil
	}
	for len(names) < maxParents {
		names = append(names, name)
		if name == top {
			return names
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return append(names[:maxParents-1], top)
}

// pathOf is the path of a claim, as flattr.txt names it.
func pathOf(key flattr.Key) string {
	return string(key)[strings.IndexByte(string(key), '/'):]
}

// ruling are the words that hold for a path: all that say none, else those of
// the longest path.
func ruling(words []word, path string) (ids []string, optOut string) {
	longest := ""
	for _, w := range words {
		if w.path != path && (!strings.HasSuffix(w.path, "/") || !strings.HasPrefix(path, w.path)) {
			continue
		}
		if w.id == none {
			if optOut == "" || len(w.path) < len(optOut) {
				optOut = w.path
			}
			continue
		}
		if len(w.path) > len(longest) {
			ids, longest = nil, w.path
		}
		if w.path == longest {
			ids = append(ids, w.id)
		}
	}
	return ids, optOut
}
