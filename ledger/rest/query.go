package rest

import (
	"net/url"
	"slices"
	"strings"
)

// queryOf is the query of a request for a route, which may be nil; what cannot be
// read of it is left out.
func queryOf(raw string, rt *route) url.Values {
	values, _ := valuesOf(withWholeURL(raw, rt)) // it answers what could be read
	return values
}

// valuesOf reads a query or a form. A semicolon parts nothing, and a per cent sign
// before what is no number stands for itself: clients send those of a URL or a
// sentence as they are.
func valuesOf(raw string) (url.Values, error) {
	if !strings.ContainsAny(raw, ";%") {
		return url.ParseQuery(raw)
	}
	var mended strings.Builder
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == ';':
			mended.WriteString("%3B")
		case c == '%' && (len(raw) < i+3 || !isHex(raw[i+1]) || !isHex(raw[i+2])):
			mended.WriteString("%25")
		default:
			mended.WriteByte(c)
		}
	}
	return url.ParseQuery(mended.String())
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// withWholeURL is a query in which the URL that it asks for is escaped. Some
// clients send it as it is: its own query goes on, then, up to what the route
// takes besides. Where per cent signs in it are escaped it was escaped, though
// not all of it; unless it is a link with another URL in it, which is escaped.
func withWholeURL(raw string, rt *route) string {
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		name, plain, _ := strings.Cut(part, "=")
		if name != "url" && name != "q" || !strings.Contains(plain, "://") {
			continue
		}
		end := i + 1
		for strings.Contains(plain, "?") && end < len(parts) && !rt.takes(parts[end]) {
			plain += "&" + parts[end]
			end++
		}
		if strings.Contains(plain, "%25") && !strings.Contains(strings.ToLower(plain), "%3a%2f%2f") {
			plain = strings.NewReplacer("&", "%26", "+", "%2B").Replace(plain)
		} else {
			plain = url.QueryEscape(plain)
		}
		return strings.Join(slices.Concat(parts[:i], []string{name + "=" + plain}, parts[end:]), "&")
	}
	return raw
}

// takes reports whether a part of a query is a parameter of the route, other than
// the URL itself.
func (rt *route) takes(part string) bool {
	name, _, _ := strings.Cut(part, "=")
	if name == "jsonp" || name == "_" || part == "full" { // libraries add _ so that nothing is taken from a cache
		return true
	}
	return rt != nil && slices.ContainsFunc(rt.Parameters, func(p parameter) bool { return p.In == "query" && p.Name == name && name != "url" })
}
