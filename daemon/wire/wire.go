// Package wire holds the messages between the extension and the companion.
//
// Every message is one JSON object in UTF-8, sealed into one binary WebSocket
// message by package socket. A request carries an id made by the extension;
// its answer carries the same id. Pushed messages (status, click) carry none.
// Unknown fields are ignored on both sides; an unknown type is answered with
// [Problem] and the code unknown_message.
//
// The types here are the only source: extension/src/wire.gen.ts is generated
// from them, and the golden files in testdata are read by the tests of both.
package wire

// Version is the protocol's one integer, agreed on in the handshake.
//
//	1  2026-11  first version: flattr, undo, status, month, history, link, unlink, retire, ping
//	            status may ask anew: a companion that does not know the word answers as before
const Version = 1

// Subprotocol is the only WebSocket subprotocol the companion speaks.
const Subprotocol = "flattr.v1"

// Limits of the protocol, the same on both sides.
const (
	MaxFrameBytes    = 16384              // sealed frame with its 16-byte tag
	MaxJSONBytes     = MaxFrameBytes - 16 // what fits into a sealed frame
	MaxUnanswered    = 8                  // requests in flight on one connection
	MaxURLBytes      = 2048               // thing.url
	MaxTitleRunes    = 300                // titles are cut, not refused
	DefaultPort      = 17890              // first port tried by the companion
	LastPort         = 17897              // last port tried by the companion
	NativeHost       = "org.flattr.pair"  // name of the native messaging host
	PasteTicketLabel = "flattr1"          // a pasted ticket reads flattr1:<port>:<base32>
)

// Type names a message.
type Type string

// The messages. Comments say who sends them.
const (
	TypeEnrolled Type = "enrolled" // companion, the one frame of a ticket's connection
	TypeFlattr   Type = "flattr"   // extension
	TypeUndo     Type = "undo"     // extension
	TypeAck      Type = "ack"      // companion, answer to flattr and undo, after COMMIT
	TypeNack     Type = "nack"     // companion, answer to flattr and undo: not stored
	TypeStatus   Type = "status"   // both: question, answer, and pushed on change
	TypeMonth    Type = "month"    // both: question and answer, clicks of the open months
	TypeHistory  Type = "history"  // both: question and answer, clicks of all months
	TypeLink     Type = "link"     // both: question and answer, sign-in at the ledger
	TypeUnlink   Type = "unlink"   // both: question and answer
	TypeRetire   Type = "retire"   // both: question and answer, an older device of this profile
	TypePing     Type = "ping"     // extension
	TypePong     Type = "pong"     // companion
	TypeClick    Type = "click"    // companion, pushed when a click's state changes
	TypeProblem  Type = "problem"  // companion, answer to what it cannot understand or do
)

// State is where a click stands. The order is the order of its life.
type State string

// The states of a click.
const (
	StateKept     State = "kept"     // in the extension's outbox, not with the companion yet
	StateWaiting  State = "waiting"  // durable in the companion, the ledger has not answered yet
	StateAccepted State = "accepted" // counted by the ledger
	StateLate     State = "late"     // counted by the ledger, in the month it arrived
	StateRefused  State = "refused"  // the ledger said no, Code says why
	StateUndone   State = "undone"   // taken back
)

// Code says machine-readably why something was not done.
type Code string

// The codes the companion makes itself. Codes of the ledger (duplicate,
// flattr_owner, no_means, month_frozen, …) are handed through unchanged.
const (
	CodeUnknownMessage Code = "unknown_message" // type not known to this version
	CodeBadMessage     Code = "bad_message"     // not JSON, or a field out of its bounds
	CodeIDReused       Code = "id_reused"       // same id, other body
	CodeNotLinked      Code = "not_linked"      // the device acts for no account yet: sign in
	CodeOtherAccount   Code = "other_account"   // the entry names another account: ask the reader
	CodeDegraded       Code = "degraded"        // the click log cannot be written: the extension keeps the click
	CodeLedgerAway     Code = "ledger_away"     // the ledger does not answer; clicks wait
	CodeSignInAgain    Code = "sign_in_again"   // the ledger no longer accepts the account's token; clicks wait
	CodeRestored       Code = "restored"        // a damaged file of the companion was replaced by its backup
	CodeClockWrong     Code = "clock_wrong"     // the ledger's clock and this machine's are far apart
	CodeBusy           Code = "busy"            // too many unanswered requests
	CodeDuplicate      Code = "duplicate"       // no error: the reader flattred the thing before, at CountsAt, and that click counts
)

// Thing says what is flattred. One of URL, ID and FID must be there.
type Thing struct {
	URL         string   `json:"url,omitempty"`         // absolute http or https URL, at most MaxURLBytes
	ID          string   `json:"id,omitempty"`          // the ledger's thing id, decimal digits
	FID         string   `json:"fid,omitempty"`         // 6-character account id of old buttons
	Owner       string   `json:"owner,omitempty"`       // asserted owner as the button names it (uid, user_id or owner)
	Title       string   `json:"title,omitempty"`       // cut at MaxTitleRunes
	Description string   `json:"description,omitempty"` // cut at 1000 characters
	Category    string   `json:"category,omitempty"`
	Language    string   `json:"language,omitempty"` // such as en_GB
	Tags        []string `json:"tags,omitempty"`
	Hidden      bool     `json:"hidden,omitempty"`
}

// Header is what every message begins with.
type Header struct {
	Type Type   `json:"type"`
	ID   string `json:"id,omitempty"` // of the request; absent on pushed messages
}

// Enrolled makes the browser profile a device. Sent once, on the connection
// whose handshake was proved with a ticket.
type Enrolled struct {
	Type   Type   `json:"type"`
	Device string `json:"device"` // 32 bytes, base64url without padding
	Key    string `json:"key"`    // K, 32 bytes, base64url without padding
	Ledger string `json:"ledger"` // default ledger of this companion, origin of an URL
}

// Flattr is one click. ID is a UUIDv7 made by the extension and is the click's
// id everywhere from then on. Account is the account the reader clicked for
// (empty before the first sign-in was known to the extension).
type Flattr struct {
	Type    Type   `json:"type"`
	ID      string `json:"id"`
	Account string `json:"account,omitempty"`
	Thing   Thing  `json:"thing"`
	Form    string `json:"form,omitempty"` // the form that was clicked, e.g. js-a-rev, popup
	At      string `json:"at"`             // the reader's time, RFC 3339 with milliseconds, UTC
}

// Undo takes a click back. ID is the undo's own UUIDv7. An unknown click is
// kept as a tombstone: the undo may overtake its click.
type Undo struct {
	Type    Type   `json:"type"`
	ID      string `json:"id"`
	Account string `json:"account,omitempty"`
	Click   string `json:"click"`
	At      string `json:"at"`
}

// Ack says that a flattr or undo is durable: it is sent after COMMIT only.
type Ack struct {
	Type  Type   `json:"type"`
	ID    string `json:"id"`
	State State  `json:"state"`
}

// Nack says that a flattr or undo was not stored. Retry tells whether the
// extension keeps the entry (true) or shows it as refused (false).
type Nack struct {
	Type     Type   `json:"type"`
	ID       string `json:"id"`
	Code     Code   `json:"code"`
	Sentence string `json:"sentence"`
	Retry    bool   `json:"retry"`
}

// Ask is a question without fields of its own: ping, unlink.
type Ask struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
}

// StatusAsk asks for the status. Anew says that the reader may have changed
// something at the ledger just now: the companion asks it, however fresh its
// figures are, and pushes what is new.
type StatusAsk struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
	Anew bool   `json:"anew,omitempty"`
}

// Account is a member of one ledger for whom this machine's user acts.
type Account struct {
	ID     string `json:"id"`     // the companion's own id of the account
	Name   string `json:"name"`   // the member's name
	Ledger string `json:"ledger"` // origin of the ledger's URL
}

// MonthSummary is one open month in figures. Amounts are micro-EUR (1e-6 EUR).
type MonthSummary struct {
	Month       string `json:"month"`       // 2026-11
	State       string `json:"state"`       // running, or grace in the 72 hours after its end
	BudgetMicro int64  `json:"budgetMicro"` // in force for this month
	Clicks      int    `json:"clicks"`      // clicks that count and are paid (the divisor); unsent ones included
	Promises    int    `json:"promises"`    // clicks for things nobody has claimed
	ShareMicro  int64  `json:"shareMicro"`  // what one click is worth now; 0 without clicks
}

// StatusProblem is something the reader may want to act on.
type StatusProblem struct {
	Code     Code   `json:"code"`
	Sentence string `json:"sentence"` // English; the extension translates by code where it knows it
}

// Status says whether all is well. It answers a status question and is pushed
// when it changes.
type Status struct {
	Type       Type            `json:"type"`
	ID         string          `json:"id,omitempty"`
	Version    string          `json:"version"`            // of flattrd
	Ledger     string          `json:"ledger"`             // origin of the ledger's URL
	Account    *Account        `json:"account,omitempty"`  // absent: not linked
	Accounts   []Account       `json:"accounts,omitempty"` // offered to a device without account
	Months     []MonthSummary  `json:"months"`             // running month first; in the grace the ended one too
	MeansMicro int64           `json:"meansMicro"`         // not yet held, at the last sync
	Unsent     int             `json:"unsent"`             // events the ledger has not answered
	LastSync   string          `json:"lastSync,omitempty"` // RFC 3339; absent: never
	Problems   []StatusProblem `json:"problems"`
}

// MonthAsk asks for clicks, newest first; Cursor continues a page.
type MonthAsk struct {
	Type   Type   `json:"type"`
	ID     string `json:"id"`
	Cursor string `json:"cursor,omitempty"`
}

// ClickRow is one click as the companion knows it.
type ClickRow struct {
	ID       string `json:"id"`
	State    State  `json:"state"`
	Code     Code   `json:"code,omitempty"`     // why refused
	Sentence string `json:"sentence,omitempty"` // the ledger's words for Code
	Month    string `json:"month"`              // where it counts, as far as known
	At       string `json:"at"`                 // the reader's time
	Title    string `json:"title,omitempty"`
	URL      string `json:"url,omitempty"`      // canonical URL of the thing, once known; before, as clicked
	ThingID  string `json:"thingId,omitempty"`  // the ledger's id, once known
	Thing    Thing  `json:"thing"`              // as clicked, so that the page can be matched in the extension
	Promise  bool   `json:"promise,omitempty"`  // nobody has claimed the thing yet
	Counts   string `json:"counts,omitempty"`   // with the code duplicate: id of the click that counts
	CountsAt string `json:"countsAt,omitempty"` // with the code duplicate: when the reader made that click, RFC 3339, as far as known
	Undoable bool   `json:"undoable"`           // the month is not frozen
}

// MonthPage answers month and history; at most MaxJSONBytes.
type MonthPage struct {
	Type   Type       `json:"type"`
	ID     string     `json:"id"`
	Rows   []ClickRow `json:"rows"`
	Cursor string     `json:"cursor,omitempty"` // absent: the last page
}

// LinkAsk starts the sign-in at the ledger, or, with Account, takes one of the
// offered accounts. Ledger overrides the companion's default.
type LinkAsk struct {
	Type    Type   `json:"type"`
	ID      string `json:"id"`
	Ledger  string `json:"ledger,omitempty"`
	Account string `json:"account,omitempty"`
}

// LinkAnswer carries the URL to open in a tab; it is valid for ten minutes.
// URL is absent when an offered account was taken.
type LinkAnswer struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
	URL  string `json:"url,omitempty"`
}

// Done answers unlink and retire.
type Done struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
}

// Retire revokes the device this profile used before the present one.
type Retire struct {
	Type   Type   `json:"type"`
	ID     string `json:"id"`
	Device string `json:"device"`
}

// Pong answers ping.
type Pong struct {
	Type Type   `json:"type"`
	ID   string `json:"id"`
}

// ClickPush tells of a change of one click.
type ClickPush struct {
	Type  Type     `json:"type"`
	Click ClickRow `json:"click"`
}

// Problem answers a message that could not be understood or carried out.
type Problem struct {
	Type     Type   `json:"type"`
	ID       string `json:"id,omitempty"`
	Code     Code   `json:"code"`
	Sentence string `json:"sentence"`
}

// TicketRequest is what the native host is asked by the browser.
type TicketRequest struct {
	Type string `json:"type"` // "pair"
}

// TicketAnswer is the native host's one answer: a ticket, or an error.
type TicketAnswer struct {
	Port   int    `json:"port,omitempty"`
	Ticket string `json:"ticket,omitempty"` // base32, 26 characters
	Error  string `json:"error,omitempty"`  // a code: not_running, not_trusted, too_many
	Hint   string `json:"hint,omitempty"`   // the sentence that goes with it
}
