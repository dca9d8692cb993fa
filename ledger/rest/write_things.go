package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// What clients may say of a thing, in characters. Links that pages carry may say
// more; there it is cut off.
const (
	minTitle, maxTitle             = 5, 100
	minDescription, maxDescription = 5, 1000
	maxTags, maxTag                = 20, 64
)

// described are the parameters that describe a thing.
var described = []parameter{
	{Name: "title", In: "body", Kind: "string", Meaning: "5 to 100 characters."},
	{Name: "description", In: "body", Kind: "string", Meaning: "5 to 1000 characters."},
	{Name: "category", In: "body", Kind: "string", Meaning: "One of /categories; rest for a new thing where it is not said."},
	{Name: "language", In: "body", Kind: "string", Meaning: "One of /languages; en_GB for a new thing where it is not said."},
	{Name: "tags", In: "body", Kind: "list", Meaning: "At most 20, separated by commas."},
	{Name: "hidden", In: "body", Kind: "boolean", Meaning: "Not to be listed or found by search."},
}

var writeThingRoutes = []route{
	{
		Method: http.MethodPost, Pattern: "/things", Scope: "thing", Root: "thing",
		Summary: "Registers a thing. Its owner is asserted: what it is given are promises until the site is claimed.",
		Parameters: append([]parameter{
			{Name: "url", In: "body", Kind: "string", Required: true, Meaning: "URL of the thing, which nobody has registered yet."},
		}, described...),
		Answers: []outcome{{http.StatusCreated, created{}, "The thing was registered."}},
		Errors:  []string{codeValidation},
		handle:  postThing,
	},
	{
		Method: http.MethodPatch, Pattern: "/things/:id", Scope: "thing", Root: "thing",
		Summary:    "Changes what is said of a thing of one's own. Also as POST with _method=patch.",
		Parameters: append([]parameter{byThing}, described...),
		Answers:    []outcome{{http.StatusOK, done{}, "The thing was changed."}},
		Errors:     []string{codeValidation, codeForbidden, codeNotFound},
		handle:     patchThing,
	},
	{
		Method: http.MethodDelete, Pattern: "/things/:id", Scope: "thing",
		Summary:    "Takes a thing of one's own out of view. What it was given stays.",
		Parameters: []parameter{byThing},
		Answers:    []outcome{{http.StatusNoContent, nil, "The thing is not found any more. One that has no owner stays while others flattr it, without what was said of it."}},
		Errors:     []string{codeForbidden, codeNotFound},
		handle:     deleteThing,
	},
}

// created says which thing was registered.
type created struct {
	ID          int64  `json:"id"`
	Link        string `json:"link"`
	Message     string `json:"message"` // ok
	Description string `json:"description"`
}

// done says that something was done.
type done struct {
	Message     string `json:"message"` // ok
	Description string `json:"description"`
}

func postThing(c *call) (any, error) {
	raw, _ := c.text("url")
	if strings.TrimSpace(raw) == "" {
		return nil, refuse(codeValidation, "The parameter url is missing.")
	}
	a, err := c.addressOf(raw)
	if err != nil {
		return nil, err
	}
	if a.id != 0 {
		return nil, refuse(codeValidation, "This is the address of a thing here. Register the URL that it is about.")
	}
	edit, err := c.edit()
	if err != nil {
		return nil, err
	}
	ref := withEdit(a.ref, edit)
	id, err := c.server.Store.Register(c.ctx(), c.now, c.member, ref)
	if code := flattr.CodeOf(err); code != "" && code != flattr.NotFound {
		p, _ := problemOf(err)
		return nil, refuse(codeValidation, p.description)
	}
	if err != nil {
		return nil, err
	}
	return answered{Status: http.StatusCreated, Location: c.server.resource("things", strconv.FormatInt(int64(id), 10)), Body: created{
		ID: int64(id), Link: c.server.link("thing", strconv.FormatInt(int64(id), 10)), Message: "ok", Description: "Thing was created successfully",
	}}, nil
}

// withEdit is a new thing as it is described. Its owner is who registers it,
// whatever else a link may have named.
func withEdit(ref flattr.ThingRef, e store.Edit) flattr.ThingRef {
	ref.Owner, ref.FID = "", ""
	set := func(to, from *string, otherwise string) {
		if from != nil && *from != "" {
			*to = *from
		}
		if *to == "" {
			*to = otherwise
		}
	}
	set(&ref.Title, e.Title, "")
	set(&ref.Description, e.Description, "")
	set(&ref.Category, e.Category, "rest")
	set(&ref.Language, e.Language, "en_GB")
	if e.Tags != nil {
		ref.Tags = *e.Tags
	}
	if e.Hidden != nil {
		ref.Hidden = *e.Hidden
	}
	return ref
}

func patchThing(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	edit, err := c.edit()
	if err != nil {
		return nil, err
	}
	if err := c.server.Store.Edit(c.ctx(), c.now, c.member, id, edit); err != nil {
		return nil, err
	}
	return done{"ok", "Thing was updated correctly"}, nil
}

func deleteThing(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	return nil, c.server.Store.Withdraw(c.ctx(), c.now, c.member, id)
}

// edit reads what is said of a thing. It refuses with validation.
func (c *call) edit() (e store.Edit, err error) {
	if e.Title, err = c.bounded("title", minTitle, maxTitle); err != nil {
		return e, err
	}
	if e.Description, err = c.bounded("description", minDescription, maxDescription); err != nil {
		return e, err
	}
	if e.Category, err = c.among("category", categories); err != nil {
		return e, err
	}
	if e.Language, err = c.among("language", languages); err != nil {
		return e, err
	}
	if tags, given := c.list("tags"); given {
		if len(tags) > maxTags {
			return e, refuse(codeValidation, fmt.Sprintf("A thing has at most %d tags.", maxTags))
		}
		for _, tag := range tags {
			if utf8.RuneCountInString(tag) > maxTag {
				return e, refuse(codeValidation, fmt.Sprintf("A tag has at most %d characters.", maxTag))
			}
		}
		e.Tags = &tags
	}
	if hidden, given := c.flag("hidden"); given {
		e.Hidden = &hidden
	}
	return e, nil
}

// bounded is a text whose length is from least to most characters; an empty one
// is as if it were not there.
func (c *call) bounded(name string, least, most int) (*string, error) {
	text, _ := c.text(name)
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	if n := utf8.RuneCountInString(text); n < least || n > most {
		return nil, refuse(codeValidation, fmt.Sprintf("The %s has %d to %d characters, not %d.", name, least, most, n))
	}
	return &text, nil
}

// among is a value of a list; an empty one is as if it were not there.
func (c *call) among(name string, list []listed) (*string, error) {
	text, _ := c.text(name)
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	known := oneOf(list, text)
	if known == "" {
		return nil, refuse(codeValidation, fmt.Sprintf("There is no %s %.20q.", name, text))
	}
	return &known, nil
}
