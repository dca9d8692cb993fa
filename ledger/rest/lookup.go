package rest

import (
	"net/http"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
)

var lookupRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/things/lookup", Root: "lookup",
		Summary: "Finds the thing of a URL.",
		Parameters: []parameter{
			{Name: "url", In: "query", Kind: "string", Required: true, Meaning: "URL of the thing, escaped or not, or a link of /submit/auto. Also called q."},
		},
		Answers: []outcome{
			{http.StatusFound, found{}, "The thing is known: Location, and location in the body, is its address."},
			{http.StatusOK, flattrable{}, "The thing is not known yet, and will be with its first flattr: its owner has claimed the site, or the URL was a link that makes things."},
			{http.StatusNotFound, notFound{}, "Nothing was found: the error says so, and message too."},
		},
		Errors: []string{codeNotFound, codeValidation},
		handle: lookUp,
	},
}

// found says where a thing is.
type found struct {
	Message  string `json:"message"` // found
	Location string `json:"location"`
}

// flattrable says that a flattr would make the thing.
type flattrable struct {
	Message     string `json:"message"` // flattrable
	Description string `json:"description"`
}

// notFound is what clients read when nothing was found.
type notFound struct {
	Message     string `json:"message"` // not_found
	Description string `json:"description"`
	errorBody
}

func lookUp(c *call) (any, error) {
	raw, _ := c.text("url")
	if raw == "" {
		raw, _ = c.text("q")
	}
	if strings.TrimSpace(raw) == "" {
		return nil, refuse(codeValidation, "The parameter url is missing.")
	}
	a, err := c.addressOf(raw)
	if statusOf(err) == http.StatusNotFound {
		return c.noThing()
	}
	if err != nil {
		return nil, err
	}
	if a.id != 0 {
		if _, err := c.server.Store.Thing(c.ctx(), a.id); err != nil {
			if flattr.CodeOf(err) == flattr.NotFound {
				return c.noThing()
			}
			return nil, err
		}
		return c.foundAt(a.id), nil
	}
	known, err := c.server.Store.LookUp(c.ctx(), a.ref.URL)
	if err != nil {
		return nil, err
	}
	// What is no name, as a partner's identifier of the owner, is no other member's.
	if asserted := a.asserted(); flattr.CheckName(asserted) == nil && known.Owner != "" && !strings.EqualFold(asserted, known.Owner) {
		return nil, refuse(codeValidation, "Owner mismatch")
	}
	switch {
	case known.Thing != 0:
		return c.foundAt(known.Thing), nil
	case known.Covered || a.auto:
		return flattrable{"flattrable", "Thing can be flattred"}, nil
	}
	return c.noThing()
}

func (c *call) foundAt(id flattr.ThingID) answered {
	location := c.server.resource("things", strconv.FormatInt(int64(id), 10))
	return answered{Status: http.StatusFound, Location: location, Body: found{"found", location}}
}

// noThing is not_found in the words of a lookup and in those of an error.
func (c *call) noThing() (any, error) {
	p := refuse(codeNotFound, "No thing was found")
	return answered{Status: p.status, Body: notFound{p.code, p.description, errorBody{p.code, p.description, c.server.meaning(p.code)}}}, nil
}
