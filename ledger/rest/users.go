package rest

import (
	"net/http"
	"strconv"

	"flattr/ledger/flattr"
)

var userRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/users/:name", Root: "user",
		Summary:    "A member. Of one whose profile is private, the name.",
		Parameters: []parameter{byName},
		Answers:    []outcome{{http.StatusOK, user{}, "The member."}},
		Errors:     []string{codeNotFound},
		handle:     getUser,
	},
	{
		Method: http.MethodGet, Pattern: "/user", Token: true, Root: "user",
		Summary: "The member the token acts for; with the scope email also their address, with extendedread also since when they are a member.",
		Answers: []outcome{{http.StatusOK, user{}, "The member."}},
		handle:  getOwnUser,
	},
	{
		Method: http.MethodGet, Pattern: "/users/:name/things", Root: "things",
		Summary:    "The things of an author, newest first, without hidden ones.",
		Parameters: append([]parameter{byName, inFull}, byPage...),
		Answers:    []outcome{{http.StatusOK, []thing{}, "The things."}},
		Errors:     []string{codeNotFound, codeParameters},
		handle: func(c *call) (any, error) {
			m, err := c.named()
			if err != nil {
				return nil, err
			}
			return c.thingsOf(m.ID, false)
		},
	},
	{
		Method: http.MethodGet, Pattern: "/user/things", Token: true, Root: "things",
		Summary:    "One's own things, newest first, with hidden ones and those one has registered.",
		Parameters: append([]parameter{inFull}, byPage...),
		Answers:    []outcome{{http.StatusOK, []thing{}, "The things."}},
		Errors:     []string{codeParameters},
		handle:     func(c *call) (any, error) { return c.thingsOf(c.member, true) },
	},
}

// Scopes of a token that say what may be read.
const (
	scopeEmail    = "email"
	scopeExtended = "extendedread"
)

// named is the member that the path names.
func (c *call) named() (flattr.Member, error) {
	return c.server.Store.MemberByName(c.ctx(), c.arg("name"))
}

// profiled is the member that the path names, with what they say of themselves.
func (c *call) profiled() (flattr.Member, flattr.Profile, error) {
	m, err := c.named()
	if err != nil {
		return m, flattr.Profile{}, err
	}
	p, err := c.server.Store.Profile(c.ctx(), m.ID)
	return m, p, err
}

func getUser(c *call) (any, error) {
	m, p, err := c.profiled()
	if err != nil {
		return nil, err
	}
	u := c.server.wholeUserOf(m.Name, p)
	return u, c.identify(u, m.ID, p.Public)
}

// identify adds to a whole member the id by which programs tell members apart,
// and whether they can flattr, where that may be said.
func (c *call) identify(u user, m flattr.MemberID, open bool) error {
	id, supporter := strconv.FormatInt(int64(m), 10), 0
	if open {
		paying, _, err := c.paying(m)
		if err != nil {
			return err
		}
		if paying {
			supporter = 1
		}
	}
	u.ID, u.Supporter = &id, &supporter
	return nil
}

func getOwnUser(c *call) (any, error) {
	m, err := c.server.Store.Member(c.ctx(), c.member)
	if err != nil {
		return nil, err
	}
	p, err := c.server.Store.Profile(c.ctx(), m.ID)
	if err != nil {
		return nil, err
	}
	u := c.server.userOf(m.Name)
	u.userMore = openUser(p)
	if c.may(scopeEmail) || c.may(scopeExtended) {
		u.Email = &p.Email
	}
	if c.may(scopeExtended) {
		since := m.Since.Unix()
		u.RegisteredAt = &since
	}
	return u, c.identify(u, m.ID, true)
}

func (c *call) thingsOf(member flattr.MemberID, own bool) (any, error) {
	limit, offset, err := c.page()
	if err != nil {
		return nil, err
	}
	list, err := c.server.Store.ThingsOf(c.ctx(), member, own, limit, offset)
	if err != nil {
		return nil, err
	}
	return c.wholeThings(list)
}
