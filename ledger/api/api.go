// Package api is the interface between companions and the ledger: paths,
// types and the Go client. It knows no rule and no store.
//
// All bodies are JSON in UTF-8. Every request but those of OAuth2 carries
// "Authorization: Bearer TOKEN". Every answer carries a Date header, from
// which the companion learns the skew of its clock.
package api

// Paths of the interface, relative to the ledger's origin.
const (
	PathEvents    = "/api/v1/events"  // POST Batch -> Results
	PathAccount   = "/api/v1/account" // GET -> Account
	PathMonths    = "/api/v1/months"  // GET -> Months
	PathAuthorize = "/oauth/authorize"
	PathToken     = "/oauth/token"
	PathRevoke    = "/oauth/revoke"
)

// What the companion's public OAuth2 client is registered as. The redirect is
// http://127.0.0.1:<any port>/callback (RFC 8252, section 7.3).
const (
	CompanionClient   = "flattr-companion"
	CompanionScope    = "companion"
	CompanionCallback = "/callback"
)

// MaxBatch is the largest number of events in one request; MaxBodyBytes bounds
// the body of a request, which a batch of the largest events fits into.
const (
	MaxBatch     = 100
	MaxBodyBytes = 1 << 20
)

// Kind tells the two events apart.
type Kind string

// The kinds of events.
const (
	KindClick Kind = "click"
	KindUndo  Kind = "undo"
)

// Event is a click or an undo as the reader made it.
type Event struct {
	ID    string `json:"id"` // UUID in lower case
	Kind  Kind   `json:"kind"`
	At    string `json:"at"`              // the reader's time, RFC 3339
	Thing *Thing `json:"thing,omitempty"` // of a click
	Click string `json:"click,omitempty"` // of an undo: the click taken back
}

// Thing names what is flattred: by URL, or by the ledger's id, or by the
// 6-character account id of old buttons (FID).
type Thing struct {
	URL         string   `json:"url,omitempty"`
	ID          string   `json:"id,omitempty"`
	FID         string   `json:"fid,omitempty"`
	Owner       string   `json:"owner,omitempty"` // asserted only (product rule 11)
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category,omitempty"`
	Language    string   `json:"language,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Hidden      bool     `json:"hidden,omitempty"`
}

// Batch is at most MaxBatch events, applied in the order given, each by itself.
type Batch struct {
	Events []Event `json:"events"`
}

// Outcome is what became of one event.
type Outcome string

// The outcomes. An event sent again is answered as the first time; Undone alone
// says how it is now, so that a companion learns what was taken back elsewhere.
const (
	OutcomeAccepted  Outcome = "accepted"
	OutcomeLate      Outcome = "late"      // counts in the month of its arrival
	OutcomeDuplicate Outcome = "duplicate" // another click counts: Counts names it
	OutcomeRefused   Outcome = "refused"   // Code and Sentence say why
)

// Codes of refusal. Only CodeNoMeans can be tried again, after a top-up.
const (
	CodeNoMeans     = "no_means"
	CodeOwnThing    = "flattr_owner"
	CodeOnce        = "flattr_once"
	CodeMonthFrozen = "month_frozen"
	CodeIDReused    = "id_reused"
	CodeNotFound    = "not_found"
	CodeInvalid     = "invalid_request"
	CodeSignIn      = "unauthorized"
)

// Result answers one event of a batch, in the batch's order.
type Result struct {
	ID       string  `json:"id"`
	Outcome  Outcome `json:"outcome"`
	Code     string  `json:"code,omitempty"`
	Sentence string  `json:"sentence,omitempty"` // for the reader, English
	Month    string  `json:"month,omitempty"`    // where it counts
	Counts   string  `json:"counts,omitempty"`   // id of the click that counts, with duplicate
	ThingID  string  `json:"thingId,omitempty"`
	URL      string  `json:"url,omitempty"`     // canonical URL of the thing, as first given
	Title    string  `json:"title,omitempty"`   // of the thing
	Promise  bool    `json:"promise,omitempty"` // nobody has claimed the thing yet
	Retry    bool    `json:"retry,omitempty"`   // refused, but may be sent again later
	Undone   bool    `json:"undone,omitempty"`  // of a click of an open month: nothing of the member's counts for its thing now
}

// Results answers a batch. Months is the account's state after it, so that no
// second request is needed.
type Results struct {
	Results []Result `json:"results"`
	Months  Months   `json:"months"`
}

// Account says who the token acts for.
type Account struct {
	Member string `json:"member"` // decimal id
	Name   string `json:"name"`
}

// MonthSummary is one open month of the member. Amounts are micro-EUR.
type MonthSummary struct {
	Month       string `json:"month"` // 2026-11
	State       string `json:"state"` // running or grace
	BudgetMicro int64  `json:"budgetMicro"`
	HeldMicro   int64  `json:"heldMicro"`
	Clicks      int    `json:"clicks"`     // the divisor
	Promises    int    `json:"promises"`   // clicks for things nobody has claimed
	ShareMicro  int64  `json:"shareMicro"` // what one click is worth now, 0 without clicks
}

// Months is the member's state: the running month first, then, within 72
// hours of its end, the one before.
type Months struct {
	MeansMicro int64          `json:"meansMicro"`
	Months     []MonthSummary `json:"months"`
}

// Problem is the body of every answer that is not 2xx.
type Problem struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
}
