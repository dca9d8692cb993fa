package button

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"flattr/ledger/flattr"
)

// Bounds of what an address says of a thing, in characters; the rest is cut off.
const (
	maxTitle       = 100
	maxDescription = 1000
	maxTag         = 60
	maxTags        = 20
	maxOwner       = 64 // as the store keeps it
	// maxPieces bounds a query: a button has a dozen keys.
	maxPieces = 200
	// maxAddress bounds an address that we write, in bytes: pages that carry
	// it several times stay small. A description gives way first.
	maxAddress = 1000
)

// Categories are the kinds of things.
var Categories = []string{"text", "images", "video", "audio", "software", "people", "rest"}

var (
	languages = regexp.MustCompile(`^[a-z]{2,3}(?:_[A-Z]{2})?$`)
	fids      = regexp.MustCompile(`^[0-9A-Za-z]{6}$`)
	tagsOf    = regexp.MustCompile(`(?i)</?[a-z!][^>]*>`)
	breaks    = regexp.MustCompile(`(?i)<br\s*/?>`)
)

// Asked is what the address of a frame or an auto-submit link says of a thing.
// All of it comes from a stranger: the owner is only asserted.
type Asked struct {
	URL         string // of the web, with a key; empty: none is named
	Owner       string // a name, or a partner's identifier
	FID         string // 6-character account id of old buttons
	Title       string
	Description string
	Category    string
	Language    string // such as en_GB
	Tags        []string
	Hidden      bool
	Compact     bool // the small form of the button
}

// ReadAsked reads a raw query as old pages write it: nothing in it is an error.
// What is out of range is dropped or cut, and of a key that comes twice the last
// value that is not empty holds.
func ReadAsked(rawQuery string) Asked {
	values := readQuery(rawQuery)
	a := Asked{
		URL: webURL(values["url"]), Title: text(values["title"], maxTitle),
		Description: text(plain(values["description"]), maxDescription),
		Hidden:      values["hidden"] == "1" || values["hidden"] == "true",
		Compact:     values["button"] == "compact",
	}
	a.Owner = flattr.NamedOwner(func(key string) string { return text(values[key], maxOwner) })
	if fids.MatchString(values["fid"]) {
		a.FID = values["fid"]
	}
	if slices.Contains(Categories, values["category"]) {
		a.Category = values["category"]
	}
	if languages.MatchString(values["language"]) {
		a.Language = values["language"]
	}
	for tag := range strings.SplitSeq(values["tags"], ",") {
		if tag = text(tag, maxTag); tag != "" && len(a.Tags) < maxTags {
			a.Tags = append(a.Tags, tag)
		}
	}
	return a
}

// readQuery splits a query at & and at the first =. An & that was escaped twice
// leaves its name before the next key. Go's own reader drops what has a ; in it.
func readQuery(raw string) map[string]string {
	values := map[string]string{}
	for i, piece := range strings.SplitN(raw, "&", maxPieces+1) {
		key, value, found := strings.Cut(piece, "=")
		if !found || i == maxPieces {
			continue
		}
		key = strings.TrimSpace(unescape(key))
		for strings.HasPrefix(key, "amp;") {
			key = key[len("amp;"):]
		}
		if value = strings.TrimSpace(unescape(value)); value != "" {
			values[key] = value
		}
	}
	return values
}

// unescape decodes what can be decoded; a % that begins no escape stays.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s):
			if decoded, err := url.QueryUnescape(s[i : i+3]); err == nil {
				b.WriteString(decoded)
				i += 2
				continue
			}
			b.WriteByte('%')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// webURL is raw as a browser would read it, or "" where it names no thing.
func webURL(raw string) string {
	raw = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(strings.TrimSpace(raw))
	raw = strings.ReplaceAll(raw, " ", "%20")
	if _, err := flattr.KeyOf(raw); err != nil {
		return ""
	}
	return raw
}

// plain takes the tags out of a description; a line break becomes a blank.
func plain(html string) string {
	return tagsOf.ReplaceAllString(breaks.ReplaceAllString(html, " "), "")
}

// text folds blanks, control characters and what XML knows no character for, and
// cuts to most characters.
func text(s string, most int) string {
	s = strings.ToValidUTF8(s, " ")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == 0xfffe || r == 0xffff }), " ")
	if runes := []rune(s); len(runes) > most {
		s = strings.TrimSpace(string(runes[:most]))
	}
	return s
}

// Submit is the address below public at which the thing can be flattred, by
// whom knows it or not. What makes it long gives way, the URL never does.
func (a Asked) Submit(public *url.URL) string {
	for _, shorter := range []func(){func() {}, func() { a.Description = "" }, func() { a.Tags = nil }, func() { a.Title = "" }} {
		shorter()
		if address := a.submit(public); len(address) <= maxAddress {
			return address
		}
	}
	return a.submit(public)
}

func (a Asked) submit(public *url.URL) string {
	// A blank is %20 and not +, which snippets would have to escape again.
	escape := func(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }
	query := "url=" + escape(a.URL)
	say := func(key, value string) {
		if value != "" {
			query += "&" + key + "=" + escape(value)
		}
	}
	owner := "user_id"
	if strings.Contains(a.Owner, ":") {
		owner = "owner"
	}
	say(owner, a.Owner)
	say("fid", a.FID)
	say("title", a.Title)
	say("description", a.Description)
	say("language", a.Language)
	say("tags", strings.Join(a.Tags, ","))
	if a.Hidden {
		say("hidden", "1")
	}
	say("category", a.Category)
	return public.JoinPath("/submit/auto").String() + "?" + query
}
