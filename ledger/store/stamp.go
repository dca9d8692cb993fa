package store

import (
	"context"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// clockTolerance is how far the clocks of several machines that write to one
// ledger may be apart: those that are kept by NTP differ by less.
const clockTolerance = time.Second

const selectStamp = `SELECT at FROM stamp WHERE name = 'clock'`

const upsertStamp = `
INSERT INTO stamp (name, at) VALUES ('clock', $1)
ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE stamp.at < excluded.at`

// Stamp is Tx.Stamp as a transaction of its own.
func (s *Store) Stamp(ctx context.Context, wall time.Time) error {
	return s.write(ctx, func(tx *Tx) error { return tx.Stamp(wall) })
}

// Stamp writes down that the ledger was at work at a time of the wall clock. It
// refuses with clock_back when an earlier stamp is later than that: the clock
// was set back, and what is done now would stand before what was done already.
func (tx *Tx) Stamp(wall time.Time) error {
	var last int64
	if err := ignoreNone(tx.row(selectStamp).Scan(&last)); err != nil {
		return fmt.Errorf("read the last stamp: %w", err)
	}
	if before := timeOf(last); wall.Before(before.Add(-clockTolerance)) {
		return flattr.Refuse(flattr.ClockBack, fmt.Sprintf(
			"This machine's clock says %s, but the ledger was at work at %s, which is later: nothing was done. "+
				"Set the clock right, then try again. If that later time was the wrong one, take it back with: flattr-ledger clock forget.",
			wall.UTC().Format(time.RFC3339), before.Format(time.RFC3339)))
	}
	if _, err := tx.exec(upsertStamp, micros(wall)); err != nil {
		return fmt.Errorf("write the stamp: %w", err)
	}
	return nil
}

const deleteStamp = `DELETE FROM stamp WHERE name = 'clock'`

// ForgetStamp takes the last stamp away, which was written while the clock was
// ahead of the time. The next stamp is taken as it comes.
func (s *Store) ForgetStamp(ctx context.Context) error {
	return s.write(ctx, func(tx *Tx) error {
		_, err := tx.exec(deleteStamp)
		return err
	})
}
