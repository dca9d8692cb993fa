package rest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"flattr/ledger/flattr"
)

// historical are the hosts under which Flattr was once reached. Pages that were
// written for it name their things by them.
var historical = []string{"flattr.com", "www.flattr.com", "api.flattr.com", "button.flattr.com"}

// thingPaths are the addresses of things: /thing/ID, with or without words
// behind it, /t/ID, and that of the thing in this interface.
var thingPaths = regexp.MustCompile(`^/(?:thing|t|rest/v2/things)/([0-9]{1,16})(?:/.*)?$`)

// address is what the address of a thing says: the thing of ours that it names,
// or its own URL.
type address struct {
	id flattr.ThingID // 0: named by its URL
	// ref describes the thing. An owner in it is only asserted: whoever writes a
	// link can write any name there.
	ref  flattr.ThingRef
	auto bool // it was a link that makes a thing at its first click
}

// asserted is whom the address names as the owner; "": nobody.
func (a address) asserted() string { return a.ref.Owner }

// addressOf reads the parameter url, which is the URL of a thing, the address of
// its page here, or a link of /submit/auto; each may have been escaped once more.
// It refuses with validation.
func (c *call) addressOf(raw string) (address, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") && strings.Contains(strings.ToLower(raw), "%3a%2f%2f") {
		if plain, err := url.QueryUnescape(raw); err == nil {
			raw = plain
		}
	}
	if err := checkText(raw); err != nil {
		return address{}, err
	}
	if path, query, ours := c.server.within(raw); ours {
		if id := thingPaths.FindStringSubmatch(path); id != nil {
			thing, err := thingID(id[1])
			return address{id: thing}, err
		}
		if strings.TrimSuffix(path, "/") == "/submit/auto" {
			return submitted(query)
		}
	}
	return address{ref: flattr.ThingRef{URL: raw}}, checkURL(raw)
}

// within is the path and the query of an address of ours, or of Flattr's.
func (s *Server) within(raw string) (path string, query url.Values, ours bool) {
	bare, _, _ := strings.Cut(raw, "#")
	bare, rawQuery, _ := strings.Cut(bare, "?")
	u, err := url.Parse(bare)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", nil, false
	}
	host := strings.ToLower(u.Host)
	if host != s.Public.Host && !slices.Contains(historical, host) {
		return "", nil, false
	}
	query, _ = valuesOf(strings.ReplaceAll(rawQuery, "&amp;", "&")) // it answers what could be read
	return u.Path, query, true
}

// submitted reads the query of a link of /submit/auto. What is in no list is
// left out, as it is when a page is read.
func submitted(query url.Values) (address, error) {
	a := address{auto: true, ref: flattr.ThingRef{
		URL: strings.TrimSpace(query.Get("url")), FID: query.Get("fid"),
		Title: query.Get("title"), Description: query.Get("description"),
		Category: oneOf(categories, query.Get("category")), Language: oneOf(languages, query.Get("language")),
		Hidden: slices.Contains([]string{"1", "true"}, query.Get("hidden")),
	}}
	a.ref.Owner = flattr.NamedOwner(query.Get)
	for tag := range strings.SplitSeq(query.Get("tags"), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			a.ref.Tags = append(a.ref.Tags, tag)
		}
	}
	if a.ref.URL == "" {
		return a, refuse(codeValidation, "The link names no url. Add url= with the address of the thing.")
	}
	if err := checkText(a.ref.URL, a.ref.Owner, a.ref.FID, a.ref.Title, a.ref.Description, query.Get("tags")); err != nil {
		return a, err
	}
	return a, checkURL(a.ref.URL)
}

// checkURL refuses with validation what is no address of a thing.
func checkURL(raw string) error {
	if _, err := flattr.KeyOf(raw); err != nil {
		p, _ := problemOf(err)
		return refuse(codeValidation, p.description)
	}
	return nil
}

// oneOf is a value if a list has it, whatever its case, else "".
func oneOf(list []listed, value string) string {
	value = strings.TrimSpace(value)
	for _, entry := range list {
		if strings.EqualFold(entry.ID, value) {
			return entry.ID
		}
	}
	return ""
}
