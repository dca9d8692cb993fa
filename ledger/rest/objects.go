package rest

import (
	"net/url"
	"strconv"

	"flattr/ledger/flattr"
)

// user is a member on the wire: alone with its first fields where it stands
// within something else, whole where it was asked for.
type user struct {
	Type     string `json:"type"`
	Resource string `json:"resource"`
	Link     string `json:"link"`
	Username string `json:"username"`
	*userMore
}

// userMore is what a whole user has besides.
type userMore struct {
	URL          string  `json:"url"`
	FirstName    string  `json:"firstname"`
	LastName     string  `json:"lastname"`
	Avatar       string  `json:"avatar"` // a picture of 48 by 48; "": there is none
	About        string  `json:"about"`
	City         string  `json:"city"`
	Country      string  `json:"country"`
	Email        *string `json:"email,omitempty"`         // with the scope email or extendedread
	RegisteredAt *int64  `json:"registered_at,omitempty"` // with the scope extendedread; unix
}

// thing is a thing on the wire, in short or whole.
type thing struct {
	Type     string `json:"type"`
	Resource string `json:"resource"`
	Link     string `json:"link"`
	ID       int64  `json:"id"`
	URL      string `json:"url"`
	Title    string `json:"title"`
	Image    string `json:"image"` // "": there is none
	Flattrs  int    `json:"flattrs"`
	*thingMore
}

// thingMore is what a whole thing has besides.
type thingMore struct {
	Readers      int      `json:"flattrs_user_count"`
	Description  string   `json:"description"`
	Tags         []string `json:"tags"`
	Language     string   `json:"language"`
	Category     string   `json:"category"`
	CreatedAt    int64    `json:"created_at"` // unix
	Owner        user     `json:"owner"`
	Hidden       bool     `json:"hidden"`
	Flattred     *bool    `json:"flattred,omitempty"`       // with a token: by its reader, this month
	Subscribed   *bool    `json:"subscribed,omitempty"`     // with a token: by its reader
	LastFlattrAt *int64   `json:"last_flattr_at,omitempty"` // with its owner's token; unix, 0 for never
	UpdatedAt    *int64   `json:"updated_at,omitempty"`     // with its owner's token; unix
}

// flattrd is one click in a list; owner is who flattred.
type flattrd struct {
	Type      string `json:"type"`
	Thing     thing  `json:"thing"`
	Owner     user   `json:"owner"`
	CreatedAt int64  `json:"created_at"` // unix
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
	return user{Type: "user", Resource: s.resource("users", name), Link: s.link("profile", name), Username: name}
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

// wholeThingOf is a thing as everybody may see it.
func (s *Server) wholeThingOf(t flattr.Thing) thing {
	out := s.thingOf(t)
	tags := t.Tags
	if tags == nil {
		tags = []string{}
	}
	out.thingMore = &thingMore{
		Readers: t.Readers, Description: t.Description, Tags: tags, Language: t.Language, Category: t.Category,
		CreatedAt: t.Since.Unix(), Owner: s.userOf(t.Owner), Hidden: t.Hidden,
	}
	return out
}
