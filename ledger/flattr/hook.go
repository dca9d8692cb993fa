package flattr

import "time"

// HookID is the id of a partner's web hook.
type HookID int64

// PartnerPrefix begins the identifier of an owner whom a partner knows; behind
// it stand the partner's namespace, a colon, and the partner's own id.
const PartnerPrefix = "partner:"

// Hook is a partner's web hook: it is told of promises for things of a site, or
// of a namespace of owners, or of both.
type Hook struct {
	ID        HookID
	Name      string // as the operator calls it
	URL       string // where deliveries are posted
	Site      Key    // "": of no site
	SiteURL   string // as first given
	Namespace string // "": of no namespace
	Stopped   bool   // the partner has answered that it is gone
}

// HookStanding is a hook with how its deliveries go.
type HookStanding struct {
	Hook
	Waiting  int // deliveries to be made
	GivenUp  int // deliveries that wait for the operator
	Dropped  int // deliveries that were too many or too old
	Failures int // of the partner's server, in a row
	NextTry  time.Time
	Said     string // what went wrong last
}

// HookDelivery is what a hook is to be told of a click.
type HookDelivery struct {
	Click    EventID
	Thing    ThingID // after aliases
	URL      string
	Asserted string // who the thing was said to be of when it was met
	Clicks   int    // on the thing, in all months
	Flattrer string // "" unless the reader's profile is public, and was at the click
	Attempts int    // so far
}
