package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"flattr/ledger/flattr"
)

// Bounds of what a hook is still to be told. Beyond them the oldest goes: a
// partner that was away for so long asks the thing's page.
const (
	maxDeliveries   = 10_000 // of one hook
	DeliveriesSince = 7 * 24 * time.Hour
)

const selectDueHooks = `
SELECT h.id FROM hook h JOIN hook_state s ON s.hook = h.id
WHERE h.stopped IS NULL AND s.next_try <= $1 AND s.lease <= $1
AND EXISTS (SELECT 1 FROM hook_delivery d WHERE d.hook = h.id AND d.next_try <= $1) ORDER BY s.next_try, h.id`

// DueHooks are the hooks that have something to be told now, and to which nobody
// delivers.
func (s *Store) DueHooks(ctx context.Context, now time.Time) (ids []flattr.HookID, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		ids = nil
		return tx.each(selectDueHooks, func(rows *sql.Rows) error {
			var id flattr.HookID
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, micros(now))
	})
	if err != nil {
		return nil, fmt.Errorf("read which hooks are due: %w", err)
	}
	return ids, nil
}

// HookLease says that one process delivers to a hook and no other does.
type HookLease struct {
	Hook   flattr.HookID
	Holder string    // the process
	Until  time.Time // then another one may
}

const takeHook = `UPDATE hook_state SET holder = $1, lease = $2 WHERE hook = $3 AND (lease <= $4 OR holder = $1)`

// TakeHook takes the lease of a hook, and answers false where another process
// has it.
func (s *Store) TakeHook(ctx context.Context, now time.Time, l HookLease) (mine bool, err error) {
	err = s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(takeHook, l.Holder, micros(l.Until), int64(l.Hook), micros(now))
		mine = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take the lease of a hook: %w", err)
	}
	return mine, nil
}

const leaveHook = `UPDATE hook_state SET holder = '', lease = 0 WHERE hook = $1 AND holder = $2`

// LeaveHook gives a lease back. It is no error where another process has it by now.
func (s *Store) LeaveHook(ctx context.Context, l HookLease) error {
	return s.write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(leaveHook, int64(l.Hook), l.Holder); err != nil {
			return fmt.Errorf("leave hook: %w", err)
		}
		return nil
	})
}

// HookWork is what a hook is to be told now.
type HookWork struct {
	URL        string
	Secret     string
	Failures   int                   // of the partner's server, in a row
	Stale      []flattr.EventID      // undone, claimed or opted out meanwhile: nobody is told
	Deliveries []flattr.HookDelivery // in the order in which they are due
}

const selectHookOf = `
SELECT h.url, h.secret, s.failures FROM hook h JOIN hook_state s ON s.hook = h.id WHERE h.id = $1 AND h.stopped IS NULL`

var selectDeliveries = `
SELECT d.click, o.id, o.url, o.asserted, COALESCE(CASE WHEN p.public_since <= d.at THEN m.name END, ''), d.attempts,
       CASE WHEN o.owner IS NOT NULL OR EXISTS (SELECT 1 FROM event u WHERE u.click = d.click AND u.result <> 'refused') OR ` + isOptedOut + ` THEN 1 ELSE 0 END
FROM hook_delivery d JOIN thing t ON t.id = d.thing JOIN thing o ON o.id = COALESCE(t.alias_of, t.id)
LEFT JOIN member m ON m.id = d.reader AND d.reader <> 0 AND m.deleted IS NULL
LEFT JOIN profile p ON p.member = m.id
WHERE d.hook = $1 AND d.next_try <= $2 ORDER BY d.next_try, d.at, d.click LIMIT $3`

const countToldClicks = `
SELECT COUNT(*) FROM month m JOIN counted c ON c.month = m.month
JOIN thing t ON t.id = c.thing WHERE t.id = $1 OR t.alias_of = $1`

// HookWork is the first most deliveries that are due; not_found where the hook
// is gone or stopped.
func (s *Store) HookWork(ctx context.Context, now time.Time, id flattr.HookID, most int) (work HookWork, err error) {
	err = s.read(ctx, func(tx *Tx) error {
		work = HookWork{}
		if err := tx.row(selectHookOf, int64(id)).Scan(&work.URL, &work.Secret, &work.Failures); err != nil {
			return found(err, "hook")
		}
		err := tx.each(selectDeliveries, func(rows *sql.Rows) error {
			var d flattr.HookDelivery
			var stale bool
			if err := scanID(rows, &d.Click, &d.Thing, &d.URL, &d.Asserted, &d.Flattrer, &d.Attempts, &stale); err != nil {
				return err
			}
			if stale {
				work.Stale = append(work.Stale, d.Click)
			} else {
				work.Deliveries = append(work.Deliveries, d)
			}
			return nil
		}, int64(id), micros(now), most)
		if err != nil {
			return fmt.Errorf("read what a hook is to be told: %w", err)
		}
		return tx.countFor(work.Deliveries)
	})
	return work, err
}

// countFor writes into deliveries how many clicks their things have.
func (tx *Tx) countFor(deliveries []flattr.HookDelivery) error {
	clicks := make(map[flattr.ThingID]int)
	for i, d := range deliveries {
		n, known := clicks[d.Thing]
		if !known {
			if err := tx.row(countToldClicks, int64(d.Thing)).Scan(&n); err != nil {
				return fmt.Errorf("count clicks: %w", err)
			}
			clicks[d.Thing] = n
		}
		deliveries[i].Clicks = n
	}
	return nil
}

// HookResult is what became of a try.
type HookResult struct {
	Click flattr.EventID
	Done  bool      // the partner has it, or is not to be told: it is forgotten
	Next  time.Time // else: when it is tried again; zero: it is given up
	// Of the partner's server as a whole:
	Failures int       // in a row
	Rest     time.Time // it is left alone until then
	Said     string    // what went wrong; empty: nothing
	Gone     bool      // it will be told nothing any more
}

// ErrLeaseLost is what EndDelivery answers where another process has the lease.
var ErrLeaseLost = errors.New("another process delivers to this hook by now")

const renewHook = `
UPDATE hook_state SET lease = $1, failures = $2, next_try = $3, said = $4 WHERE hook = $5 AND holder = $6`

const deleteDelivery = `DELETE FROM hook_delivery WHERE hook = $1 AND click = $2`

const postponeDelivery = `UPDATE hook_delivery SET attempts = attempts + 1, next_try = $1 WHERE hook = $2 AND click = $3`

const stopHook = `UPDATE hook SET stopped = $1 WHERE id = $2 AND stopped IS NULL`

// EndDelivery writes down what became of a try and renews the lease; it fails
// with ErrLeaseLost, and changes nothing, where that is another's.
func (s *Store) EndDelivery(ctx context.Context, now time.Time, l HookLease, r HookResult) error {
	return s.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(renewHook, micros(l.Until), r.Failures, micros(r.Rest), r.Said, int64(l.Hook), l.Holder)
		if err != nil {
			return fmt.Errorf("renew the lease of a hook: %w", err)
		}
		if n == 0 {
			return ErrLeaseLost
		}
		if r.Gone {
			if _, err := tx.exec(stopHook, micros(now), int64(l.Hook)); err != nil {
				return fmt.Errorf("stop hook: %w", err)
			}
		}
		if r.Done {
			_, err = tx.exec(deleteDelivery, int64(l.Hook), r.Click[:])
		} else {
			next := sql.NullInt64{Int64: micros(r.Next), Valid: !r.Next.IsZero()}
			_, err = tx.exec(postponeDelivery, next, int64(l.Hook), r.Click[:])
		}
		if err != nil {
			return fmt.Errorf("end delivery: %w", err)
		}
		return nil
	})
}

const selectOverfull = `
SELECT h.id, COALESCE((SELECT d.at FROM hook_delivery d WHERE d.hook = h.id ORDER BY d.at DESC LIMIT 1 OFFSET $1), 0) FROM hook h ORDER BY h.id`

const trimDeliveries = `DELETE FROM hook_delivery WHERE hook = $1 AND at <= $2`

const countDropped = `UPDATE hook_state SET dropped = dropped + $1 WHERE hook = $2`

const anyOld = `SELECT 1 FROM hook_delivery WHERE hook = $1 AND at <= $2 LIMIT 1`

// TrimHooks forgets deliveries that are too many or too old, and answers how
// many they were.
func (s *Store) TrimHooks(ctx context.Context, now time.Time) (dropped int64, err error) {
	upTo := make(map[flattr.HookID]int64)
	err = s.read(ctx, func(tx *Tx) error {
		clear(upTo)
		old := micros(now.Add(-DeliveriesSince))
		err := tx.each(selectOverfull, func(rows *sql.Rows) error {
			var id flattr.HookID
			var at int64
			err := rows.Scan(&id, &at)
			upTo[id] = max(at, old)
			return err
		}, maxDeliveries)
		if err != nil {
			return fmt.Errorf("look for what is too much: %w", err)
		}
		for id, at := range upTo {
			var any int
			err := tx.row(anyOld, int64(id), at).Scan(&any)
			if errors.Is(err, sql.ErrNoRows) {
				delete(upTo, id)
			} else if err != nil {
				return fmt.Errorf("look for what is too old: %w", err)
			}
		}
		return nil
	})
	if err != nil || len(upTo) == 0 {
		return 0, err
	}
	err = s.write(ctx, func(tx *Tx) error {
		dropped = 0
		for id, at := range upTo {
			n, err := tx.exec(trimDeliveries, int64(id), at)
			if err == nil {
				_, err = tx.exec(countDropped, n, int64(id))
			}
			if err != nil {
				return fmt.Errorf("forget deliveries: %w", err)
			}
			dropped += n
		}
		return nil
	})
	return dropped, err
}
