package rest

import "net/http"

var thingRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/things/:id", Root: "thing",
		Summary:    "A thing, or with several ids a list of those that there are.",
		Parameters: []parameter{byThing, inFull},
		Answers:    []outcome{{http.StatusOK, thing{}, "The thing; with several ids, a list."}},
		Errors:     []string{codeNotFound},
		handle:     getThing,
	},
}

func getThing(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	t, err := c.server.Store.Thing(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	return c.server.wholeThingOf(t), nil
}
