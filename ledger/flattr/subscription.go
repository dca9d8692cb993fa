package flattr

import (
	"time"

	"github.com/google/uuid"
)

// Subscription is a click that a reader wants repeated every month (product
// rule 14). It is named by the id of the event that began it.
type Subscription struct {
	ID     EventID
	URL    string
	Months int // 3, 6 or 12; 0: until stopped
}

// SubscriptionClick is the id of the click that a subscription makes in a month.
func SubscriptionClick(subscription EventID, month Month) EventID {
	return EventID(uuid.NewSHA1(uuid.UUID(subscription), []byte(month.String())))
}

// SubscriptionView is a subscription that runs, as its reader sees it.
type SubscriptionView struct {
	ID     EventID
	Thing  ThingID
	Months int // 3, 6 or 12; 0: until stopped
	Since  time.Time
	Paused bool
}
