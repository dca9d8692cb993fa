package rest

import (
	"net/url"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
)

// user is a member on the wire: alone with its first fields where it stands
// within something else, whole where it was asked for. What is behind `doc` is
// what the reference says of a field.
type user struct {
	Type     string `json:"type" doc:"always user"`
	Resource string `json:"resource" doc:"address of the member in this interface"`
	Link     string `json:"link" doc:"address of the member's page"`
	Username string `json:"username" doc:"name; unclaimed where a thing has no owner"`
	*userMore
}

// userMore is what a whole user has besides.
type userMore struct {
	URL          string  `json:"url" doc:"the member's own pages"`
	FirstName    string  `json:"firstname"`
	LastName     string  `json:"lastname"`
	Avatar       string  `json:"avatar" doc:"picture of 48 by 48, empty where there is none"`
	About        string  `json:"about"`
	City         string  `json:"city"`
	Country      string  `json:"country"`
	ID           *string `json:"id,omitempty" doc:"of GET /user and GET /users/:name: stays what it is"`
	Supporter    *int    `json:"active_supporter,omitempty" doc:"beside id: 1 for who has means to flattr with and does not hide it, else 0"`
	Email        *string `json:"email,omitempty" doc:"of GET /user, with the scope email or extendedread"`
	RegisteredAt *int64  `json:"registered_at,omitempty" doc:"of GET /user, with the scope extendedread; seconds since 1970"`
}

// thing is a thing on the wire, in short or whole.
type thing struct {
	Type     string `json:"type" doc:"always thing"`
	Resource string `json:"resource" doc:"address of the thing in this interface"`
	Link     string `json:"link" doc:"address of the thing's page"`
	ID       int64  `json:"id" doc:"from 1 to 2 to the power of 52"`
	URL      string `json:"url" doc:"what is flattred, as it was first named"`
	Title    string `json:"title"`
	Image    string `json:"image" doc:"empty where there is none"`
	Flattrs  int    `json:"flattrs" doc:"clicks of all months that count"`
	*thingMore
	Owner *user `json:"owner,omitempty" doc:"the verified owner, in short; whole with full. Not of a thing that was just flattred or subscribed to"`
}

// thingMore is what a whole thing has besides.
type thingMore struct {
	Readers      int      `json:"flattrs_user_count" doc:"how many members the clicks are from"`
	Description  string   `json:"description"`
	Tags         []string `json:"tags"`
	Language     string   `json:"language" doc:"such as en_GB, empty where it is not known"`
	Category     string   `json:"category" doc:"one of the categories, empty where it is not known"`
	CreatedAt    int64    `json:"created_at" doc:"seconds since 1970"`
	Hidden       bool     `json:"hidden" doc:"not to be listed"`
	Flattred     *bool    `json:"flattred,omitempty" doc:"with a token: by its member, this month"`
	Subscribed   *bool    `json:"subscribed,omitempty" doc:"with a token: by its member"`
	LastFlattrAt *int64   `json:"last_flattr_at,omitempty" doc:"for its owner: start of the month, or of the day where five members flattred that month; 0 for never"`
	UpdatedAt    *int64   `json:"updated_at,omitempty" doc:"for its owner; seconds since 1970"`
}

// flattrd is one click in a list.
type flattrd struct {
	Type      string `json:"type" doc:"always flattr"`
	Thing     thing  `json:"thing" doc:"in short; whole with full"`
	Owner     user   `json:"owner" doc:"who flattred, in short; whole with full"`
	CreatedAt int64  `json:"created_at" doc:"seconds since 1970"`
}

// listed is an entry of a fixed list.
type listed struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// link is an address of ours, absolute.
func (s *Server) link(parts ...string) string {
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return s.Public.JoinPath(parts...).String()
}

// resource is the address of something of this interface.
func (s *Server) resource(parts ...string) string {
	return s.link(append([]string{"rest", "v2"}, parts...)...)
}

// userOf is a member in short; one without a name is nobody known.
func (s *Server) userOf(name string) user {
	if name == "" {
		name = flattr.UnclaimedName
	}
	return user{Type: "user", Resource: s.resource("users", addressed(name)), Link: s.link("profile", name), Username: name}
}

// addressed is a name as it stands at the end of an address: one that ends as if
// it named a format is followed by one.
func addressed(name string) string {
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && formats[name[dot+1:]].named {
		return name + "." + formatJSON
	}
	return name
}

// wholeUserOf is a member as everybody may see it: a private profile is empty.
func (s *Server) wholeUserOf(name string, p flattr.Profile) user {
	u := s.userOf(name)
	u.userMore = &userMore{}
	if p.Public {
		u.userMore = openUser(p)
	}
	return u
}

func openUser(p flattr.Profile) *userMore {
	return &userMore{
		URL: p.URL, FirstName: p.FirstName, LastName: p.LastName, About: p.About, City: p.City, Country: p.Country,
	}
}

// thingOf is a thing in short.
func (s *Server) thingOf(t flattr.Thing) thing {
	id := strconv.FormatInt(int64(t.ID), 10)
	return thing{
		Type: "thing", Resource: s.resource("things", id), Link: s.link("thing", id), ID: int64(t.ID),
		URL: t.URL, Title: t.Title, Flattrs: t.Flattrs,
	}
}

// ownedThingOf is a thing in short with its owner, as it stands in lists of what
// somebody flattrs: clients read there whom it is for.
func (s *Server) ownedThingOf(t flattr.Thing) thing {
	out, owner := s.thingOf(t), s.userOf(t.Owner)
	out.Owner = &owner
	return out
}

// wholeThingOf is a thing as everybody may see it.
func (s *Server) wholeThingOf(t flattr.Thing) thing {
	out := s.ownedThingOf(t)
	tags := t.Tags
	if tags == nil {
		tags = []string{}
	}
	out.thingMore = &thingMore{
		Readers: t.Readers, Description: t.Description, Tags: tags, Language: t.Language, Category: t.Category,
		CreatedAt: t.Since.Unix(), Hidden: t.Hidden,
	}
	return out
}
