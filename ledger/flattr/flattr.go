// Package flattr holds the nouns and rules of Flattr: members, things, clicks,
// budgets, invites, months, and refusals with codes.
package flattr

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"

	"flattr/ledger/money"
	"flattr/ledger/thing"
)

// What a member may give in a month. The lower bound is fixed; the upper one
// is a policy with this default.
const (
	MinBudget        = 2 * money.Euro
	DefaultBudget    = 2 * money.Euro
	DefaultMaxBudget = 100 * money.Euro
)

// MinPayout is the least that is paid out at once, in whole cents; the rest stays
// on the author's account.
const MinPayout = 10 * money.Euro

// InvitesPerMember is how many codes a new member gets to give away.
const InvitesPerMember = 3

// Buckets is the number of parts that members are hashed into; keys begin with
// the bucket, so that work can be divided by it.
const Buckets = 4096

// MaxID is the largest id of a member or thing: old clients read ids as
// decimal numbers that a double holds exactly.
const MaxID = 1 << 52

// MemberID names a member: random, from 1 to MaxID. 0 is nobody.
type MemberID int64

// Bucket is the part a member belongs to: the first 12 bits of SHA-256 over
// the id as 8 bytes, most significant first.
func (id MemberID) Bucket() int {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	sum := sha256.Sum256(b[:])
	return int(sum[0])<<4 | int(sum[1])>>4
}

// ThingID names a thing: random, from 1 to MaxID. 0 is none.
type ThingID int64

// Key names a thing by its URL (product rule 10).
type Key = thing.Key

// MaxKeyBytes bounds a key: PostgreSQL takes 2,704 bytes into a row of an index,
// and escapes make a key up to three times as long as its URL.
const MaxKeyBytes = 2600

// KeyOf is the key of a URL, or a refusal with invalid_request that says what
// is wrong with it.
func KeyOf(url string) (Key, error) {
	key, err := thing.KeyOf(url)
	if err == nil && len(key) > MaxKeyBytes {
		err = fmt.Errorf("the URL is longer than %d bytes when its special characters are escaped", MaxKeyBytes)
	}
	if err != nil {
		return "", Refuse(Invalid, "This is not the address of a thing: "+err.Error()+".")
	}
	return key, nil
}

// EventID is the UUID of an event. A click is named by the id of its event.
type EventID uuid.UUID

// ParseEventID reads a UUID in its usual form of 36 characters; case does not
// matter.
func ParseEventID(s string) (EventID, error) {
	if len(s) != 36 {
		return EventID{}, fmt.Errorf("id %.40q is no UUID", s)
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return EventID{}, fmt.Errorf("id %.40q is no UUID", s)
	}
	return EventID(u), nil
}

// NewEventID is an id that no other event has; later ones are greater, which
// keeps them together in an index.
func NewEventID() EventID { return EventID(uuid.Must(uuid.NewV7())) }

// String writes the id in lower case.
func (id EventID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the id names nothing.
func (id EventID) IsZero() bool { return id == EventID{} }

// Member is an account; reader and author are its two roles.
type Member struct {
	ID       MemberID
	Name     string // as first written; compared without case
	Language string // of pages and letters: "en" or "de"
	Zone     string // in which times are shown: an IANA name such as Europe/Berlin
	Budget   money.Micro
	Means    money.Micro // put in and not yet given or held
	Since    time.Time
}

// Invite is a code that lets one new member in.
type Invite struct {
	Code   string      // as shown, in groups
	Means  money.Micro // welcome means for the new member, from the account gift
	By     MemberID    // who may give it away; 0 for the operator's
	Used   bool
	UsedBy string // name of the member it let in
}

// Kind tells events apart.
type Kind string

// The kinds of events. A void is made by the ledger: it takes a click back for
// good when its reader became owner of the thing.
const (
	KindClick Kind = "click"
	KindUndo  Kind = "undo"
	KindVoid  Kind = "void"
)

// ThingRef is how a click names its thing: by ID, or by URL. Owner is only
// asserted (product rule 11). The rest describes the thing when it is new.
type ThingRef struct {
	URL         string
	ID          ThingID
	FID         string // 6-character account id of old buttons
	Owner       string
	Title       string
	Description string
	Category    string
	Language    string
	Tags        []string
	Hidden      bool
}

// AllParts is the sum of the parts of a thing, in basis points.
const AllParts = 10_000

// Part is what one author gets of what a thing earns: BP of 10,000 (product
// rule 13).
type Part struct {
	Author MemberID
	BP     int // basis points, at least 1
}

// Event is a click or an undo as its reader made it.
type Event struct {
	ID    EventID
	Kind  Kind
	At    time.Time // the reader's time
	Thing ThingRef  // of a click
	Click EventID   // of an undo: the click taken back
}

// Result says what became of an event.
type Result string

// The results. Late means accepted, but counting in a later month than its own.
const (
	Accepted  Result = "accepted"
	Late      Result = "late"
	Duplicate Result = "duplicate"
	Refused   Result = "refused"
)

// Outcome answers one event. An event sent again with the same body gets the
// first answer again, except after no_means, which leaves nothing behind; Undone
// says how it is now.
type Outcome struct {
	ID       EventID
	Result   Result
	Code     Code    // of a refusal, and flattr_once of a duplicate
	Sentence string  // for the reader, English
	Month    Month   // where it counts
	Counts   EventID // with Duplicate: the click that counts
	ThingID  ThingID
	URL      string // of the thing, as first given
	Title    string
	Promise  bool // the thing has no verified owner yet
	Retry    bool // refused, but may be sent again later
	Undone   bool // of a click of an open month: nothing of the reader's counts for its thing now
}

// Phase says where an open month stands for its readers.
type Phase string

// The phases of an open month.
const (
	Running Phase = "running"
	InGrace Phase = "grace"
)

// MonthSummary is what a reader sees of an open month.
type MonthSummary struct {
	Month    Month
	State    Phase
	Budget   money.Micro
	Held     money.Micro
	Clicks   int         // the divisor
	Promises int         // clicks for things without verified owner
	Share    money.Micro // what one click is worth now; 0 without clicks
}

// ClickView is one click of a month as its reader sees it.
type ClickView struct {
	ID        EventID
	ThingID   ThingID
	URL       string
	Title     string
	Owner     string // name of the verified owner; empty for a promise
	Asserted  string // the owner a button or link named, not verified
	At        time.Time
	Counts    bool
	Duplicate bool // another click on the thing counts
	Undone    bool
	Late      bool
	Promise   bool
	Promised  Month       // the frozen month whose promise became this click; 0: the reader's own
	Share     money.Micro // what it is worth now, or was in a closed month
}

// Revenue is what an author has earned.
type Revenue struct {
	Balance money.Micro    // of the account revenue
	Months  []RevenueMonth // closed ones, newest first, without their things
	Preview RevenueMonth   // the running month as it stands; nothing is promised
	// Ended are the months with clicks that are over but not closed yet, as they
	// stand, newest first.
	Ended []RevenueMonth
}

// RevenueMonth is one month of an author. Net is gross less fee.
type RevenueMonth struct {
	Month           Month
	Clicks          int
	Gross, Fee, Net money.Micro
	Count           int            // things that brought something
	Things          []RevenueThing // of these: highest gross first, ties by id
	AsOf            time.Time      // when it was summed, of a month as it stands
}

// RevenueThing is one thing of an author in one month.
type RevenueThing struct {
	ID     ThingID
	URL    string
	Title  string
	Clicks int
	Gross  money.Micro
}
