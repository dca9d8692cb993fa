package rest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"flattr/ledger/flattr"
)

// activityFormats are what activities are answered in, and nothing else.
var activityFormats = []string{formatAS, formatAtom}

var activityType = parameter{
	Name: "type", In: "query", Kind: "string", Values: []string{"outgoing", "incoming"},
	Meaning: "outgoing, which is usual: what the member has flattred; incoming: who has flattred what is theirs, of those whose profile is public.",
}

var activityRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/users/:name/activities", Root: "activities", Formats: activityFormats,
		Summary:    "What a member has flattred since their profile is public, as Activity Streams or Atom; nothing while it is private.",
		Parameters: append([]parameter{byName, activityType}, byPage...),
		Answers:    []outcome{{http.StatusOK, activities{}, "The activities, newest first."}},
		Errors:     []string{codeNotFound, codeParameters},
		handle: func(c *call) (any, error) {
			m, p, err := c.profiled()
			if err != nil {
				return nil, err
			}
			return c.activities(m, false, p.Public)
		},
	},
	{
		Method: http.MethodGet, Pattern: "/user/activities", Token: true, Root: "activities", Formats: activityFormats,
		Summary:    "What the member the token acts for has flattred, as Activity Streams or Atom.",
		Parameters: append([]parameter{activityType}, byPage...),
		Answers:    []outcome{{http.StatusOK, activities{}, "The activities, newest first."}},
		Errors:     []string{codeParameters},
		handle: func(c *call) (any, error) {
			m, err := c.server.Store.Member(c.ctx(), c.member)
			if err != nil {
				return nil, err
			}
			return c.activities(m, true, true)
		},
	},
}

// activities is a list in the form of Activity Streams 1.0.
type activities struct {
	Items []activity `json:"items"`
	of    user
	at    time.Time
}

type activity struct {
	Published string         `json:"published"` // RFC 3339, as timeWithOffset
	Title     string         `json:"title"`
	Actor     activityObject `json:"actor"`
	Verb      string         `json:"verb"`
	Object    activityObject `json:"object"`
	ID        string         `json:"id"`
}

type activityObject struct {
	DisplayName string `json:"displayName"`
	URL         string `json:"url"`
	Kind        string `json:"objectType"`
}

// activities answers a page of what a member did, or what was done for them;
// with shown false it is empty.
func (c *call) activities(m flattr.Member, own, shown bool) (any, error) {
	limit, offset, err := c.page()
	if err != nil {
		return nil, err
	}
	kind, _ := c.text("type")
	out := activities{Items: []activity{}, of: c.server.userOf(m.Name), at: c.now}
	var list []flattr.Flattred
	switch {
	case kind != "" && kind != "outgoing" && kind != "incoming":
		return nil, refuse(codeParameters, "The parameter type is outgoing or incoming.")
	case !shown:
	case kind == "incoming":
		list, err = c.server.Store.FlattrsFor(c.ctx(), m.ID, limit, offset)
	default:
		list, err = c.server.Store.FlattrsOf(c.ctx(), c.now, m.ID, own, limit, offset)
	}
	if err != nil {
		return nil, err
	}
	for i, f := range list {
		if i == 0 {
			out.at = f.At
		}
		out.Items = append(out.Items, c.server.activityOf(f))
	}
	return out, nil
}

// timeWithOffset is RFC 3339 with +00:00 for Z, which programs that read a zone
// by its digits do not know.
const timeWithOffset = "2006-01-02T15:04:05-07:00"

func (s *Server) activityOf(f flattr.Flattred) activity {
	reader, thing := s.userOf(f.Reader), s.thingOf(f.Thing)
	title := thing.Title
	if title == "" {
		title = thing.URL
	}
	return activity{
		Published: f.At.UTC().Truncate(time.Second).Format(timeWithOffset),
		Title:     f.Reader + ` flattred "` + title + `"`,
		Actor:     activityObject{f.Reader, reader.Link, "person"},
		Verb:      "like",
		Object:    activityObject{title, thing.Link, "bookmark"},
		ID: "tag:" + s.Public.Hostname() + "," + f.At.UTC().Format(time.DateOnly) + ":" +
			url.PathEscape(f.Reader) + "/flattr/" + strconv.FormatInt(int64(f.Thing.ID), 10), // RFC 4151: it never changes
	}
}

// atomFeed and what is in it are RFC 4287.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Link    atomLink    `xml:"link"`
	Author  atomAuthor  `xml:"author"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomAuthor struct {
	Name string `xml:"name"`
	URI  string `xml:"uri"`
}

type atomEntry struct {
	ID      string     `xml:"id"`
	Title   string     `xml:"title"`
	Updated string     `xml:"updated"`
	Link    atomLink   `xml:"link"`
	Author  atomAuthor `xml:"author"`
}

// atom is the list as a feed.
func (a activities) atom() ([]byte, error) {
	feed := atomFeed{
		ID: a.of.Resource + "/activities.atom", Title: "Activities of " + a.of.Username, Updated: a.at.UTC().Truncate(time.Second).Format(time.RFC3339),
		Link: atomLink{"alternate", a.of.Link}, Author: atomAuthor{a.of.Username, a.of.Link},
	}
	for _, item := range a.Items {
		feed.Entries = append(feed.Entries, atomEntry{
			ID: item.ID, Title: item.Title, Updated: item.Published, Link: atomLink{"alternate", item.Object.URL},
			Author: atomAuthor{item.Actor.DisplayName, item.Actor.URL},
		})
	}
	text, err := xml.MarshalIndent(feed, "", indent)
	if err != nil {
		return nil, fmt.Errorf("write feed: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}
