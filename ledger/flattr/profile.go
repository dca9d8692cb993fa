package flattr

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// UnclaimedName stands where a thing has no owner; nobody may have it.
const UnclaimedName = "unclaimed"

// Profile is what a member says of themselves. It is private until they make
// it public.
type Profile struct {
	FirstName, LastName string
	About               string
	City, Country       string
	URL                 string // of the member's own pages: http or https
	Email               string
	// Public shows the profile and the flattrs since PublicSince to everybody:
	// making it public never reaches back.
	Public      bool
	PublicSince time.Time // zero while private
}

// Bounds of a profile in characters: names and places as they fit on a line,
// About as the description of a thing, addresses as mail and web know them.
const (
	MaxProfileLine  = 80
	MaxProfileAbout = 1000
	MaxProfileURL   = 500
	MaxProfileEmail = 254
)

// CheckProfile refuses with invalid_request a profile that is too long or whose
// addresses are none.
func CheckProfile(p Profile) error {
	for _, field := range []struct {
		name, text string
		most       int
	}{
		{"first name", p.FirstName, MaxProfileLine},
		{"last name", p.LastName, MaxProfileLine},
		{"text about you", p.About, MaxProfileAbout},
		{"city", p.City, MaxProfileLine},
		{"country", p.Country, MaxProfileLine},
		{"URL", p.URL, MaxProfileURL},
		{"email address", p.Email, MaxProfileEmail},
	} {
		if !utf8.ValidString(field.text) || utf8.RuneCountInString(field.text) > field.most {
			return Refuse(Invalid, "The "+field.name+" is too long. Shorten it.")
		}
	}
	if p.URL != "" {
		u, err := url.Parse(p.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return Refuse(Invalid, "The URL of a profile begins with http:// or https://. Correct it.")
		}
	}
	if name, host, ok := strings.Cut(p.Email, "@"); p.Email != "" && (!ok || name == "" || host == "" || strings.ContainsAny(p.Email, " \t\r\n<>,;")) {
		return Refuse(Invalid, "This is no email address. Correct it.")
	}
	return nil
}

// Thing is what is flattred, as everybody may see it.
type Thing struct {
	ID          ThingID
	URL         string // as first given
	Title       string
	Description string
	Category    string
	Language    string
	Tags        []string
	Hidden      bool     // not to be listed
	OwnerID     MemberID // verified; 0: its clicks are promises
	Owner       string   // the owner's name; "" without one
	Asserted    string   // the owner a button or link named, not verified
	Since       time.Time
	Flattrs     int       // clicks that count, of all months and of all its aliases
	Readers     int       // how many readers they are from
	Registrar   MemberID  // who registered it and may edit it while it has no owner; 0: nobody
	Updated     time.Time // when it was last edited, Since where it never was
}

// Flattred is one click that counts, in a list of them.
type Flattred struct {
	Reader   string // name of who flattred
	ReaderID MemberID
	Thing    Thing
	At       time.Time
}

// Regard is how a reader stands to a thing.
type Regard struct {
	Flattred   bool // there is a click of theirs that counts in the running month
	Subscribed bool // and it is not stopped
}
