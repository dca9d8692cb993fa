package store

import (
	"time"

	"flattr/ledger/flattr"
)

// Subscribe makes a reader's click on a URL now and repeats it every month, from
// the next one on at the month's first instant (product rule 14). A first click
// for which means lack waits for a top-up; one that is there already stays the
// only one. It refuses with flattr_owner, with id_reused, and with
// invalid_request what is no URL. The same subscription again changes nothing.
func (tx *Tx) Subscribe(now time.Time, reader flattr.MemberID, s flattr.Subscription) error {
	return nil
}

// Pause keeps a subscription from making clicks for months that begin while it
// is on, and ends the waiting of those that were to come; its term goes on. With
// on false it resumes. It refuses with not_found.
func (tx *Tx) Pause(now time.Time, reader flattr.MemberID, id flattr.EventID, on bool) error {
	return nil
}

// Stop ends a subscription for good; the clicks it made stay. It refuses with
// not_found.
func (tx *Tx) Stop(now time.Time, reader flattr.MemberID, id flattr.EventID) error { return nil }

// due decides what has begun by now of the months of a reader's subscriptions,
// and makes their clicks.
func (tx *Tx) due(now time.Time, reader flattr.MemberID) error { return nil }

// retry makes the clicks of a reader's subscriptions that waited for means, as
// far as there are means by now.
func (tx *Tx) retry(now time.Time, reader flattr.MemberID) error { return nil }

// dueAll is due for every reader.
func (tx *Tx) dueAll(now time.Time) error { return nil }

// retryAll is retry for every reader.
func (tx *Tx) retryAll(now time.Time) error { return nil }

// skipWaiting gives up the clicks of a month that still wait for means, when it
// is frozen.
func (tx *Tx) skipWaiting(month flattr.Month) error { return nil }
