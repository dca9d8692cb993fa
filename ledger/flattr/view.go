package flattr

import "time"

// ThingView is a thing as anybody may see it.
type ThingView struct {
	ID          ThingID // after aliases
	URL         string  // as first given
	Title       string
	Description string
	Category    string
	Language    string
	Tags        []string
	Hidden      bool
	Owner       MemberID // verified; 0: its clicks are promises
	OwnerName   string   // empty without owner
	Asserted    string   // the owner a button or link named, not verified
	Clicks      int      // that count, of all months
	Since       time.Time
}
