package rest

import (
	"net/http"

	"flattr/ledger/flattr"
)

var thingRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/things/:id", Root: "thing",
		Summary:    "A thing, or with several ids a list of those that there are; with none it is not_found.",
		Parameters: []parameter{{Name: "id", In: "path", Kind: "string", Required: true, Meaning: "Id of a thing; several are separated by commas."}, inFull},
		Answers:    []outcome{{http.StatusOK, thing{}, "The thing; with several ids, a list of things."}},
		Errors:     []string{codeNotFound, codeParameters},
		handle:     getThings,
	},
}

func getThings(c *call) (any, error) {
	ids, several, err := c.ids()
	if err != nil {
		return nil, err
	}
	if several {
		c.root = "things"
		list, err := c.server.Store.Things(c.ctx(), ids)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, refuse(codeNotFound, "There is none of these things.")
		}
		return c.wholeThings(list)
	}
	t, err := c.server.Store.Thing(c.ctx(), ids[0])
	if err != nil {
		return nil, err
	}
	whole, err := c.wholeThings([]flattr.Thing{t})
	if err != nil {
		return nil, err
	}
	return whole[0], nil
}

// wholeThings are things with all that the caller may see of them.
func (c *call) wholeThings(list []flattr.Thing) ([]thing, error) {
	out, ids := make([]thing, len(list)), make([]flattr.ThingID, len(list))
	for i, t := range list {
		out[i], ids[i] = c.server.wholeThingOf(t), t.ID
	}
	if c.member != 0 {
		regards, err := c.server.Store.Regards(c.ctx(), c.now, c.member, ids)
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i].Flattred, out[i].Subscribed = &regards[i].Flattred, &regards[i].Subscribed
			if err := c.forOwner(&out[i], list[i]); err != nil {
				return nil, err
			}
		}
	}
	if !c.full() {
		return out, nil
	}
	owners := make([]flattr.MemberID, len(list))
	for i, t := range list {
		owners[i] = t.OwnerID
	}
	profiles, err := c.server.Store.Profiles(c.ctx(), owners)
	if err != nil {
		return nil, err
	}
	for i, t := range list {
		owner := c.server.wholeUserOf(t.Owner, profiles[t.OwnerID])
		out[i].Owner = &owner
	}
	return out, nil
}

// forOwner adds what only the owner of a thing sees, or who registered one that
// has none.
func (c *call) forOwner(out *thing, t flattr.Thing) error {
	if t.OwnerID != c.member && (t.OwnerID != 0 || t.Registrar != c.member) {
		return nil
	}
	last, err := c.server.Store.LastFlattr(c.ctx(), t.ID)
	if err != nil {
		return err
	}
	at, updated := int64(0), t.Updated.Unix()
	if !last.IsZero() {
		at = last.Unix()
	}
	out.LastFlattrAt, out.UpdatedAt = &at, &updated
	return nil
}
