package rest

import "strings"

// route is one row of the table: what a client can ask, what it has to send, and
// what it is answered. The reference and the OpenAPI file are made of these.
type route struct {
	Method  string
	Pattern string // below Base; ":name" is a parameter
	// Token tells whether a token is needed. One that is sent is looked at
	// everywhere.
	Token bool
	// Scope is what the token must have been given besides; "": any will do.
	Scope      string
	Summary    string // one sentence for the reference
	Parameters []parameter
	Answers    []outcome // successes first
	Errors     []string  // codes that this route answers besides those of all routes
	Root       string    // name of the answer in XML; what lists hold is its singular
	Formats    []string  // where they are not the usual ones
	handle     func(*call) (any, error)
	segments   []string
}

// parameter is a value in the path, the query or the body.
type parameter struct {
	Name     string
	In       string // path, query or body
	Kind     string // string, integer, boolean or list
	Required bool
	Meaning  string
	Values   []string // all that there are; nil: any
}

// outcome is an answer that is no error.
type outcome struct {
	Status int
	Body   any // an example's type: a value of the struct or slice that is sent; nil: no body
	When   string
}

// Parameters that several routes have.
var (
	byName  = parameter{Name: "name", In: "path", Kind: "string", Required: true, Meaning: "Name of a member, whatever its case."}
	byThing = parameter{Name: "id", In: "path", Kind: "string", Required: true, Meaning: "Id of a thing."}
	byPage  = []parameter{
		{Name: "count", In: "query", Kind: "integer", Meaning: "How many to answer: 30 where it is not said, 1000 at most."},
		{Name: "page", In: "query", Kind: "integer", Meaning: "Which of the pages of that many, from 1."},
	}
	inFull = parameter{Name: "full", In: "query", Kind: "boolean", Meaning: "Answer members and things within with all their fields; needs no value."}
)

// table is all that the interface can do. Each group of handlers has its rows in
// its own file.
func (s *Server) table() []route {
	var all []route
	for _, rows := range [][]route{
		listRoutes, userRoutes, thingRoutes, flattrRoutes, activityRoutes,
		lookupRoutes, searchRoutes, writeThingRoutes, clickRoutes, subscribeRoutes, verifyRoutes,
	} {
		all = append(all, rows...)
	}
	for i := range all {
		all[i].segments = strings.Split(strings.Trim(all[i].Pattern, "/"), "/")
	}
	return all
}
