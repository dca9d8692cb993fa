package store

import (
	"context"
	"fmt"

	"flattr/ledger/flattr"
)

// What a new member is shown to try first.

const selectInviter = `
SELECT COALESCE(MAX(i.minted_by), 0) FROM invite i WHERE i.used_by = $1`

// Inviter is the member who invited another; 0: the operator, or nobody.
func (s *Store) Inviter(ctx context.Context, member flattr.MemberID) (by flattr.MemberID, err error) {
	err = s.read(ctx, func(tx *Tx) error { return tx.row(selectInviter, int64(member)).Scan(&by) })
	if err != nil {
		return 0, fmt.Errorf("find who invited: %w", err)
	}
	return by, nil
}

const ofSomebodyElse = ` o.owner IS NOT NULL AND o.owner <> $1 AND o.alias_of IS NULL` + inView

// A thing has a row of thing_sum for each part of the readers.
const selectMostFlattred = `
SELECT s.thing FROM (
    SELECT thing, SUM(clicks) AS clicks FROM thing_sum WHERE month = $1 GROUP BY thing ORDER BY 2 DESC, 1 LIMIT $2) s
ORDER BY s.clicks DESC, s.thing`

// MostFlattred are the things that most clicks of a closed month went to, most
// first. It looks at all of the month's things: the answer never changes, and is
// to be kept.
func (s *Store) MostFlattred(ctx context.Context, month flattr.Month, most int) (ids []flattr.ThingID, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		ids, err = tx.things(selectMostFlattred, int32(month), most)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what was flattred most in %s: %w", month, err)
	}
	return ids, nil
}

const selectAnyThings = `SELECT o.id FROM thing o WHERE` + ofSomebodyElse + ` ORDER BY o.id LIMIT $2`

// AnyThings are some things that lists show and that are not the member's.
func (s *Store) AnyThings(ctx context.Context, member flattr.MemberID, most int) (things []flattr.Thing, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		ids, err := tx.things(selectAnyThings, int64(member), most)
		if err != nil {
			return err
		}
		things, err = tx.listedAll(ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find things to try: %w", err)
	}
	return things, nil
}
