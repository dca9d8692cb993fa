package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"flattr/ledger/flattr"
	"flattr/ledger/money"
)

// Whose a thing has become does not matter: what is held back is held back for
// every author of it.
const selectCoolingChanges = `SELECT key, at FROM claim_change WHERE payable > $1 AND owner <> 0 ORDER BY key, seq`

const selectBroughtSince = `
SELECT e.month, e.thing, e.gross FROM earning e JOIN thing t ON t.id = e.thing JOIN month m ON m.month = e.month
WHERE e.author = $1 AND t.key >= $2 AND t.key < $3 AND m.frozen_at >= $4 AND m.state IN ('posted', 'closed')`

// Payable is what of an author's revenue may be paid out at a time: the balance
// without what things have brought since they became the author's, where another
// member had them before and seven days are not over (flattr.PayoutCooling). That
// is held back gross, before the fee, and for every author of such a thing alike:
// never too little is. It is not negative, and all of the balance a week later.
func (s *Store) Payable(ctx context.Context, at time.Time, author flattr.MemberID) (payable money.Micro, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		balance, err := tx.balance(revenueOf(author))
		if err != nil {
			return err
		}
		cooling, err := tx.cooling(at, author)
		payable = max(0, balance-cooling)
		return err
	})
	return payable, err
}

// cooling is what things have brought an author, alone or with others, since they
// changed hands.
func (tx *Tx) cooling(at time.Time, author flattr.MemberID) (sum money.Micro, err error) {
	type change struct {
		key  flattr.Key
		when int64
	}
	var changes []change
	err = tx.each(selectCoolingChanges, func(rows *sql.Rows) error {
		var c change
		err := rows.Scan(&c.key, &c.when)
		changes = append(changes, c)
		return err
	}, micros(at))
	if err != nil {
		return 0, fmt.Errorf("read what has changed hands: %w", err)
	}
	type spot struct {
		month flattr.Month
		thing flattr.ThingID
	}
	brought := make(map[spot]money.Micro) // changes may cover each other
	for _, c := range changes {
		keys := covered(c.key)
		err := tx.each(selectBroughtSince, func(rows *sql.Rows) error {
			var where spot
			var gross money.Micro
			err := rows.Scan(&where.month, &where.thing, &gross)
			brought[where] = gross
			return err
		}, int64(author), keys.from, keys.to, c.when)
		if err != nil {
			return 0, fmt.Errorf("read what has cooled: %w", err)
		}
	}
	for _, gross := range brought {
		sum += gross
	}
	return sum, nil
}
