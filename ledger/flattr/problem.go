package flattr

import "errors"

// Code names a refusal to programs.
type Code string

// The refusals. Only NoMeans can be tried again, after a top-up.
const (
	NoMeans       Code = "no_means"
	OwnThing      Code = "flattr_owner"
	Once          Code = "flattr_once"
	MonthFrozen   Code = "month_frozen"
	MonthOpen     Code = "month_open"
	IDReused      Code = "id_reused"
	NotFound      Code = "not_found"
	BudgetRange   Code = "budget_range"
	Invalid       Code = "invalid_request"
	InviteUnknown Code = "invite_unknown"
	InviteUsed    Code = "invite_used"
	NameInvalid   Code = "name_invalid"
	NameTaken     Code = "name_taken"
	Claimed       Code = "claimed"     // another member has claimed this URL
	ClaimsFull    Code = "claims_full" // a member's claims are as many as may be
	NoSite        Code = "no_site"     // a URL that nobody can claim alone
	SiteSilent    Code = "site_silent" // a site that could not be read
	OptedOut      Code = "opted_out"   // its owner wants no money
	BalanceLeft   Code = "balance_left"
	ClockBack     Code = "clock_back"    // the wall clock is behind what it was
	Reversed      Code = "reversed"      // a transfer is reversed once
	BooksFull     Code = "books_full"    // more money than the books can count
	Forbidden     Code = "forbidden"     // another member's thing
	Registered    Code = "registered"    // somebody has registered this URL before
	Subscribed    Code = "subscribed"    // there is such a subscription already
	LettersFull   Code = "letters_full"  // too many letters were asked for
	PasskeysFull  Code = "passkeys_full" // a member's passkeys are as many as may be
	PasskeyKnown  Code = "passkey_known" // a passkey that is somebody's already
	SharingsFull  Code = "sharings_full" // a member shares as many addresses as may be
)

// Error is an expected failure: a code for programs and a sentence for the
// person, which names the next step. All other errors are internal.
type Error struct {
	Code     Code
	Sentence string
}

// Error writes the code and the sentence.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Sentence }

// CodeOf is the code of an expected failure, or "" for any other error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Refuse makes an expected failure.
func Refuse(code Code, sentence string) *Error { return &Error{Code: code, Sentence: sentence} }
