package feed

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"time"

	"flattr/ledger/flattr"
)

// The elements of RFC 4287 that feeds have.
type (
	atomFeed struct {
		XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID        string      `xml:"id"`
		Title     string      `xml:"title"`
		Updated   string      `xml:"updated"`
		Links     []atomLink  `xml:"link"`
		Author    atomPerson  `xml:"author"`
		Generator string      `xml:"generator"`
		Entries   []atomEntry `xml:"entry"`

		newest time.Time // what Updated says
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomPerson struct {
		Name string `xml:"name"`
		URI  string `xml:"uri,omitempty"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomEntry struct {
		ID         string         `xml:"id"`
		Title      string         `xml:"title"`
		Published  string         `xml:"published"`
		Updated    string         `xml:"updated"`
		Author     atomPerson     `xml:"author"` // of the thing
		Links      []atomLink     `xml:"link"`
		Categories []atomCategory `xml:"category"`
		Summary    string         `xml:"summary,omitempty"`
	}
)

// add adds an entry that was changed last at a time. Two that mean the same, as
// clicks on a thing and on its alias do, are one.
func (f *atomFeed) add(e atomEntry, changed time.Time) {
	if slices.ContainsFunc(f.Entries, func(had atomEntry) bool { return had.ID == e.ID }) {
		return
	}
	f.Entries = append(f.Entries, e)
	if changed.After(f.newest) {
		f.newest = changed
	}
}

// encode writes the feed.
func (f *atomFeed) encode() ([]byte, error) {
	f.Updated = atomTime(f.newest)
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("write feed: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// atomTime is a time as Atom has it, in whole seconds.
func atomTime(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func idOf(id flattr.ThingID) string { return strconv.FormatInt(int64(id), 10) }

// tag is an id that nothing else ever has (RFC 4151): of this ledger's host, on a
// day on which that was ours.
func (s *Server) tag(day time.Time, specific string) string {
	return "tag:" + s.config.Public.Hostname() + "," + day.UTC().Format(time.DateOnly) + ":" + specific
}
