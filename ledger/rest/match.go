package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxSegments is more than any route has.
const maxSegments = 8

// match is what a path leads to: the routes of one pattern, by method.
type match struct {
	routes []*route
	args   map[string]string
}

// match finds the routes of a path below Base, with or without a slash at its
// end, and the suffix that names a format. A word in a pattern goes before a
// parameter.
func (s *Server) match(path string) (found match, suffix string) {
	path = strings.Trim(path, "/")
	segments := strings.Split(path, "/")
	if len(segments) > maxSegments {
		return found, ""
	}
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return found, ""
		}
		segments[i] = plain
	}
	last := len(segments) - 1
	bare := segments[last]
	if dot := strings.LastIndexByte(bare, '.'); (dot > 0 || dot == 0 && last == 0) && formats[bare[dot+1:]].named {
		suffix, segments[last] = bare[dot+1:], bare[:dot]
	}
	best := -1
	for i := range s.routes {
		rt := &s.routes[i]
		args, words, ok := rt.fits(segments)
		switch {
		case !ok || words < best:
		case words > best:
			best, found = words, match{routes: []*route{rt}, args: args}
		case rt.Pattern == found.routes[0].Pattern:
			found.routes = append(found.routes, rt)
		}
	}
	return found, suffix
}

// fits compares a path with the route's pattern, and counts the words of the
// pattern that it has.
func (rt *route) fits(segments []string) (args map[string]string, words int, ok bool) {
	if len(segments) != len(rt.segments) {
		return nil, 0, false
	}
	for i, want := range rt.segments {
		name, parameter := strings.CutPrefix(want, ":")
		switch {
		case !parameter && want != segments[i]:
			return nil, 0, false
		case !parameter:
			words++
		case segments[i] == "":
			return nil, 0, false
		default:
			if args == nil {
				args = map[string]string{}
			}
			args[name] = segments[i]
		}
	}
	return args, words, true
}

// named is the route of a method; HEAD is GET without the body.
func (m match) named(method string) *route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, rt := range m.routes {
		if rt.Method == method {
			return rt
		}
	}
	return nil
}

// changes reports whether anything can be changed at the path; who does needs a
// token.
func (m match) changes() bool {
	return slices.ContainsFunc(m.routes, func(rt *route) bool { return rt.Method != http.MethodGet })
}

// methods lists what can be done at the path.
func (m match) methods() string {
	all := []string{http.MethodOptions}
	for _, rt := range m.routes {
		all = append(all, rt.Method)
		if rt.Method == http.MethodGet {
			all = append(all, http.MethodHead)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// own are the formats that only the routes of the path have, nil for the usual ones.
func (m match) own() []string {
	if len(m.routes) == 0 {
		return nil
	}
	return m.routes[0].Formats
}
