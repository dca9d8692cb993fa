package store

import (
	"context"

	"flattr/ledger/flattr"
)

// ThingByURL is Thing for the thing that a URL names. It refuses with not_found,
// and with invalid_request what is no URL.
func (s *Store) ThingByURL(ctx context.Context, url string) (t flattr.Thing, err error) {
	key, err := flattr.KeyOf(url)
	if err != nil {
		return t, err
	}
	err = s.read(ctx, func(tx *Tx) error {
		known, err := tx.thingByKey(key)
		if err != nil {
			return err
		}
		t, err = tx.listed(known.id) // id 0 is no thing's
		return err
	})
	return t, err
}
