package rest

import "net/http"

var userRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/users/:name", Root: "user",
		Summary:    "A member. Of one whose profile is private, the name.",
		Parameters: []parameter{byName},
		Answers:    []outcome{{http.StatusOK, user{}, "The member."}},
		Errors:     []string{codeNotFound},
		handle:     getUser,
	},
}

func getUser(c *call) (any, error) {
	m, err := c.server.Store.MemberByName(c.ctx(), c.arg("name"))
	if err != nil {
		return nil, err
	}
	p, err := c.server.Store.Profile(c.ctx(), m.ID)
	if err != nil {
		return nil, err
	}
	return c.server.wholeUserOf(m.Name, p), nil
}
