package report

import (
	"crypto/sha256"
	"encoding/binary"

	"flattr/ledger/flattr"
	"flattr/ledger/store"
)

// log proves each event by itself: that it is of one piece, is in the month it
// belongs to (product rule 5), and stands where its hash puts it in the order of
// the units left over (rule 4), which SQL cannot compute everywhere.
func (a *audit) log() error {
	err := a.tx.EachMember(func(id flattr.MemberID, bucket int) {
		if bucket != id.Bucket() {
			a.findingf("member %d is kept in bucket %d instead of %d", id, bucket, id.Bucket())
		}
	})
	if err != nil {
		return err
	}
	n := 0
	err = a.tx.EachEvent(func(e *store.LoggedEvent) {
		n++
		switch {
		case e.At.After(e.Arrived):
			a.findingf("event %s is of %s, after it arrived at %s", e.ID, e.At, e.Arrived)
		case (e.Result == flattr.Refused) != (e.Code != "" && e.Code != flattr.Once):
			a.findingf("event %s is %s with the code %q", e.ID, e.Result, e.Code)
		case e.Kind != flattr.KindClick && (!e.Names || e.Month != 0):
			a.findingf("event %s, a %s, names no click, or is in a month", e.ID, e.Kind)
		case e.Kind == flattr.KindClick && e.Result == flattr.Refused:
			if e.Month != 0 {
				a.findingf("click %s was refused, and is in %s", e.ID, e.Month)
			}
		case e.Kind == flattr.KindClick:
			a.click(e)
		}
	})
	if err != nil {
		return err
	}
	a.say("audit: %s in the log", counted(n, "event"))
	return a.tx.ProveLog(a.finding)
}

// click proves an accepted click.
func (a *audit) click(e *store.LoggedEvent) {
	own := flattr.MonthOf(e.At)
	switch {
	case e.Month == 0 || e.Thing == 0:
		a.findingf("click %s was accepted, and names no month or thing", e.ID)
		return
	case !e.Late && (e.Month != own || !e.Arrived.Before(own.FreezeAt())),
		e.Late && (e.Month <= own || e.Month < flattr.MonthOf(e.Arrived)):
		a.findingf("click %s of %s that arrived %s does not belong into %s", e.ID, e.At, e.Arrived, e.Month)
	}
	if place := placeOf(e.Month, e.ID); !e.Place.Valid || e.Place.Int64 != place {
		a.findingf("click %s has the place %d (known: %t) in %s, by its hash it is %d", e.ID, e.Place.Int64, e.Place.Valid, e.Month, place)
	}
}

// hashOf is SHA-256 over "2026-11|click id", by which the units left over go.
func hashOf(month flattr.Month, id flattr.EventID) [sha256.Size]byte {
	return sha256.Sum256([]byte(month.String() + "|" + id.String()))
}

// placeOf is what the log keeps of the hash of a click: the first 8 bytes, less
// 2^63.
func placeOf(month flattr.Month, id flattr.EventID) int64 {
	sum := hashOf(month, id)
	return int64(binary.BigEndian.Uint64(sum[:8]) - 1<<63)
}
