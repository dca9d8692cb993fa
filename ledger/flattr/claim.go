package flattr

import "time"

// The times of a claim.
const (
	// ClaimRecheck is how long a proof that was found is believed.
	ClaimRecheck = 7 * 24 * time.Hour
	// ClaimRetry is how soon a proof that is missing is looked for again.
	ClaimRetry = 24 * time.Hour
	// ClaimLapse is how long the proof of a verified claim may be missing until
	// the claim lapses: a month in which an author can be away.
	ClaimLapse = 28 * 24 * time.Hour
	// ClaimPatience is how long the ledger looks by itself for a proof that was
	// never there; the claimant can have it look later too.
	ClaimPatience = 28 * 24 * time.Hour
	// PayoutCooling is how long nothing is paid out that a new owner brings, so
	// that the old one can object.
	PayoutCooling = 7 * 24 * time.Hour
	// MaxClaims bounds the claims of a member: each is looked after for good.
	MaxClaims = 50
)

// Never is the time of what is not to be done any more.
var Never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ClaimState is how a claim of a member stands.
type ClaimState string

// The states of a claim. Only in the second and third is the member the owner.
const (
	ClaimWaiting  ClaimState = "waiting"   // no proof was found yet
	ClaimVerified ClaimState = "verified"  // proved, and the proof was there at the last check
	ClaimLost     ClaimState = "lost"      // proved once, but the proof is missing
	ClaimLapsed   ClaimState = "lapsed"    // the proof was missing for ClaimLapse
	ClaimConflict ClaimState = "conflict"  // another member has it: the operator decides
	ClaimRefused  ClaimState = "refused"   // the operator decided for another member
	ClaimOptedOut ClaimState = "opted_out" // the site wants no money
)

// Proof is by what a site names its owner.
type Proof string

// The proofs. The operator's word is one, and is not looked for on the site.
const (
	ProofMeta     Proof = "meta"    // flattr:id in the head of the page
	ProofFile     Proof = "file"    // /.well-known/flattr.txt
	ProofDNS      Proof = "dns"     // a TXT record of _flattr.HOST
	ProofPartner  Proof = "partner" // the owner as a partner calls them, in the head of one of its pages
	ProofOperator Proof = "operator"
)

// Fault is why a check found no proof.
type Fault string

// The faults of a check.
const (
	FaultAbsent      Fault = "absent"      // the site was read and names nobody
	FaultUnreachable Fault = "unreachable" // nothing could be read
	FaultOther       Fault = "other"       // the site names another member only
	FaultAmbiguous   Fault = "ambiguous"   // the site names the member and another one
	FaultOptedOut    Fault = "opted_out"   // the site wants no money
)

// Finding is what a check of a site found for one claimant.
type Finding struct {
	Proof  Proof    // by what the site names the claimant; "": not at all
	Fault  Fault    // why not; "": it does
	Other  MemberID // a member that the site names beside or in place of the claimant; 0: none
	OptOut string   // the URL, with all below where its path ends in `/`, that wants no money; "": none
}

// Claim is a member's word that a URL is theirs, with everything below it where
// its path ends in `/`, and what the ledger found.
type Claim struct {
	Key       Key
	URL       string // where the ledger looks
	Member    MemberID
	Name      string // of the member
	State     ClaimState
	Proof     Proof
	Fault     Fault
	Rival     MemberID // who else is named there, or has verified it; 0: nobody
	RivalName string
	Since     time.Time
	Checked   time.Time // zero: not yet
	Lost      time.Time // since when the proof is missing; zero: it is there, or never was
	Due       time.Time // when the ledger checks next
}

// Lapses is when a claim whose proof is missing ends.
func (c Claim) Lapses() time.Time { return c.Lost.Add(ClaimLapse) }

// Owns reports whether the claim makes its member the owner.
func (c Claim) Owns() bool { return c.State == ClaimVerified || c.State == ClaimLost }

// After is the claim after a check (product rule 11). holder has the verified
// claim of the same URL, and above that of the longest URL which covers it; 0 is
// nobody. Nothing is guessed: where two members stand against each other the
// claim waits for the operator.
func (c Claim) After(now time.Time, f Finding, holder, above MemberID) Claim {
	c.Checked, c.Fault, c.Rival = now, f.Fault, f.Other
	mine := holder == c.Member
	byOperator := mine && c.Proof == ProofOperator
	switch {
	case f.Fault == FaultOptedOut:
		c.State, c.Proof, c.Lost, c.Due = ClaimOptedOut, "", time.Time{}, now.Add(ClaimRecheck)
		return c
	case byOperator:
		c.State, c.Fault, c.Lost, c.Due = ClaimVerified, "", time.Time{}, now.Add(ClaimRecheck)
		return c
	}
	c.Proof = f.Proof
	c.Due = now.Add(ClaimRecheck)
	switch {
	case mine && f.Proof != "":
		c.State, c.Fault, c.Lost = ClaimVerified, "", time.Time{}
	case mine:
		c.miss(now)
	case holder != 0:
		c.Rival = holder
		if c.State != ClaimRefused {
			c.State = ClaimConflict
		}
	case f.Proof == "" || f.Fault != "":
		if c.State != ClaimLapsed {
			c.State = ClaimWaiting
		}
		if c.Due = now.Add(ClaimRetry); now.Sub(c.Since) > ClaimPatience {
			c.Due = Never
		}
	case above != 0 && above != c.Member && (f.Proof == ProofMeta || f.Proof == ProofPartner):
		// Whoever may write one page of a site could take what is below it.
		c.State, c.Rival = ClaimConflict, above
	default:
		c.State, c.Lost = ClaimVerified, time.Time{}
	}
	return c
}

// miss is a check of a verified claim that found no proof.
func (c *Claim) miss(now time.Time) {
	c.State = ClaimLost
	lapsed := false
	if c.Lost, c.Due, lapsed = Missing(now, c.Lost); lapsed {
		c.State = ClaimLapsed
	}
}

// Missing is what follows where a proof that was there is not found: since when
// it is lost, when to look next, and whether that was too long ago. since is
// zero where it was there the last time.
func Missing(now, since time.Time) (lost, due time.Time, lapsed bool) {
	if lost = since; lost.IsZero() {
		lost = now
	}
	end := lost.Add(ClaimLapse)
	if !now.Before(end) {
		return lost, Never, true
	}
	if due = now.Add(ClaimRetry); end.Before(due) {
		due = end
	}
	return lost, due, false
}

// ClaimChange is a change of who owns what a URL covers.
type ClaimChange struct {
	Key           Key
	Former, Owner MemberID  // 0: nobody
	How           string    // a Proof, page, claim, lapsed, given_up, opted_out or identity
	At            time.Time // when
	Payable       time.Time // not before then is paid out what it brings
}

// Identity is an owner whom a partner knows, and the member who is it.
type Identity struct {
	Identity string // partner:NAMESPACE:ID
	Name     string // of the member
	Since    time.Time
	Others   []string // names of members of whom the partner has said it later: the operator decides
}
