package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// CallerBytes is how long the name of a caller is in AddHits.
const CallerBytes = 16

const addHits = `
INSERT INTO rest_hits (hour, caller, hits) VALUES ($1, $2, $3)
ON CONFLICT (hour, caller) DO UPDATE SET hits = rest_hits.hits + excluded.hits RETURNING hits`

const forgetHits = `DELETE FROM rest_hits WHERE hour < $1`

// AddHits adds what one process has counted in an hour since it last told, and
// answers for each of those callers what all processes have counted. Earlier
// hours are forgotten.
func (s *Store) AddHits(ctx context.Context, hour int64, counted map[[CallerBytes]byte]int) (totals map[[CallerBytes]byte]int, err error) {
	// All processes go through callers in one order, so that they wait for each
	// other and do not block each other.
	callers := slices.SortedFunc(maps.Keys(counted), func(a, b [CallerBytes]byte) int { return slices.Compare(a[:], b[:]) })
	err = s.write(ctx, func(tx *Tx) error {
		totals = make(map[[CallerBytes]byte]int, len(counted))
		for _, caller := range callers {
			var total int
			if err := tx.row(addHits, hour, caller[:], counted[caller]).Scan(&total); err != nil {
				return fmt.Errorf("add hits: %w", err)
			}
			totals[caller] = total
		}
		if _, err := tx.exec(forgetHits, hour); err != nil {
			return fmt.Errorf("forget hits: %w", err)
		}
		return nil
	})
	return totals, err
}
