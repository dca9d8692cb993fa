package rest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"flattr/ledger/flattr"
)

// maxBulk is how many things can be flattred with one request, as many as a
// companion sends at once.
const maxBulk = 100

const textFlattred = "Thing was successfully flattred"

var clickRoutes = []route{
	{
		Method: http.MethodPost, Pattern: "/things/:id/flattr", Scope: "flattr", Root: "flattr",
		Summary:    "Flattrs a thing.",
		Parameters: []parameter{byThing},
		Answers:    []outcome{{http.StatusOK, clicked{}, "The flattr counts; where nobody has claimed the thing it is a promise."}},
		Errors:     clickErrors,
		handle:     flattrThing,
	},
	{
		Method: http.MethodPost, Pattern: "/flattr", Scope: "flattr", Root: "flattr",
		Summary: "Flattrs what a URL names.",
		Parameters: []parameter{{
			Name: "url", In: "body", Kind: "string", Required: true,
			Meaning: "URL of a thing, which need not be known yet, the address of its page here, or a link of /submit/auto, whose owner is only asserted.",
		}},
		Answers: []outcome{{http.StatusOK, clicked{}, "The flattr counts; where nobody has claimed the thing it is a promise."}},
		Errors:  append([]string{codeValidation}, clickErrors...),
		handle:  flattrURL,
	},
	{
		Method: http.MethodPost, Pattern: "/flattr/bulk", Scope: "flattr", Root: "flattrs",
		Summary: "Flattrs up to 100 things, each by itself: the body is a list of objects, each with a url.",
		Answers: []outcome{
			{http.StatusOK, []bulkResult{}, "What became of each, in the order sent."},
			{http.StatusPaymentRequired, []bulkResult{}, "The reader's means did not cover any of them."},
		},
		Errors: []string{codeInvalid, codeParameters},
		handle: flattrBulk,
	},
}

var clickErrors = []string{codeOnce, codeOwn, codeMeans, codeNotFound, codeInvalid}

// clicked says which thing was flattred.
type clicked struct {
	Message     string       `json:"message"` // ok
	Description string       `json:"description"`
	Thing       locatedThing `json:"thing"`
}

// locatedThing is a thing in short and where to read it.
type locatedThing struct {
	thing
	Location string `json:"location"`
}

func (c *call) clicked(t flattr.Thing) clicked {
	short := c.server.thingOf(t)
	return clicked{"ok", textFlattred, locatedThing{short, short.Resource}}
}

// bulkResult is what became of one of many.
type bulkResult struct {
	URL         string        `json:"url"`
	Message     string        `json:"message"` // ok, or the code of an error
	Description string        `json:"description"`
	Thing       *locatedThing `json:"thing,omitempty"` // where it is ok
}

func flattrThing(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	return c.flattrKnown(id)
}

// flattrKnown flattrs a thing by its id.
func (c *call) flattrKnown(id flattr.ThingID) (any, error) {
	t, err := c.server.Store.Thing(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	outcomes, err := c.record([]flattr.ThingRef{{URL: t.URL}})
	if err != nil {
		return nil, err
	}
	if err := refusalOf(outcomes[0]); err != nil {
		return nil, err
	}
	t.Flattrs++
	return c.clicked(t), nil
}

func flattrURL(c *call) (any, error) {
	raw, _ := c.text("url")
	if strings.TrimSpace(raw) == "" {
		return nil, refuse(codeInvalid, "The parameter url is missing.")
	}
	a, err := c.addressOf(raw)
	if err != nil {
		return nil, err
	}
	if a.id != 0 {
		return c.flattrKnown(a.id)
	}
	outcomes, err := c.record([]flattr.ThingRef{a.ref})
	if err != nil {
		return nil, err
	}
	if err := refusalOf(outcomes[0]); err != nil {
		return nil, err
	}
	t, err := c.flattred(outcomes[0])
	if err != nil {
		return nil, err
	}
	return c.clicked(t), nil
}

// flattred is the thing of a click. One that its owner has taken out of view can
// be flattred on its page all the same, and is answered as the click names it.
func (c *call) flattred(out flattr.Outcome) (flattr.Thing, error) {
	t, err := c.server.Store.Thing(c.ctx(), out.ThingID)
	if flattr.CodeOf(err) == flattr.NotFound {
		return flattr.Thing{ID: out.ThingID, URL: out.URL, Title: out.Title}, nil
	}
	return t, err
}

// record clicks on things, as a companion would: each with an id of its own.
func (c *call) record(refs []flattr.ThingRef) ([]flattr.Outcome, error) {
	events := make([]flattr.Event, len(refs))
	for i, ref := range refs {
		events[i] = flattr.Event{ID: flattr.NewEventID(), Kind: flattr.KindClick, At: c.now, Thing: ref}
	}
	outcomes, err := c.server.Store.Record(c.ctx(), c.now, c.member, events)
	if err != nil {
		return nil, fmt.Errorf("record flattr: %w", err)
	}
	return outcomes, nil
}

// refusalOf is why a click does not count, nil where it does.
func refusalOf(out flattr.Outcome) error {
	if out.Result == flattr.Accepted || out.Result == flattr.Late {
		return nil
	}
	return refuse(string(out.Code), out.Sentence)
}

func flattrBulk(c *call) (any, error) {
	items := c.items()
	if len(items) == 0 {
		return nil, refuse(codeInvalid, `The body is a list of objects like {"url": "https://bob.example/"}.`)
	}
	if len(items) > maxBulk {
		return nil, refuse(codeParameters, "At most "+strconv.Itoa(maxBulk)+" things can be flattred at once.")
	}
	results := make([]bulkResult, len(items))
	var refs []flattr.ThingRef
	var places []int
	for i, item := range items {
		if urls := item["url"]; len(urls) > 0 {
			results[i].URL = urls[0]
		}
		ref, err := c.bulkRef(results[i].URL)
		if err != nil {
			if err := results[i].refused(err); err != nil {
				return nil, err
			}
			continue
		}
		refs, places = append(refs, ref), append(places, i)
	}
	if len(refs) == 0 {
		return results, nil
	}
	outcomes, err := c.record(refs)
	if err != nil {
		return nil, err
	}
	paid, lacking := 0, 0
	for i, out := range outcomes {
		result := &results[places[i]]
		if err := refusalOf(out); err != nil {
			if out.Code == flattr.NoMeans {
				lacking++
			}
			if err := result.refused(err); err != nil {
				return nil, err
			}
			continue
		}
		t, err := c.flattred(out)
		if err != nil {
			return nil, err
		}
		paid++
		done := c.clicked(t)
		result.Message, result.Description, result.Thing = done.Message, done.Description, &done.Thing
	}
	if paid == 0 && lacking > 0 {
		return answered{Status: http.StatusPaymentRequired, Body: results}, nil
	}
	return results, nil
}

// bulkRef is the thing that one of many names.
func (c *call) bulkRef(raw string) (flattr.ThingRef, error) {
	if strings.TrimSpace(raw) == "" {
		return flattr.ThingRef{}, refuse(codeInvalid, "The url is missing.")
	}
	a, err := c.addressOf(raw)
	if err != nil || a.id == 0 {
		return a.ref, err
	}
	if _, err := c.server.Store.Thing(c.ctx(), a.id); err != nil {
		return a.ref, err
	}
	return flattr.ThingRef{ID: a.id}, nil
}

// refused says in a result why it was; it answers an error that nobody expects.
func (r *bulkResult) refused(err error) error {
	p, expected := problemOf(err)
	if !expected {
		return err
	}
	r.Message, r.Description = p.code, p.description
	return nil
}

// ofOwn puts thing_owner in the place of flattr_owner.
func ofOwn(err error) error {
	var refused *flattr.Error
	if errors.As(err, &refused) && refused.Code == flattr.OwnThing {
		return refuse(codeThingOwner, refused.Sentence)
	}
	return err
}
