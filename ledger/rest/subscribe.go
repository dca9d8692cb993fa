package rest

import (
	"net/http"
	"strconv"

	"flattr/ledger/flattr"
)

var subscribeRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/user/subscriptions", Scope: "flattr", Root: "subscriptions",
		Summary: "The subscriptions of the member the token acts for, oldest first.",
		Answers: []outcome{{http.StatusOK, []subscription{}, "Those that run or are paused."}},
		handle:  getSubscriptions,
	},
	{
		Method: http.MethodPost, Pattern: "/things/:id/subscriptions", Scope: "flattr", Root: "subscription",
		Summary: "Flattrs a thing now and in every month to come.",
		Parameters: []parameter{
			byThing,
			{Name: "months", In: "body", Kind: "integer", Meaning: "For how many months: 3, 6 or 12. Until it is stopped where it is not said."},
		},
		Answers: []outcome{{http.StatusOK, subscribed{}, "The subscription runs."}},
		Errors:  []string{codeThingOwner, codeSubscribed, codeNotFound, codeParameters},
		handle:  subscribe,
	},
	{
		Method: http.MethodPut, Pattern: "/things/:id/subscriptions", Scope: "flattr", Root: "subscription",
		Summary:    "Pauses a subscription that runs, and starts one that is paused.",
		Parameters: []parameter{byThing},
		Answers:    []outcome{{http.StatusOK, done{}, "The message is started or paused."}},
		Errors:     []string{codeNotFound},
		handle:     toggleSubscription,
	},
	{
		Method: http.MethodDelete, Pattern: "/things/:id/subscriptions", Scope: "flattr",
		Summary:    "Ends a subscription. The flattrs it made stay.",
		Parameters: []parameter{byThing},
		Answers:    []outcome{{http.StatusNoContent, nil, "It is ended."}},
		Errors:     []string{codeNotFound},
		handle:     unsubscribe,
	},
}

// subscription is a flattr that is repeated.
type subscription struct {
	Type      string `json:"type"`
	Active    bool   `json:"active"`     // not paused
	CreatedAt int64  `json:"created_at"` // unix
	StartedAt int64  `json:"started_at"` // unix
	Thing     thing  `json:"thing"`
}

// subscribed says what was subscribed to.
type subscribed struct {
	Message     string `json:"message"` // ok
	Description string `json:"description"`
	Thing       thing  `json:"thing"`
}

func getSubscriptions(c *call) (any, error) {
	running, err := c.server.Store.Subscriptions(c.ctx(), c.now, c.member)
	if err != nil {
		return nil, err
	}
	out := make([]subscription, 0, len(running))
	for _, v := range running {
		t, err := c.server.Store.Thing(c.ctx(), v.Thing)
		if flattr.CodeOf(err) == flattr.NotFound {
			continue // out of view; it goes on by itself
		}
		if err != nil {
			return nil, err
		}
		out = append(out, subscription{
			Type: "subscription", Active: !v.Paused, CreatedAt: v.Since.Unix(), StartedAt: v.Since.Unix(), Thing: c.server.ownedThingOf(t),
		})
	}
	return out, nil
}

func subscribe(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	months := 0
	if text, _ := c.text("months"); text != "" {
		if months, err = strconv.Atoi(text); err != nil || months != 0 && months != 3 && months != 6 && months != 12 {
			return nil, refuse(codeParameters, "A subscription runs for 3, 6 or 12 months, or without months until it is stopped.")
		}
	}
	t, err := c.server.Store.Thing(c.ctx(), id)
	if err != nil {
		return nil, err
	}
	if err := c.server.Store.SubscribeTo(c.ctx(), c.now, c.member, flattr.NewEventID(), id, months); err != nil {
		return nil, ofOwn(err)
	}
	return subscribed{"ok", "Successfully subscribed to Thing", c.server.thingOf(t)}, nil
}

func toggleSubscription(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	runs, err := c.server.Store.TogglePause(c.ctx(), c.now, c.member, id)
	if err != nil {
		return nil, err
	}
	if runs {
		return done{"started", "Subscription was started"}, nil
	}
	return done{"paused", "Subscription was paused"}, nil
}

func unsubscribe(c *call) (any, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	return nil, c.server.Store.Unsubscribe(c.ctx(), c.now, c.member, id)
}
