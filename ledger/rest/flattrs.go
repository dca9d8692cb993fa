package rest

import (
	"net/http"

	"flattr/ledger/flattr"
)

var flattrRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/users/:name/flattrs", Root: "flattrs",
		Summary:    "What a member has flattred since their profile is public, newest first; nothing while it is private.",
		Parameters: append([]parameter{byName, inFull}, byPage...),
		Answers:    []outcome{{http.StatusOK, []flattrd{}, "The flattrs."}},
		Errors:     []string{codeNotFound, codeParameters},
		handle: func(c *call) (any, error) {
			m, err := c.named()
			if err != nil {
				return nil, err
			}
			return c.flattrs(func(limit, offset int) ([]flattr.Flattred, error) {
				return c.server.Store.FlattrsOf(c.ctx(), c.now, m.ID, false, limit, offset)
			})
		},
	},
	{
		Method: http.MethodGet, Pattern: "/user/flattrs", Token: true, Root: "flattrs",
		Summary:    "What the member the token acts for has flattred, newest first.",
		Parameters: append([]parameter{inFull}, byPage...),
		Answers:    []outcome{{http.StatusOK, []flattrd{}, "The flattrs."}},
		Errors:     []string{codeParameters},
		handle: func(c *call) (any, error) {
			return c.flattrs(func(limit, offset int) ([]flattr.Flattred, error) {
				return c.server.Store.FlattrsOf(c.ctx(), c.now, c.member, true, limit, offset)
			})
		},
	},
	{
		Method: http.MethodGet, Pattern: "/things/:id/flattrs", Root: "flattrs",
		Summary:    "Who has flattred a thing, newest first: members whose profile is public.",
		Parameters: append([]parameter{byThing, inFull}, byPage...),
		Answers:    []outcome{{http.StatusOK, []flattrd{}, "The flattrs."}},
		Errors:     []string{codeNotFound, codeParameters},
		handle: func(c *call) (any, error) {
			id, err := c.id()
			if err != nil {
				return nil, err
			}
			return c.flattrs(func(limit, offset int) ([]flattr.Flattred, error) {
				return c.server.Store.FlattrsOn(c.ctx(), id, limit, offset)
			})
		},
	},
}

// flattrs answers a page of a list of clicks.
func (c *call) flattrs(read func(limit, offset int) ([]flattr.Flattred, error)) (any, error) {
	limit, offset, err := c.page()
	if err != nil {
		return nil, err
	}
	list, err := read(limit, offset)
	if err != nil {
		return nil, err
	}
	out := make([]flattrd, len(list))
	for i, f := range list {
		out[i] = flattrd{Type: "flattr", Thing: c.server.ownedThingOf(f.Thing), Owner: c.server.userOf(f.Reader), CreatedAt: f.At.Unix()}
	}
	if !c.full() {
		return out, nil
	}
	things, readers := make([]flattr.Thing, len(list)), make([]flattr.MemberID, len(list))
	for i, f := range list {
		things[i], readers[i] = f.Thing, f.ReaderID
	}
	whole, err := c.wholeThings(things)
	if err != nil {
		return nil, err
	}
	profiles, err := c.server.Store.Profiles(c.ctx(), readers)
	if err != nil {
		return nil, err
	}
	for i, f := range list {
		out[i].Thing, out[i].Owner = whole[i], c.server.wholeUserOf(f.Reader, profiles[f.ReaderID])
	}
	return out, nil
}
